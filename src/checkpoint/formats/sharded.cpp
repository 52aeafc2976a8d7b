// A checkpoint in several files: `model.safetensors.index.json` (or `pytorch_model.bin.index.json`) names, for each
// tensor, the file beside it that holds the tensor, as transformers' save_pretrained writes it: {"metadata": {…},
// "weight_map": {tensor: file}}.
#include "checkpoint/formats/sharded.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/text.hpp"
#include "checkpoint/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxNamesShown = 12;
constexpr std::size_t kLengthBytes = 8;

/// Recognises JSON. It cannot be safetensors: read as that format's length field, these characters would mean exabytes.
bool recognises_sharded(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') return false;
  const auto head = text.substr(0, kLengthBytes);
  return std::all_of(head.begin(), head.end(), [](char c) {
    return std::isprint(static_cast<unsigned char>(c)) != 0 || std::isspace(static_cast<unsigned char>(c)) != 0;
  });
}

using NamesByShard = std::map<std::string, std::set<std::string>>;

[[noreturn]] void fail_index(const std::string& path, const std::string& what,
                             const char* hint = "the index is damaged: download it again, or save it again") {
  throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {}", path, what), hint);
}

bool is_plain_file_name(const std::string& shard) {
  return !shard.empty() && shard != "." && shard != ".." && shard.find('/') == std::string::npos &&
         shard.find('\0') == std::string::npos;
}

/// @param path  for messages
NamesByShard parse_index(std::string_view text, const std::string& path) {
  json index;
  try {
    index = json::parse(text);
  } catch (const json::exception& error) {
    fail_index(path, fmt::format("the index is not JSON: {}", to_utf8(error.what())));
  }
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty()) {
    fail_index(path,
               "the file has no weight_map, expected one that maps each tensor to its shard as in "
               "model.safetensors.index.json");
  }
  NamesByShard shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) {
      fail_index(path, fmt::format("tensor '{}' is in a JSON {}, expected a file name", tensor, shard.type_name()));
    }
    const auto& shard_name = shard.get_ref<const std::string&>();
    if (!is_plain_file_name(shard_name)) {
      fail_index(path,
                 fmt::format("tensor '{}' is in '{}', expected the name of a file in the index's folder", tensor,
                             printable(shard_name)),
                 "an index may not point outside its folder: do not trust this file");
    }
    shards[shard_name].insert(tensor);
  }
  return shards;
}

class Sharded final : public Checkpoint {
 public:
  Sharded(const MappedFile& file, const std::filesystem::path& path) : path_(printable(path)) {
    const auto bytes = file.bytes();
    const auto shards = parse_index({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_);
    shards_.reserve(shards.size());
    for (const auto& [shard, names] : shards) open_shard(path.parent_path() / shard, names);
    if (!complaints_.empty()) {
      fail_index(path_, fmt::format("index and shards differ: {}", list(complaints_)),
                 "the shards may come from different downloads: download all of them again");
    }
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    format_ = fmt::format("sharded {}", shards_.front()->format());
  }

  [[nodiscard]] std::string_view format() const noexcept override { return format_; }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  void forget() const noexcept override {
    for (const auto& shard : shards_) shard->forget();
  }

 private:
  static std::string list(const std::vector<std::string>& texts) {
    const std::size_t shown = std::min(texts.size(), kMaxNamesShown);
    const std::string some = fmt::format("{}", fmt::join(texts.begin(), texts.begin() + std::ptrdiff_t(shown), "; "));
    return shown == texts.size() ? some : fmt::format("{}; and {} more", some, texts.size() - shown);
  }

  /// Takes over the shard's tensors, and notes tensors that are not where the index says.
  void open_shard(const std::filesystem::path& file, const std::set<std::string>& names) {
    const std::string shown = printable(file.filename());
    if (!is_there(file)) {
      complaints_.push_back(fmt::format("the file {} is missing", shown));
      return;
    }
    {
      const MappedFile mapped(file);
      if (recognises_sharded(mapped.bytes()))
        fail_index(path_, fmt::format("shard {} is an index itself, expected tensors", printable(file)));
    }
    shards_.push_back(open_checkpoint(file));
    const Checkpoint& shard = *shards_.back();
    for (const std::string& tensor : names) {
      if (shard.find(tensor) == nullptr) complaints_.push_back(fmt::format("'{}' is missing from {}", tensor, shown));
    }
    for (const TensorView& tensor : shard.tensors()) {
      if (names.contains(tensor.name)) {
        tensors_.push_back(tensor);
      } else {
        complaints_.push_back(fmt::format("'{}' is in {}, but the index does not list it there", tensor.name, shown));
      }
    }
  }

  std::string path_;
  std::string format_;
  std::vector<std::unique_ptr<Checkpoint>> shards_;
  std::vector<TensorView> tensors_;
  std::vector<std::string> complaints_;
};

std::unique_ptr<Checkpoint> open_sharded(MappedFile file, const std::filesystem::path& path) {
  return std::make_unique<Sharded>(file, path);
}

}  // namespace

std::vector<std::string> shard_names(const std::filesystem::path& index) {
  std::vector<std::string> names;
  for (const auto& [shard, tensors] : parse_index(read_text_file(index), printable(index))) names.push_back(shard);
  return names;
}

const CheckpointFormat kCheckpointFormat_sharded{"safetensors index", recognises_sharded, open_sharded};

}  // namespace fovea
