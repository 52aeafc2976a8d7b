#include "checkpoint/formats/safetensors_writer.hpp"

#include <bit>
#include <cassert>
#include <nlohmann/json.hpp>

namespace fovea {

static_assert(std::endian::native == std::endian::little, "values are written in memory order");

StoredTensor stored_tensor(const TensorView& tensor) {
  StoredTensor stored{tensor.name, tensor.dtype, tensor.shape, {}};
  stored.bytes.reserve(tensor.stored_bytes());
  visit_bytes(tensor,
              [&](std::span<const std::byte> run) { stored.bytes.insert(stored.bytes.end(), run.begin(), run.end()); });
  return stored;
}

void write_safetensors(PendingFile& file, std::span<const StoredTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  using Json = nlohmann::ordered_json;
  constexpr std::size_t kLengthBytes = 8;  // of the field that holds the header's length, itself a multiple of 8
  Json header;
  for (const auto& [key, text] : metadata) header["__metadata__"][key] = text;
  std::size_t end = 0;
  for (const StoredTensor& tensor : tensors) {
    const std::size_t begin = end;
    end += tensor.bytes.size();
    header[tensor.name] = {
        {"dtype", std::string(name(tensor.dtype))}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');
  std::string length;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length += static_cast<char>(text.size() >> (8 * i) & 0xFFU);
  file.append(length + text);
  for (const StoredTensor& tensor : tensors) file.append(tensor.bytes);
}

}  // namespace fovea
