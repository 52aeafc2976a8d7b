#include "pipeline/folder/earlier_rows.hpp"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/files.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/folder/run_files.hpp"
#include "report/files/documents.hpp"

namespace fovea {

namespace fs = std::filesystem;

namespace {

/// The arguments of a run as names that paths may begin with.
class Arguments {
 public:
  explicit Arguments(std::span<const std::string> arguments) {
    std::error_code ignored;
    for (const std::string& argument : arguments) {
      given_.insert(without_slash(argument));
      real_.insert(without_slash(fs::weakly_canonical(argument, ignored).string()));
    }
  }
  /// As it is spelled, or where it really lies.
  [[nodiscard]] bool contain(std::string path) const {
    std::error_code ignored;
    if (const std::string archive = archive_of(path); !archive.empty()) path = archive;
    return is_below(path, given_) || is_below(fs::weakly_canonical(path, ignored).string(), real_);
  }

 private:
  static std::string without_slash(std::string path) {
    while (path.ends_with('/')) path.pop_back();
    return path;
  }
  static bool is_below(std::string path, const std::unordered_set<std::string>& folders) {
    while (!folders.contains(path)) {
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos) return false;
      path.resize(slash);
    }
    return true;
  }

  std::unordered_set<std::string> given_;
  std::unordered_set<std::string> real_;
};

/// The inputs of this run by their path, or by the file itself where it was spelled in another way.
class InputIndex {
 public:
  explicit InputIndex(std::span<const Input> inputs) : inputs_(inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) by_path_.emplace(inputs[i].path, i);
  }
  [[nodiscard]] std::optional<std::size_t> find(const std::string& path) {
    if (const auto found = by_path_.find(path); found != by_path_.end()) return found->second;
    const auto id = file_id(path);
    if (!id) return std::nullopt;
    if (by_id_.empty()) index_files();
    const auto found = by_id_.find(*id);
    return found == by_id_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  void index_files() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (const auto id = file_id(inputs_[i].path)) by_id_.emplace(*id, i);
    }
  }

  std::span<const Input> inputs_;
  std::unordered_map<std::string, std::size_t> by_path_;
  std::map<FileId, std::size_t> by_id_;
};

bool is_gone(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

[[noreturn]] void refuse(const fs::path& results, const std::string& path, std::string_view hint) {
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: has a row of {}, expected only rows of this run's inputs; this run would delete it",
                          printable(results), printable(path)),
              std::string(hint));
}

struct Entry {
  Input input;
  std::optional<Record> row;
  bool as_is = false;
};

/// What a picture is called below the output folder; empty for a failure, which has no files.
std::string name_of(const Record& row) {
  constexpr std::string_view kBefore = "thumbs/";
  constexpr std::string_view kAfter = ".jpg";
  if (!row.thumbnail || row.thumbnail->size() < kBefore.size() + kAfter.size()) return {};
  return row.thumbnail->substr(kBefore.size(), row.thumbnail->size() - kBefore.size() - kAfter.size());
}

}  // namespace

std::vector<Record> read_rows(const fs::path& path) {
  std::vector<Record> rows;
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return rows;
  const std::string text = read_text_file(path);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // torn
    if (auto record = record_from_json(rest.substr(0, end))) rows.push_back(std::move(*record));
    rest.remove_prefix(end + 1);
  }
  return rows;
}

EarlierRows find_earlier_rows(const fs::path& results, std::span<const std::string> arguments, bool append,
                              std::vector<Input>& inputs) {
  const Arguments below(arguments);
  InputIndex index(inputs);
  EarlierRows earlier;
  std::vector<Entry> entries;                                 // in the order of the rows
  std::vector<std::optional<std::size_t>> at(inputs.size());  // of an input in the entries
  for (Record& row : read_rows(results)) {
    if (const auto input = index.find(row.path)) {
      if (!at[*input]) {
        at[*input] = entries.size();
        entries.push_back({inputs[*input], std::nullopt, false});
      }
      entries[*at[*input]].row = std::move(row);
    } else if (is_gone(row.path) && below.contain(row.path)) {
      ++earlier.removed;
    } else if (append) {
      entries.push_back({Input{row.path, name_of(row), std::nullopt}, std::move(row), true});
    } else {
      refuse(results, row.path,
             "--append, without --shard, keeps such rows and numbers new inputs after them; --fresh drops them; or "
             "choose another -o");
    }
  }
  std::vector<Entry> all;
  if (append) all = entries;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!at[i]) all.push_back({std::move(inputs[i]), std::nullopt, false});
    if (at[i] && !append) all.push_back(std::move(entries[*at[i]]));
  }
  inputs.clear();
  for (Entry& entry : all) {
    inputs.push_back(std::move(entry.input));
    earlier.rows.push_back(std::move(entry.row));
    earlier.as_is.push_back(entry.as_is);
  }
  return earlier;
}

void require_replaced(const fs::path& results, std::span<const Record> rows) {
  std::unordered_set<std::string_view> paths;
  for (const Record& row : rows) paths.insert(row.path);
  for (const Record& row : read_rows(results)) {
    if (paths.contains(row.path) || is_gone(row.path)) continue;
    refuse(results, row.path, "it is of a batch without shards: move the file away, or remove it");
  }
}

}  // namespace fovea
