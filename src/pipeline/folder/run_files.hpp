// What a run reads, so that nothing of it is written over.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/folder/inputs.hpp"

namespace fovea {

/// Device and number: which file this is, however it is named, linked or mounted.
using FileId = std::pair<dev_t, ino_t>;
[[nodiscard]] std::optional<FileId> file_id(const std::filesystem::path& path);

/// All files that a run reads, and the places where it will write.
class RunFiles {
 public:
  /// @param what  "model", "list", ...: for messages. An empty path and what is no regular file are nothing to protect.
  void reads(const std::filesystem::path& file, std::string_view what);
  /// The files that a model is read from.
  void reads_model(const std::filesystem::path& model);
  /// `-` is the file that standard input is read from.
  void reads(std::span<const Input> inputs);

  /// @throws Error  kUsage if `output` is one of the files that are read.
  void require_unread(const std::filesystem::path& output) const;
  /// @param output  empty and "-" are no file
  /// @throws Error  kUsage if `output` is read, or is the place of another output.
  void writes(const std::filesystem::path& output);
  /// @throws Error  kUsage if standard output is a file that is read.
  void require_unread_standard_output() const;

  struct ReadFile {
    std::string what;  // "input"
    std::string path;  // as given
  };
  [[nodiscard]] const std::map<FileId, ReadFile>& all_read() const noexcept { return read_; }
  /// @throws Error  kUsage always.
  [[noreturn]] static void refuse(const std::string& output, const ReadFile& file);

 private:
  void require_unread(const std::optional<FileId>& id, const std::string& output) const;

  std::map<FileId, ReadFile> read_;
  std::set<FileId> written_;
  std::set<std::filesystem::path> written_names_;  // of files that are not there yet
};

}  // namespace fovea
