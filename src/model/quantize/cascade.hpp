// A cascade: one file with a model's weights as they were trained and a quick, rounded form of them, and how far the
// rounded form can be trusted.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/model.hpp"

namespace fovea {

/// Before the name of a tensor of the quick form. Tensors without such a twin belong to both forms.
inline constexpr std::string_view kQuickPrefix = "fovea.quick.";

/// The precision of a cascade's quick form, and how all keys of its metadata begin. They hold for its two forms alone.
inline constexpr std::string_view kCascadeKeys = "fovea.cascade";

/// What the file's metadata says of its cascade; none for every other checkpoint.
/// @param file    for messages
/// @throws Error  kCheckpoint for numbers that are none.
[[nodiscard]] std::optional<CascadeInfo> stored_cascade(const Checkpoint& checkpoint, std::string_view file);
/// The same as metadata.
[[nodiscard]] std::map<std::string, std::string> cascade_metadata(const CascadeInfo& cascade);

/// One form of a cascade's checkpoint, with the tensors' usual names. The quick form is as `fovea quantize` writes it.
/// @param quick  its precision; none: the weights as they were trained
[[nodiscard]] std::unique_ptr<Checkpoint> cascade_form(std::unique_ptr<Checkpoint> checkpoint,
                                                       std::optional<Precision> quick);

/// What the exact and the quick form's logits of held-out pictures say.
/// @param exact, quick  [pictures] of [C]
/// @param alone         whether a class is also judged alone, as by multi-label models
/// @param risk          how often a change may be larger than the margin, by the estimate: 0..1
[[nodiscard]] CascadeInfo measure_cascade(std::span<const std::vector<float>> exact,
                                          std::span<const std::vector<float>> quick, bool alone, double risk,
                                          Precision precision);

}  // namespace fovea
