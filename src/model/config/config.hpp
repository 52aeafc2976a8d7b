// What a model's config.json says about the network itself: timm's form or transformers'. (How pictures are prepared
// is read in recipe.hpp.)
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
  std::optional<Size> image_size;  // px, that the checkpoint was trained for
  std::optional<std::size_t> num_heads;
  std::optional<std::size_t> num_classes;
  bool expects_head = false;  // it is a classifier: a missing head is a fault of the file
  std::optional<float> norm_eps;
  std::optional<Activation> activation;
  std::optional<ReadOut> read_out;
  bool pool_sees_prefix = false;
  std::optional<Rope> rope;  // where the tensors do not tell which
  bool multi_label = false;
  std::vector<ClassLabel> labels;  // empty if it names none
};

/// @throws Error  kCheckpoint if it says something that fovea cannot honour.
[[nodiscard]] ModelConfig read_model_config(const ConfigReader& reader);

/// What timm's names say and its configs leave out.
struct TimmFacts {
  std::optional<std::size_t> num_heads;
  float norm_eps = 1e-6F;
  Activation activation = Activation::kGelu;
  bool pool_sees_prefix = false;
  std::optional<Rope> rope;
  bool supported = true;  // false: the same tensors are computed with in another way
};
[[nodiscard]] TimmFacts timm_facts(std::string_view architecture);

}  // namespace fovea
