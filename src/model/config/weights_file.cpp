#include "model/config/weights_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "fovea/error.hpp"
#include "model/quantize/quantized_file.hpp"

namespace fovea {

namespace fs = std::filesystem;

namespace {

bool is_linear_head(const fs::path& file) {
  return file.stem().string().find("_linear") != std::string::npos;  // dinov2_vits14_linear4_head.pth
}

/// DINOv2's linear heads are files of their own: tensors "weight" and "bias", read as "linear_head.weight" and ".bias".
class WithLinearHead final : public Checkpoint {
 public:
  WithLinearHead(std::unique_ptr<Checkpoint> backbone, std::unique_ptr<Checkpoint> head)
      : backbone_(std::move(backbone)), head_(std::move(head)) {
    tensors_.assign(backbone_->tensors().begin(), backbone_->tensors().end());
    for (TensorView tensor : head_->tensors()) {
      tensor.name = "linear_head." + tensor.name;
      tensors_.push_back(std::move(tensor));
    }
    std::sort(tensors_.begin(), tensors_.end(),
              [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  }
  [[nodiscard]] std::string_view format() const noexcept override { return backbone_->format(); }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }

 private:
  std::unique_ptr<Checkpoint> backbone_;
  std::unique_ptr<Checkpoint> head_;
  std::vector<TensorView> tensors_;
};

}  // namespace

std::string choose_checkpoint(const CheckpointFolder& folder) {
  constexpr std::array kNames{"model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
                              "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin"};
  for (const char* file : kNames) {
    if (folder.has(file)) return file;
  }
  std::vector<std::string> found;
  for (std::string& file : folder.names()) {
    constexpr std::array kEndings{".safetensors", ".pth", ".pt", ".bin", ".npz", ".ckpt"};
    const bool known = std::find(kEndings.begin(), kEndings.end(), fs::path(file).extension()) != kEndings.end();
    if (known && !is_linear_head(file)) found.push_back(std::move(file));
  }
  if (found.size() == 1) return found.front();
  throw Error(ErrorCode::kNotFound,
              fmt::format("{}: the folder has {} checkpoints, expected model.safetensors or one file that ends in "
                          ".safetensors, .pth, .pt, .bin, .npz or .ckpt",
                          folder.name, found.empty() ? "no" : std::to_string(found.size())),
              folder.hint);
}

fs::path checkpoint_file(const fs::path& model) {
  std::error_code ignored;
  if (!fs::is_directory(model, ignored)) return model;
  const auto names = [&] {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(model, ignored)) found.push_back(entry.path().filename());
    return found;
  };
  return model / choose_checkpoint({printable(model), [&](const char* file) { return is_there(model / file); }, names,
                                    "name the checkpoint file itself with -m"});
}

std::vector<std::string> read_beside(std::span<const std::string> names, const std::string& checkpoint) {
  std::vector<std::string> read;
  for (const std::string& name : names) {
    const bool config = std::find(kConfigFiles.begin(), kConfigFiles.end(), name) != kConfigFiles.end();
    if (config || (is_linear_head(name) && name != checkpoint)) read.push_back(name);
  }
  return read;
}

std::string model_name(const fs::path& checkpoint) {
  const fs::path folder = fs::absolute(checkpoint).parent_path();
  const fs::path snapshots = folder.parent_path();
  const std::string repo = snapshots.parent_path().filename();
  const bool is_snapshot = snapshots.filename() == "snapshots" && repo.starts_with("models--");
  return is_snapshot ? repo.substr(repo.rfind("--") + 2) : folder.filename().string();
}

std::vector<fs::path> model_files(const fs::path& model) {
  std::error_code ignored;
  const bool is_folder = fs::is_directory(model, ignored);
  const fs::path folder = is_folder ? model : model.parent_path();
  std::vector<fs::path> files(std::begin(kConfigFiles), std::end(kConfigFiles));
  for (fs::path& config : files) config = folder / config;
  std::string index;  // names the shards
  try {
    files.push_back(checkpoint_file(model));
    if (files.back().extension() == ".json") index = read_text_file(files.back());
  } catch (const Error&) {
    index.clear();  // there is none: loading the model says so
  }
  for (const auto& entry : fs::directory_iterator(folder.empty() ? "." : folder, ignored)) {
    const bool is_shard = index.find('"' + entry.path().filename().string() + '"') != std::string::npos;
    if (is_shard || (is_folder && is_linear_head(entry.path()))) files.push_back(entry.path());
  }
  std::erase_if(files, [&](const fs::path& file) { return !fs::exists(file, ignored); });
  return files;
}

std::unique_ptr<Checkpoint> open_with_head(const fs::path& model, const fs::path& file, std::string_view weights) {
  std::unique_ptr<Checkpoint> checkpoint = open_checkpoint(file, weights);
  std::error_code ignored;
  if (!fs::is_directory(model, ignored) || checkpoint->find("mask_token") == nullptr) return checkpoint;
  for (const auto& entry : fs::directory_iterator(model, ignored)) {
    if (!is_linear_head(entry.path())) continue;
    return std::make_unique<WithLinearHead>(std::move(checkpoint), open_checkpoint(entry.path()));
  }
  return checkpoint;
}

}  // namespace fovea
