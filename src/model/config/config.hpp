// The facts about the network in a model's config.json, in timm's form or transformers'. (recipe.hpp reads how pictures
// are prepared.)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "model/config/config_reader.hpp"

namespace fovea {

struct ModelConfig {
  std::string architecture;        // timm's name, or transformers' class; may be empty
  std::optional<Size> image_size;  // px; the size that the checkpoint was trained for
  std::optional<std::size_t> num_heads;
  std::optional<std::size_t> num_classes;
  bool expects_head = false;  // it is a classifier, so a missing head is an error in the file
  std::optional<float> norm_eps;
  std::optional<Activation> activation;
  std::optional<ReadOut> read_out;
  bool pool_sees_prefix = false;
  std::optional<Rope> rope;  // only where the tensors do not reveal it
  bool multi_label = false;
  std::vector<ClassLabel> labels;  // empty if the config names none
};

/// @throws Error  kCheckpoint if the config asks for something that fovea does not support.
[[nodiscard]] ModelConfig read_model_config(const ConfigReader& reader);

/// Facts that follow from timm's names and are not in its configs.
struct TimmFacts {
  std::optional<std::size_t> num_heads;
  float norm_eps = 1e-6F;
  Activation activation = Activation::kGelu;
  bool pool_sees_prefix = false;
  std::optional<Rope> rope;
  bool supported = true;  // false: a model with the same tensor names but another computation
};
[[nodiscard]] TimmFacts timm_facts(std::string_view architecture);

}  // namespace fovea
