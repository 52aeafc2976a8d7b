#include "support/tiny_model.hpp"

#include <bit>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "fovea/architecture.hpp"

namespace fovea::test {
namespace {

/// Truncates to half precision; exact enough for values of ordinary size.
std::uint16_t to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const int exponent = static_cast<int>((bits >> 23U) & 0xFFU) - 127 + 15;
  if (exponent <= 0) return static_cast<std::uint16_t>(sign);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(exponent) << 10U | ((bits >> 13U) & 0x3FFU));
}

std::uint16_t to_bfloat16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
}

std::string little_endian_length(std::uint64_t length) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8U * i) & 0xFFU);
  return bytes;
}

}  // namespace

Architecture tiny_vit(Size image_size, std::size_t patch_size, std::size_t embed_dim, std::size_t depth,
                      std::size_t num_heads) {
  Architecture a;
  a.name = "vit_tiny_test";
  a.image_size = image_size;
  a.patch_size = patch_size;
  a.embed_dim = embed_dim;
  a.depth = depth;
  a.num_heads = num_heads;
  a.mlp_hidden_dim = 4 * embed_dim;
  a.num_classes = 10;
  return a;
}

std::vector<float> random_input(const Architecture& architecture, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  const Size size = architecture.image_size;
  std::vector<float> chw(3 * static_cast<std::size_t>(size.height * size.width));
  for (float& value : chw) value = normal(generator);
  return chw;
}

TinyTensors make_tiny_tensors(const Architecture& a, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  TinyTensors tensors;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape, double centre, double spread) {
    std::normal_distribution<double> normal(centre, spread);
    const std::size_t count = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
    TinyTensor& tensor = tensors[name];
    tensor.shape = std::move(shape);
    for (std::size_t i = 0; i < count; ++i) tensor.values.push_back(static_cast<float>(normal(generator)));
  };
  const std::size_t d = a.embed_dim;
  const double by_width = 1.0 / std::sqrt(static_cast<double>(d));
  add("cls_token", {1, 1, d}, 0, 0.5);
  add("pos_embed", {1, a.tokens(), d}, 0, 0.5);
  add("patch_embed.proj.weight", {d, 3, a.patch_size, a.patch_size}, 0, 1.0 / std::sqrt(double(a.patch_dim())));
  add("patch_embed.proj.bias", {d}, 0, 0.2);
  for (std::size_t i = 0; i < a.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    add(block + "norm1.weight", {d}, 1, 0.3);
    add(block + "norm1.bias", {d}, 0, 0.2);
    add(block + "attn.qkv.weight", {3 * d, d}, 0, 1.6 * by_width);
    add(block + "attn.qkv.bias", {3 * d}, 0, 0.3);
    add(block + "attn.proj.weight", {d, d}, 0, by_width);
    add(block + "attn.proj.bias", {d}, 0, 0.2);
    add(block + "norm2.weight", {d}, 1, 0.3);
    add(block + "norm2.bias", {d}, 0, 0.2);
    add(block + "mlp.fc1.weight", {a.mlp_hidden_dim, d}, 0, by_width);
    add(block + "mlp.fc1.bias", {a.mlp_hidden_dim}, 0, 0.2);
    add(block + "mlp.fc2.weight", {d, a.mlp_hidden_dim}, 0, 1.0 / std::sqrt(double(a.mlp_hidden_dim)));
    add(block + "mlp.fc2.bias", {d}, 0, 0.2);
  }
  add("norm.weight", {d}, 1, 0.3);
  add("norm.bias", {d}, 0, 0.2);
  add("head.weight", {a.num_classes, d}, 0, by_width);
  add("head.bias", {a.num_classes}, 0, 0.2);
  return tensors;
}

void write_safetensors(const std::filesystem::path& file, const TinyTensors& tensors, const std::string& dtype) {
  nlohmann::json header = nlohmann::json::object();
  std::string payload;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = payload.size();
    for (const float value : tensor.values) {
      if (dtype == "F32") {
        payload.append(reinterpret_cast<const char*>(&value), sizeof value);
      } else {
        const std::uint16_t narrow = dtype == "F16" ? to_half(value) : to_bfloat16(value);
        payload.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
      }
    }
    header[name] = {{"dtype", dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, payload.size()}}};
  }
  const std::string text = header.dump();
  std::ofstream(file, std::ios::binary) << little_endian_length(text.size()) << text << payload;
}

void write_raw_safetensors(const std::filesystem::path& file, const std::string& header, std::size_t payload_bytes) {
  std::ofstream(file, std::ios::binary) << little_endian_length(header.size()) << header
                                        << std::string(payload_bytes, '\0');
}

void write_config(const std::filesystem::path& file, const Architecture& a) {
  const nlohmann::json config = {
      {"architecture", a.name},
      {"num_classes", a.num_classes},
      {"global_pool", "token"},
      {"model_args",
       {{"num_heads", a.num_heads}, {"no_embed_class", a.pos_embed_prefix == 0 && a.num_prefix_tokens > 0}}},
      {"pretrained_cfg",
       {{"input_size", {3, a.image_size.height, a.image_size.width}},
        {"fixed_input_size", true},
        {"interpolation", "bicubic"},
        {"crop_pct", 0.9},
        {"crop_mode", "center"},
        {"mean", {0.5, 0.5, 0.5}},
        {"std", {0.5, 0.5, 0.5}}}}};
  std::ofstream(file) << config.dump(1);
}

void write_tiny_model(const std::filesystem::path& folder, const Architecture& architecture,
                      const TinyTensors& tensors) {
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", tensors);
  write_config(folder / "config.json", architecture);
}

}  // namespace fovea::test
