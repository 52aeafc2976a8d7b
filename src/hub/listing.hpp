// What a hub says of a model: its commit, and the files of that commit with their hashes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/hub.hpp"
#include "hub/http.hpp"

namespace fovea {

struct HubFile {
  std::string path;  // "config.json", "sub/folder/file.bin"
  std::uint64_t size = 0;
  std::string etag;  // in hex: the SHA-256 of a large file, of a small one the SHA-1 of its git blob; names its blob

  [[nodiscard]] bool is_sha256() const { return etag.size() == 64; }
};

/// 40 hex digits in lower case
[[nodiscard]] bool is_commit(std::string_view text);
/// A path that stays in its folder: no "..", no empty part, no control character, at most 1,000 bytes.
[[nodiscard]] bool is_inner_path(std::string_view path);

/// The commit that a revision is now.
/// @throws Error        kNotFound, kUnreadable
/// @throws Interrupted
[[nodiscard]] std::string ask_commit(const HttpClient& client, const HubModel& model, const HubOptions& options);
/// All files of a commit.
/// @throws Error        kNotFound, kUnreadable; kCheckpoint for paths, sizes or hashes that cannot be
/// @throws Interrupted
[[nodiscard]] std::vector<HubFile> ask_files(const HttpClient& client, const HubModel& model, const std::string& commit,
                                             const HubOptions& options);

/// The same as huggingface_hub keeps it (trees/COMMIT.json); empty where the text is something else.
[[nodiscard]] std::vector<std::string> listed_paths(std::string_view tree);

/// What an answer means that is no success.
/// @throws Error  kNotFound, kUnreadable
[[noreturn]] void refuse(const HttpAnswer& answer, const HubModel& model, const HttpClient& client);

}  // namespace fovea
