#include "pipeline/folder/run_files.hpp"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.hpp"
#include "model/config/weights_file.hpp"

namespace fovea {
namespace {

std::optional<FileId> id_of(int got, const struct stat& status) {
  if (got != 0) return std::nullopt;
  return FileId{status.st_dev, status.st_ino};
}

/// None for what is no regular file: a device or a FIFO may be read and written.
std::optional<FileId> regular(int got, const struct stat& status) {
  return got == 0 && S_ISREG(status.st_mode) ? id_of(got, status) : std::nullopt;
}

std::optional<FileId> regular_file(const std::filesystem::path& path) {
  struct stat status {};
  return regular(::stat(path.c_str(), &status), status);
}

std::optional<FileId> regular_stream(int descriptor) {
  struct stat status {};
  return regular(::fstat(descriptor, &status), status);
}

std::optional<FileId> regular_file_of(const Input& input) {
  if (input.is_standard_input()) return regular_stream(STDIN_FILENO);
  return regular_file(input.file.empty() ? input.path : input.file);
}

}  // namespace

std::optional<FileId> file_id(const std::filesystem::path& path) {
  struct stat status {};
  return id_of(::stat(path.c_str(), &status), status);
}

void RunFiles::reads(const std::filesystem::path& file, std::string_view what) {
  if (file.empty()) return;
  const auto id = file == kStandardInput ? regular_stream(STDIN_FILENO) : regular_file(file);
  if (id) read_.emplace(*id, ReadFile{std::string(what), file.string()});
}

void RunFiles::reads_model(const std::filesystem::path& model) {
  for (const std::filesystem::path& file : model_files(model)) reads(file, "model's file");
}

void RunFiles::reads(std::span<const Input> inputs) {
  for (const Input& input : inputs) {
    const auto id = regular_file_of(input);
    if (id) read_.emplace(*id, ReadFile{"input", input.file.empty() ? input.path : input.file});
  }
}

void RunFiles::refuse(const std::string& output, const ReadFile& file) {
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: output is the {} {}, expected another file", output, file.what, printable(file.path)),
              "give the output another name or folder");
}

void RunFiles::require_unread(const std::optional<FileId>& id, const std::string& output) const {
  if (!id) return;
  if (const auto file = read_.find(*id); file != read_.end()) refuse(output, file->second);
}

void RunFiles::require_unread(const std::filesystem::path& output) const {
  require_unread(file_id(output), printable(output));
}

void RunFiles::require_unread_standard_output() const {
  require_unread(regular_stream(STDOUT_FILENO), "standard output");
}

void RunFiles::writes(const std::filesystem::path& output) {
  if (output.empty() || output == kStandardInput) return;
  require_unread(output);
  std::error_code ignored;
  const auto id = regular_file(output);
  const bool is_new =
      id ? written_.insert(*id).second
         : file_id(output) || written_names_.insert(std::filesystem::weakly_canonical(output, ignored)).second;
  if (is_new) return;
  throw Error(ErrorCode::kUsage, fmt::format("{}: is the place of two outputs, expected one each", printable(output)),
              "give each another name");
}

}  // namespace fovea
