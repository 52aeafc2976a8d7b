// From the command line's arguments to the list of pictures: one entry for each row of the report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/image.hpp"
#include "report/record.hpp"

namespace fovea {

/// The argument that means one picture on standard input.
inline constexpr std::string_view kStandardInput = "-";

class UnpackedArchives;

/// A piece of a file: where an archive's member lies.
struct FilePart {
  std::uint64_t offset = 0;  // bytes
  std::uint64_t bytes = 0;
  std::shared_ptr<UnpackedArchives> unpacked = {};  // of a compressed archive: who unpacks the file
};

struct Input {
  std::string path;                       // as given, or argument / entry, or archive#member; any bytes
  std::string name;                       // relative to its argument, or the base name: its overlays are named after it
  std::optional<Failure> failure;         // found while listing, e.g. a folder called x.png
  std::string file = {};                  // what is read, where the path is no file's, as FILE#0 is not; else empty
  std::optional<FilePart> part = {};      // of `file`, where that is an archive
  std::optional<std::string> label = {};  // the true class, where an archive says it
  std::optional<std::span<const std::byte>> bytes = {};  // the file's content, in place of reading `path`
  const Image* pixels = nullptr;                         // the picture itself, in place of decoding it

  [[nodiscard]] bool is_standard_input() const noexcept { return path == kStandardInput; }
  /// The file that the bytes lie in: the archive of a member, else `path`.
  [[nodiscard]] const std::string& stored_in() const noexcept { return part ? file : path; }
};

struct InputOptions {
  bool recurse = false;
  std::filesystem::path output_folder;  // nothing below it is read; may be empty or not exist
  std::string label_key = {};           // of an archive's KEY.json, for the true class; empty: KEY.cls says it
};

/// Whether its extension, in any case, is one of image_extensions().
[[nodiscard]] bool looks_like_image(std::string_view name);

/// Files and folders to pictures. Arguments keep their order; the entries of a folder are in natural order, hidden
/// ones skipped, files only with an extension of image_extensions(). A file that was named explicitly is always tried.
/// A folder called like a picture is one failure without `recurse`, and with it if there is no picture in it. A tar
/// archive gives its pictures, a compressed one only if it was named: unpacking is slow, and folders hold archives for
/// other reasons. No other file is opened, so nothing waits for a FIFO; a folder that cannot be listed or searched
/// becomes one failure, and so does an archive that cannot be read, after its members that can, or one without pictures
/// that was named.
/// @param unread  null, or where the archives in folders go that give no picture: compressed ones, and those without any
/// @throws Error  kUsage if `-` is given twice.
[[nodiscard]] std::vector<Input> list_inputs(std::span<const std::string> arguments, const InputOptions& options,
                                             std::vector<std::string>* unread = nullptr);

/// A sentence for `unread` of list_inputs(), and what there is to do; empty where none is.
[[nodiscard]] std::string unread_remark(std::span<const std::string> unread);
inline constexpr std::string_view kUnreadHint = "compressed archives are read where they are named, and the others hold none";

/// The extensions of the visible files that list_inputs() leaves out of these folders, in lower case with the dot, each
/// once and in order.
[[nodiscard]] std::vector<std::string> skipped_extensions(std::span<const std::string> arguments,
                                                          const InputOptions& options);

/// The visible sub-folders of this folder that list_inputs() does not read: all without `recurse`, except those that
/// are called like a picture and the output folder.
[[nodiscard]] std::size_t count_skipped_folders(const std::string& folder, const InputOptions& options);

/// The entries of a list, one per line, or ended by NUL where `nul` is set; empty entries are skipped. Lines may end as
/// on Windows.
[[nodiscard]] std::vector<std::string> split_list(std::string_view list, bool nul);

}  // namespace fovea
