// A config.json beside weights: those of a tiny transformers model if it names that model's type, else the default
// model's. What follows a NUL byte becomes preprocessor_config.json.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fuzz/fuzz.hpp"

namespace fovea::fuzz {
namespace {

namespace fs = std::filesystem;

// A folder with weights, removed at the end.
class ModelFolder {
 public:
  explicit ModelFolder(const fs::path& weights) : path_((fs::temp_directory_path() / "fovea_fuzz_XXXXXX").string()) {
    require(::mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
    fs::create_symlink(fs::path(FOVEA_SOURCE_DIR) / weights / "model.safetensors",
                       fs::path(path_) / "model.safetensors");
  }
  ~ModelFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;

  [[nodiscard]] const std::string& with_configs(std::string_view config,
                                                std::optional<std::string_view> preprocessor) const {
    write("config.json", config);
    if (preprocessor) {
      write("preprocessor_config.json", *preprocessor);
    } else {
      fs::remove(fs::path(path_) / "preprocessor_config.json");
    }
    return path_;
  }

 private:
  void write(const char* file, std::string_view content) const {
    std::ofstream stream(fs::path(path_) / file, std::ios::binary | std::ios::trunc);
    stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  }
  std::string path_;
};

// The first whose mark is in the config.
const ModelFolder& folder_for(std::string_view config) {
  struct Row {
    std::string_view mark;
    ModelFolder folder;
  };
  static const std::array<Row, 7> rows{{{"\"clip", ModelFolder("tests/golden/families/hf_clip")},
                                        {"\"siglip", ModelFolder("tests/golden/families/hf_siglip")},
                                        {"\"dinov2", ModelFolder("tests/golden/families/hf_dinov2")},
                                        {"\"beit", ModelFolder("tests/golden/families/hf_beit")},
                                        {"\"deit", ModelFolder("tests/golden/families/hf_deit")},
                                        {"\"model_type", ModelFolder("tests/golden/families/hf_vit_v5names")},
                                        {"", ModelFolder("weights/vit_tiny_tin200")}}};
  const auto is_marked = [&](const Row& row) { return config.find(row.mark) != std::string_view::npos; };
  return std::find_if(rows.begin(), rows.end(), is_marked)->folder;
}

}  // namespace

bool accepts(std::span<const std::byte> input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const auto nul = text.find('\0');
  const auto config = text.substr(0, nul);
  const auto preprocessor =
      nul == std::string_view::npos ? std::nullopt : std::optional<std::string_view>(text.substr(nul + 1));
  try {
    const ModelInfo info = inspect_model(folder_for(config).with_configs(config, preprocessor));
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
