// safetensors: the header's length in 8 bytes, a JSON header, then the tensors' bytes
// (https://github.com/huggingface/safetensors).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "checkpoint/registry.hpp"
#include "checkpoint/tensor_layout.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit

std::uint64_t header_length(std::span<const std::byte> file) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  return length;
}

std::optional<DType> parse_dtype(std::string_view text) {
  for (const DType dtype : {DType::kF64, DType::kF32, DType::kF16, DType::kBF16, DType::kI64, DType::kI32, DType::kI16,
                            DType::kI8, DType::kU64, DType::kU32, DType::kU16, DType::kU8, DType::kBool}) {
    if (name(dtype) == text) return dtype;
  }
  return std::nullopt;
}

class Safetensors final : public Checkpoint {
 public:
  Safetensors(MappedFile file, const std::filesystem::path& path) : file_(std::move(file)), path_(printable(path)) {
    const std::uint64_t length = checked_header_length();
    const auto bytes = file_.bytes();
    const json header = parse_header({reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length});
    const auto payload = bytes.subspan(kLengthBytes + length);
    for (const auto& [key, entry] : header.items()) {
      if (key != "__metadata__") tensors_.push_back(parse_tensor(key, entry, payload));
    }
    if (const auto texts = header.find("__metadata__"); texts != header.end() && texts->is_object()) {
      for (const auto& [key, text] : texts->items()) {
        if (text.is_string()) metadata_[key] = text.get<std::string>();
      }
    }
    check_layout(payload);
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  [[nodiscard]] std::string_view format() const noexcept override { return "safetensors"; }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  void forget() const noexcept override { file_.forget(); }
  [[nodiscard]] std::map<std::string, std::string> metadata() const override { return metadata_; }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path_, what),
                "the file is damaged or is not safetensors: download it again, or save it again");
  }

  [[nodiscard]] std::uint64_t checked_header_length() const {
    const std::uint64_t available = file_.bytes().size() - kLengthBytes;
    const std::uint64_t length = header_length(file_.bytes());
    if (length > kMaxHeaderBytes) {
      fail(fmt::format("the header's length is {} bytes, expected at most {}", length, kMaxHeaderBytes));
    }
    if (length > available) {
      fail(fmt::format("the header's length is {} bytes, expected at most the {} that follow in the file", length,
                       available));
    }
    return length;
  }

  [[nodiscard]] json parse_header(std::string_view text) const {
    std::set<std::string> seen;
    std::string repeated;
    const auto note_repeated_names = [&](int depth, json::parse_event_t event, const json& parsed) {
      if (event == json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second) {
        repeated = parsed.get<std::string>();
      }
      return true;
    };
    json header;
    try {
      header = json::parse(text, note_repeated_names);
    } catch (const json::exception& error) {
      fail(fmt::format("the header is not JSON: {}", to_utf8(error.what())));
    }
    if (!header.is_object()) fail(fmt::format("the header is a JSON {}, expected an object", header.type_name()));
    if (!repeated.empty()) fail(fmt::format("tensor '{}' is in the header twice, expected once", repeated));
    return header;
  }

  /// The values of a JSON array of non-negative integers; none if the entry is anything else.
  static std::optional<std::vector<std::uint64_t>> unsigned_array(const json& entry, const char* key) {
    const auto found = entry.find(key);
    if (found == entry.end() || !found->is_array()) return std::nullopt;
    std::vector<std::uint64_t> values;
    for (const json& value : *found) {
      if (!value.is_number_unsigned()) return std::nullopt;
      values.push_back(value.get<std::uint64_t>());
    }
    return values;
  }

  [[nodiscard]] TensorView parse_tensor(const std::string& key, const json& entry,
                                        std::span<const std::byte> payload) const {
    if (!entry.is_object()) fail(fmt::format("tensor '{}' is a JSON {}, expected an object", key, entry.type_name()));
    const auto dtype_entry = entry.find("dtype");
    if (dtype_entry == entry.end() || !dtype_entry->is_string()) fail(fmt::format("tensor '{}' has no dtype", key));
    const auto dtype_name = dtype_entry->get<std::string>();
    const auto dtype = parse_dtype(dtype_name);
    if (!dtype) {
      fail(fmt::format("tensor '{}' is of type {}, expected F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 or BOOL",
                       key, dtype_name));
    }
    const auto shape = unsigned_array(entry, "shape");
    if (!shape || shape->size() > kMaxRank) {
      fail(fmt::format("tensor '{}' has no valid shape, expected at most {} sizes", key, kMaxRank));
    }
    const auto offsets = unsigned_array(entry, "data_offsets");
    if (!offsets || offsets->size() != 2) fail(fmt::format("tensor '{}' has no data_offsets [begin, end]", key));
    const std::uint64_t begin = (*offsets)[0];
    const std::uint64_t end = (*offsets)[1];
    if (begin > end || end > payload.size()) {
      fail(
          fmt::format("tensor '{}' lies at bytes {}..{}, expected within the {} bytes of data (is the file cut short?)",
                      key, begin, end, payload.size()));
    }
    TensorView tensor{.name = key,
                      .dtype = *dtype,
                      .shape = {shape->begin(), shape->end()},
                      .bytes = payload.subspan(begin, end - begin)};
    const auto expected = byte_size(*dtype, tensor.shape);
    if (!expected) {
      fail(fmt::format("tensor '{}' has shape {}, which no file can hold", key, shape_text(tensor.shape)));
    }
    if (*expected != end - begin) {
      fail(fmt::format("tensor '{}' has {} bytes, expected {} for {} {}", key, end - begin, *expected, dtype_name,
                       shape_text(tensor.shape)));
    }
    return tensor;
  }

  /// Requires the tensors to cover the payload up to the file's end without gaps or overlaps, in any order.
  void check_layout(std::span<const std::byte> payload) {
    std::sort(tensors_.begin(), tensors_.end(), [](const TensorView& a, const TensorView& b) {
      return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
    });
    std::size_t covered = 0;
    for (const TensorView& tensor : tensors_) {
      const auto begin = static_cast<std::size_t>(tensor.bytes.data() - payload.data());
      if (begin != covered) {
        fail(fmt::format("tensor '{}' begins at byte {}, expected {} ({})", tensor.name, begin, covered,
                         begin < covered ? "it overlaps another tensor" : "there is a gap before it"));
      }
      covered += tensor.bytes.size();
    }
    if (covered != payload.size()) {
      fail(fmt::format("the tensors end at byte {}, expected {} (the end of the file)", covered, payload.size()));
    }
  }

  MappedFile file_;
  std::string path_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// A length, then a JSON object: enough to distinguish it from every other format. open_safetensors() reports what is
/// wrong inside.
bool recognises_safetensors(std::span<const std::byte> file) {
  return file.size() > kLengthBytes && file[kLengthBytes] == std::byte{'{'};
}

std::unique_ptr<Checkpoint> open_safetensors(MappedFile file, const std::filesystem::path& path) {
  return std::make_unique<Safetensors>(std::move(file), path);
}

}  // namespace

const CheckpointFormat kCheckpointFormat_safetensors{"safetensors", recognises_safetensors, open_safetensors};

}  // namespace fovea
