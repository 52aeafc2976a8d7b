// The facts about the network in a model's config.json, in timm's form or transformers'. (recipe.hpp reads how pictures
// are prepared.)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "model/config/config_reader.hpp"
#include "model/family/family.hpp"

namespace fovea {

/// What a config changes of the rotary embedding that the tensors and the architecture's name mean.
struct RopeConfig {
  std::optional<Rope> named;  // by the architecture's name, where the tensors mean another
  std::optional<RopeSettings> named_settings;
  std::optional<bool> used;
  std::optional<Rope> kind;
  std::optional<double> temperature;
  std::optional<double> grid_offset;
  std::optional<PatchGrid> reference;
  std::optional<bool> x_first;
  std::optional<bool> rotate_half;
  bool scaled = true;  // to 16x16 patches, where `reference` does not say to what
};

/// Whether a model has the tensors of an option, by its config.
struct StatedPart {
  std::string_view key;  // of the config
  Option option;
  bool present;
};

/// The same by what the tensors are for; any of several roles.
struct StatedRole {
  std::string_view key;
  std::vector<Role> roles;
  Part part;
  bool present;
};

struct ModelConfig {
  std::string architecture;        // timm's name, or transformers' class; may be empty
  std::vector<ClassLabel> labels;  // empty if the config names none
  // The tensors reveal these, too: they are only compared.
  std::optional<std::size_t> num_classes;
  std::optional<std::size_t> embed_dim;
  std::optional<std::size_t> depth;
  std::optional<std::size_t> patch_size;  // px
  std::optional<std::size_t> mlp_hidden_dim;
  std::optional<std::size_t> num_register_tokens;
  std::vector<StatedPart> parts;
  std::vector<StatedRole> roles;
  std::optional<bool> gated_mlp;
  std::optional<Activation> given_activation;  // timm's act_layer, which a gated MLP takes for its gate

  std::optional<std::size_t> num_heads;
  std::size_t pool_num_heads = 0;  // 0: as many as the blocks
  RopeConfig rope;
  std::optional<float> norm_eps;
  std::optional<Activation> activation;
  std::optional<ReadOut> read_out;
  std::optional<Size> image_size;     // px; the size that the network is built for
  std::optional<Size> input_size;     // px; the size that its library feeds it; none: image_size
  bool size_of_each_picture = false;  // its library feeds each picture at a size of its own (NaFlex)
  /// Its library resamples position embeddings when it loads a file for another size, or when it is fed another size.
  bool resamples_on_load = false;
  bool takes_any_size = false;  // timm's dynamic_img_size
  bool resamples_in_forward = false;
  std::optional<bool> embeds_prefix;  // prefix tokens have position embeddings; none: the tensors say it
  bool expects_head = false;          // it is a classifier, so a missing head is an error in the file
  bool pool_sees_prefix = false;
  bool norm_after = false;
  bool rotates = false;  // its class is one that may have a rotary embedding
  bool multi_label = false;
  bool regression = false;
  bool one_class_is_sigmoid = false;
  bool labels_have_gaps = false;  // there may be fewer names than classes
  std::optional<bool> rms_norm;
};

/// @param test_size  timm's models are fed `test_input_size`, where there is one
/// @throws Error  kCheckpoint if the config says something that fovea does not know or does not support.
[[nodiscard]] ModelConfig read_model_config(const ConfigReader& reader, bool test_size = false);
/// The same for each form.
[[nodiscard]] ModelConfig read_timm_config(const ConfigReader& reader, bool test_size = false);
/// timm's form as transformers' TimmWrapper writes and reads it.
[[nodiscard]] ModelConfig read_timm_wrapper_config(const ConfigReader& reader, bool test_size = false);
[[nodiscard]] ModelConfig read_transformers_config(const ConfigReader& reader);
[[nodiscard]] ModelConfig read_open_clip_config(const ConfigReader& reader);
/// transformers' `problem_type`: softmax, sigmoid or nothing after the head.
void read_problem(const ConfigReader& reader, ModelConfig& config);

/// timm's `pretrained_cfg`; the root where it stands there, as older versions wrote it.
[[nodiscard]] nlohmann::json timm_pretrained_cfg(const ConfigReader& reader);

struct TimmSizes {
  std::optional<Size> built;  // px, that the position embeddings are for
  std::optional<Size> fed;    // px
};
/// timm/models/_hub.py, _parse_model_cfg: a model of fixed input size is fed what it is built for, `img_size` before
/// `input_size`; another one is built for `img_size` and fed `input_size`.
/// @param test_size  `test_input_size` takes the place of `input_size`, where there is one
/// @throws Error  kCheckpoint if these differ in a model that takes one size.
[[nodiscard]] TimmSizes timm_sizes(const ConfigReader& reader, bool test_size = false);

enum class TimmClass { kVisionTransformer, kVisionTransformerRelPos, kEva, kBeit };

/// Facts that follow from timm's names and are not in its configs.
struct TimmFacts {
  TimmClass model_class = TimmClass::kVisionTransformer;
  ReadOut read_out = ReadOut::kClassToken;  // global_pool, where model_args has none
  std::optional<Size> img_size;             // that the name's own function asks for
  bool dynamic_img_size = false;
  bool embeds_prefix = true;        // not no_embed_class
  bool resamples_bilinear = false;  // position embeddings, when a file for another size is loaded
  std::optional<std::size_t> num_heads;
  float norm_eps = 1e-6F;
  Activation activation = Activation::kGelu;
  bool pool_sees_prefix = false;
  std::size_t pool_num_heads = 0;  // 0: as many as the blocks
  bool norm_after = false;         // norms stand after the sub-layers
  std::optional<Rope> rope;
  std::optional<RopeSettings> rope_settings;
};
[[nodiscard]] TimmFacts timm_facts(std::string_view architecture);

}  // namespace fovea
