#include "model/config/config.hpp"

namespace fovea {

ModelConfig read_model_config(const ConfigReader& reader) {
  if (reader.root().contains("model_cfg")) return read_open_clip_config(reader);
  return reader.root().contains("model_type") ? read_transformers_config(reader) : read_timm_config(reader);
}

}  // namespace fovea
