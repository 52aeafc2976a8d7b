#include "support/tower.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.hpp"
#include "support/pictures.hpp"
#include "support/shared.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {

void write_clip_tower(const std::filesystem::path& folder, std::optional<float> logit_scale,
                      std::optional<float> logit_bias) {
  const auto golden = source_dir() / "tests/golden/families/hf_clip";
  const auto checkpoint = open_checkpoint(golden / "model.safetensors");
  TinyTensors tensors;
  for (const TensorView& tensor : checkpoint->tensors()) {
    if (!tensor.name.starts_with("classifier.")) tensors[tensor.name] = {tensor.shape, to_float(tensor)};
  }
  TinyTensor projection{{16, 48}, {}};
  for (std::size_t i = 0; i < std::size_t{16} * 48; ++i) {
    projection.values.push_back(static_cast<float>((i * 7919) % 101) / 101.0F - 0.5F);
  }
  tensors["visual_projection.weight"] = projection;
  if (logit_scale) tensors["logit_scale"] = {{}, {*logit_scale}};
  if (logit_bias) tensors["logit_bias"] = {{}, {*logit_bias}};
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", tensors);
  auto config = nlohmann::json::parse(read_text(golden / "config.json"));
  config["architectures"] = {"CLIPModel"};
  write_text(folder / "config.json", config.dump());
  write_text(folder / "preprocessor_config.json", read_text(golden / "preprocessor_config.json"));
}

void write_text_embeddings(const std::filesystem::path& file, const std::vector<float>& rows, std::size_t width,
                           const std::string& labels) {
  nlohmann::json header;
  header["embeddings"] = {{"dtype", "F32"},
                          {"shape", {rows.size() / width, width}},
                          {"data_offsets", {std::size_t{0}, rows.size() * sizeof(float)}}};
  if (!labels.empty()) header["__metadata__"] = {{"labels", labels}};
  const std::string text = header.dump();
  std::ofstream out(file, std::ios::binary);
  for (unsigned i = 0; i < 8; ++i) out.put(static_cast<char>(text.size() >> (8U * i) & 0xFFU));
  out << text;
  out.write(reinterpret_cast<const char*>(rows.data()), static_cast<std::streamsize>(rows.size() * sizeof(float)));
}

}  // namespace fovea::test
