// Whether the model uses what stands out: hidden, shown alone, and put on pictures of other classes, each beside a
// control.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "learn/marks/colour_cast.hpp"
#include "learn/marks/small_pictures.hpp"
#include "pipeline/audit/asked_model.hpp"
#include "pipeline/audit/shrunk.hpp"
#include "pipeline/folder/inputs.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// The pictures that experiments draw from.
struct ExperimentPictures {
  std::span<const Input> inputs;
  std::span<const std::size_t> chosen;   // [n] indices into `inputs`
  std::span<const std::size_t> classes;  // [n]
  LostPictures* lost = nullptr;          // gets those that cannot be read any more; never null
};

/// Where something lies in one picture.
struct SuspectPlace {
  std::vector<learn::RelativeBox> region;
  learn::RelativeBox seen;  // the part of the picture that the model sees: controls lie in it
};

/// What is tried.
struct Suspect {
  std::size_t of_class = 0;
  std::vector<std::size_t> carriers = {};  // rows of the class's pictures that show it
  std::vector<std::size_t> others = {};    // rows of other classes' pictures
  std::function<SuspectPlace(std::size_t row)> place = {};  // empty: a tint, which lies everywhere
  learn::Hue hue{};                                         // of a tint
};

/// At most so many pictures are changed for each trial.
inline constexpr std::size_t kTrialPictures = 24;
/// The forward passes that its trials take, at most.
[[nodiscard]] std::size_t passes_of(const Suspect& suspect);

/// Hides the region on pictures that show it, under the mean colour and under a blur, against a random region of equal
/// area; shows it alone, against such a region alone; and puts it on pictures of other classes, against the same region
/// of a picture of another class. A tint is taken away and laid on, against the same tint with its channels exchanged.
[[nodiscard]] std::vector<AuditTrial> try_suspect(const Suspect& suspect, const ExperimentPictures& pictures,
                                                  AskedModel& model, std::uint64_t seed);

/// What the trials say about the model, in a sentence.
/// @param is_mark  something that lies in the pictures, and no place that maps point at
[[nodiscard]] std::string verdict_of(const std::vector<AuditTrial>& trials, bool is_mark);

}  // namespace fovea
