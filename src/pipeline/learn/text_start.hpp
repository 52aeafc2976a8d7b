// A head that starts from texts: it learns what a few pictures add to what their classes' names say.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "learn/cross_validation.hpp"
#include "learn/logistic.hpp"
#include "model/learned/text_directions.hpp"

namespace fovea {

/// The texts of the classes, by the classes' names.
/// @param model   a folder or file with the image tower
/// @param file    of text embeddings
/// @throws Error  kUsage for a class without a text, and as read_text_embeddings() and text_directions().
[[nodiscard]] TextDirections texts_of(const std::filesystem::path& model, const std::filesystem::path& file,
                                      std::span<const std::string> classes);

/// How much the texts count, chosen out of fold.
struct TextStart {
  learn::Matrix scores;   // [n, C] of the texts alone, with a mean spread of 1 between the classes of a picture
  learn::LinearHead head;  // that gives them
  double weight = 0;      // that they are multiplied by; 0 where the pictures say more without them
};

/// @param examples  unscaled
/// @param splits    of what is learned from
[[nodiscard]] TextStart choose_text_start(const learn::Examples& examples, const std::vector<learn::Split>& splits,
                                          const TextDirections& texts);

/// The scores that are added to those of a head, as learn::Examples::offsets.
[[nodiscard]] learn::Matrix offsets_of(const TextStart& start);

/// What was learned beside the texts, and the texts.
[[nodiscard]] learn::LinearHead with_texts(learn::LinearHead head, const TextStart& start);

}  // namespace fovea
