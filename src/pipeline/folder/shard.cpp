#include "pipeline/folder/shard.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/files.hpp"
#include "base/pending_file.hpp"
#include "base/sha256.hpp"
#include "pipeline/folder/batch.hpp"

namespace fovea {

namespace fs = std::filesystem;

namespace {

/// Over texts, none of which holds a NUL.
class TextHash {
 public:
  void add(std::string_view text) {
    hash_.update(std::as_bytes(std::span(text)));
    hash_.update(std::array{std::byte{0}});
  }
  [[nodiscard]] std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

}  // namespace

std::size_t shard_of(std::string_view name, std::size_t count) {
  constexpr std::size_t kDigits = 16;  // of 64 bits
  const std::string digits = sha256_hex(name);
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + kDigits, number, 16);
  return number % count;
}

ShardPart take_part(const Shard& shard, std::span<const std::string> arguments, std::vector<Input>& inputs,
                    std::vector<Input>& others) {
  ShardPart part;
  part.shard = shard;
  part.inputs = inputs.size();
  TextHash given;
  for (const std::string& argument : arguments) given.add(argument);
  part.arguments_sha256 = given.hex();
  TextHash paths;
  std::vector<Input> own;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    paths.add(inputs[i].path);
    const bool is_own = shard_of(inputs[i].name, shard.count) == shard.index;
    if (is_own) part.places.push_back(i);
    (is_own ? own : others).push_back(std::move(inputs[i]));
  }
  part.inputs_sha256 = paths.hex();
  inputs = std::move(own);
  return part;
}

ShardFolder::ShardFolder(const fs::path& out, const Shard& shard)
    : path_(out / "shards" / fmt::format("{:05}-of-{:05}", shard.index, shard.count)) {}

fs::path ShardFolder::rows() const {
  return path_ / kBatchRows;
}

fs::path ShardFolder::growing_rows() const {
  return path_ / fmt::format("{}.part", kBatchRows);
}

fs::path ShardFolder::earlier_rows() const {
  std::error_code ignored;
  return fs::exists(growing_rows(), ignored) ? growing_rows() : rows();
}

fs::path ShardFolder::summary() const {
  return path_ / "summary.json";
}

bool ShardFolder::has_ended() const {
  std::error_code ignored;
  return fs::exists(rows(), ignored) && !fs::exists(growing_rows(), ignored);
}

fs::path run_sheet_path(const fs::path& out) {
  return out / "run.json";
}

void join_run(const fs::path& out, const RunSheet& sheet) {
  const fs::path path = run_sheet_path(out);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    PendingFile file(path);
    file.append(run_sheet_json(sheet));
    if (file.commit_new(Sync::kYes)) return;
  }
  const RunSheet first = run_sheet_from_json(read_text_file(path), printable(path));
  const std::string what = difference(sheet, first);
  if (what.empty()) return;
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}, as the first shard had it", printable(path), what),
              "give all shards the same PATHs and options, or begin another run in another folder with -o");
}

}  // namespace fovea
