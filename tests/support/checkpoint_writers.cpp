#include "support/checkpoint_writers.hpp"

#include <functional>
#include <nlohmann/json.hpp>

#include "support/checkpoint_files.hpp"
#include "support/npy_writer.hpp"
#include "support/pickle_writer.hpp"
#include "support/zip_writer.hpp"

namespace fovea::test {
namespace {

std::vector<std::size_t> row_major_strides(const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

using Writer = std::function<void(const std::filesystem::path&, const TinyTensors&)>;

/// Writes <stem>-00001-of-00002<ending>, <stem>-00002-of-00002<ending> and <stem><ending>.index.json.
void write_shards(const std::filesystem::path& folder, const TinyTensors& tensors, const std::string& stem,
                  const std::string& ending, const Writer& write) {
  nlohmann::json weight_map = nlohmann::json::object();
  for (const std::size_t shard : {0U, 1U}) {
    const std::string file = stem + "-0000" + std::to_string(shard + 1) + "-of-00002" + ending;
    TinyTensors part;
    std::size_t index = 0;
    for (const auto& [name, tensor] : tensors) {
      if (index++ % 2 != shard) continue;
      part[name] = tensor;
      weight_map[name] = file;
    }
    write(folder / file, part);
  }
  write_bytes(folder / (stem + ending + ".index.json"), nlohmann::json{{"weight_map", weight_map}}.dump());
}

}  // namespace

void write_npz(const std::filesystem::path& file, const TinyTensors& tensors, bool deflated) {
  std::vector<ZipEntry> entries;
  entries.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    ZipEntry entry;
    entry.name = name + ".npy";
    entry.content = make_npy("<f4", tensor.shape, raw_bytes(tensor.values));
    entry.deflated = deflated;
    entries.push_back(std::move(entry));
  }
  write_bytes(file, make_zip(entries));
}

void write_pth(const std::filesystem::path& file, const TinyTensors& tensors, const std::string& under) {
  pickle::Items items;
  std::vector<std::string> storages;
  items.reserve(tensors.size());
  storages.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    TorchTensor torch;
    torch.storage_key = std::to_string(storages.size());
    torch.storage_numel = static_cast<std::int64_t>(tensor.values.size());
    torch.shape = tensor.shape;
    torch.strides = row_major_strides(tensor.shape);
    items.emplace_back(pickle::string(name), pickled(torch));
    storages.push_back(raw_bytes(tensor.values));
  }
  const std::string state_dict = pickle::ordered_dict(items);
  const std::string value =
      under.empty()
          ? state_dict
          : pickle::dict({{pickle::string(under), state_dict}, {pickle::string("epoch"), pickle::integer(299)}});
  write_bytes(file, make_zip(torch_members(pickle::whole(value), storages)));
}

void write_safetensors_shards(const std::filesystem::path& folder, const TinyTensors& tensors) {
  write_shards(folder, tensors, "model", ".safetensors",
               [](const auto& file, const TinyTensors& part) { write_safetensors(file, part); });
}

void write_bin_shards(const std::filesystem::path& folder, const TinyTensors& tensors) {
  write_shards(folder, tensors, "pytorch_model", ".bin",
               [](const auto& file, const TinyTensors& part) { write_pth(file, part); });
}

}  // namespace fovea::test
