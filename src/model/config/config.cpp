#include "model/config/config.hpp"

namespace fovea {

ModelConfig read_model_config(const ConfigReader& reader, bool test_size) {
  if (reader.root().contains("model_cfg")) return read_open_clip_config(reader);
  if (!reader.root().contains("model_type")) return read_timm_config(reader, test_size);
  const bool timm = reader.root()["model_type"] == "timm_wrapper";
  return timm ? read_timm_wrapper_config(reader, test_size) : read_transformers_config(reader);
}

}  // namespace fovea
