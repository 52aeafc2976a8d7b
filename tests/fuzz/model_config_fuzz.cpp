// A config.json beside the default model's weights.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fuzz/fuzz.hpp"

namespace fovea::fuzz {
namespace {

namespace fs = std::filesystem;

// One folder for all inputs, removed at the end.
class ModelFolder {
 public:
  ModelFolder() : path_((fs::temp_directory_path() / "fovea_fuzz_XXXXXX").string()) {
    require(::mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
    fs::create_symlink(fs::path(FOVEA_SOURCE_DIR) / "weights/vit_tiny_tin200/model.safetensors",
                       fs::path(path_) / "model.safetensors");
  }
  ~ModelFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;

  const std::string& with_config(std::span<const std::byte> config) {
    std::ofstream stream(fs::path(path_) / "config.json", std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(config.data()), static_cast<std::streamsize>(config.size()));
    return path_;
  }

 private:
  std::string path_;
};

}  // namespace

bool accepts(std::span<const std::byte> input) {
  static ModelFolder folder;
  try {
    const ModelInfo info = inspect_model(folder.with_config(input));
    const Architecture& architecture = info.architecture;
    require(info.labels.size() == architecture.num_classes, "there is one label for each class");
    require(architecture.num_heads > 0 && architecture.embed_dim % architecture.num_heads == 0,
            "heads divide the width");
    require(architecture.patch_size > 0 && architecture.grid().size() > 0, "there is at least one patch");
    require(info.recipe.input_size.height > 0 && info.recipe.input_size.width > 0, "the input has a size");
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace fovea::fuzz
