// Whether the model uses a mark: the mark hidden, and the mark on pictures of other classes, each beside a control.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/audit/asked_model.hpp"
#include "pipeline/audit/marks.hpp"
#include "pipeline/folder/inputs.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// The pictures that experiments draw from.
struct ExperimentPictures {
  std::span<const Input> inputs;
  std::span<const std::size_t> chosen;   // [n] indices into `inputs`
  std::span<const std::size_t> classes;  // [n]
};

/// At most so many pictures are changed for each trial.
inline constexpr std::size_t kTrialPictures = 24;
/// The forward passes that the trials of one mark take, at most.
[[nodiscard]] std::size_t passes_of(const Mark& mark);

/// Hides the mark on pictures that carry it, under the mean colour and under a blur, against a random region of equal
/// area; and puts it on pictures of other classes, against the same region of a picture of another class. A tint is
/// taken away and laid on, against the same tint with its channels exchanged.
[[nodiscard]] std::vector<AuditTrial> try_mark(const Mark& mark, const ExperimentPictures& pictures, AskedModel& model,
                                               std::uint64_t seed);

/// What the trials say about the model, in a sentence.
[[nodiscard]] std::string verdict_of(const std::vector<AuditTrial>& trials);

}  // namespace fovea
