// Tables of keys, one for each library: what becomes of each is the reader's to do, or nobody's.
#pragma once

#include <span>

#include "model/keys/config_keys.hpp"

namespace fovea {

/// config.json as timm's save_for_hf writes it (timm/models/_hub.py).
[[nodiscard]] std::span<const KeyRule> timm_root_keys();
/// PretrainedCfg (timm/models/_pretrained.py); before timm 0.9 these stood at the root.
[[nodiscard]] std::span<const KeyRule> timm_pretrained_cfg_keys();
/// What create_model itself reads of model_args, and what all its constructors have (timm/models/_factory.py).
[[nodiscard]] std::span<const KeyRule> timm_common_args();
[[nodiscard]] std::span<const KeyRule> timm_vision_transformer_args();  // timm/models/vision_transformer.py, deit.py
[[nodiscard]] std::span<const KeyRule> timm_relpos_args();              // timm/models/vision_transformer_relpos.py
[[nodiscard]] std::span<const KeyRule> timm_eva_args();                 // timm/models/eva.py
[[nodiscard]] std::span<const KeyRule> timm_beit_args();                // timm/models/beit.py

/// PreTrainedConfig, of every class of transformers, with what its earlier versions wrote.
[[nodiscard]] std::span<const KeyRule> transformers_common_keys();
/// The configuration class of a model_type that fovea computes.
[[nodiscard]] std::span<const KeyRule> transformers_keys(std::string_view model_type);
/// preprocessor_config.json, of every class of image processor.
[[nodiscard]] std::span<const KeyRule> transformers_processor_keys();

/// `preprocess_cfg` of open_clip_config.json (open_clip/transform.py).
[[nodiscard]] std::span<const KeyRule> open_clip_preprocess_keys();

/// What `fovea learn` writes into a file's metadata (learned_file.hpp): the keys of its two JSON
/// objects.
[[nodiscard]] std::span<const KeyRule> fovea_learned_keys();
[[nodiscard]] std::span<const KeyRule> fovea_unknown_keys();

}  // namespace fovea
