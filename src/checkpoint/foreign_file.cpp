#include "checkpoint/foreign_file.hpp"

#include <algorithm>
#include <array>

namespace fovea {
namespace {

constexpr const char* kFromPyTorch = "take the model's safetensors or PyTorch file";

/// ModelProto: field 1, the version of the format, then the name of what wrote it, or another field of few.
bool is_onnx(std::string_view text) {
  constexpr std::string_view kNextFields = "\x12\x1a\x22\x28\x32\x3a\x42";  // 2 to 8 as protobuf writes their keys
  constexpr unsigned char kHighestVersion = 32;
  return text.size() > 2 && text[0] == '\x08' && static_cast<unsigned char>(text[1]) <= kHighestVersion &&
         kNextFields.find(text[2]) != std::string_view::npos;
}

/// A map whose first key is a string, as flax.serialization writes parameters.
bool is_msgpack_map(std::string_view text) {
  if (text.size() < 6) return false;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const bool small = byte(0) > 0x80 && byte(0) <= 0x8f;
  const std::size_t key = small ? 1 : byte(0) == 0xde ? 3 : byte(0) == 0xdf ? 5 : 0;
  return key > 0 && ((byte(key) >= 0xa1 && byte(key) <= 0xbf) || byte(key) == 0xd9);
}

struct Kind {
  bool (*is)(std::string_view text) = nullptr;
  ForeignFile file;
};
constexpr std::array kKinds{
    Kind{[](std::string_view text) { return text.starts_with("version https://git-lfs.github.com/spec/"); },
         {"a git-lfs pointer in place of the file that it stands for",
          "`git lfs pull` in its folder downloads the file"}},
    Kind{[](std::string_view text) { return text.starts_with("GGUF"); },
         {"a model in GGUF, the format of llama.cpp", kFromPyTorch}},
    Kind{[](std::string_view text) { return text.starts_with("\x89HDF\r\n\x1a\n"); },
         {"HDF5, as Keras and TensorFlow write weights", kFromPyTorch}},
    Kind{[](std::string_view text) { return text.size() > 8 && text.substr(4, 4) == "TFL3"; },
         {"a model in TensorFlow Lite", kFromPyTorch}},
    Kind{[](std::string_view text) { return text.starts_with("<!DOCTYPE") || text.starts_with("<html"); },
         {"a web page", "download the file itself: on the Hub its address has /resolve/, not /blob/"}},
    Kind{is_onnx, {"a model in ONNX", kFromPyTorch}},
    Kind{is_msgpack_map, {"msgpack, as Flax writes weights", kFromPyTorch}}};

}  // namespace

std::optional<ForeignFile> foreign_file(std::span<const std::byte> file) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) { return kind.is(text); });
  return found == kKinds.end() ? std::nullopt : std::optional(found->file);
}

}  // namespace fovea
