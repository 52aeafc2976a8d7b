// Brings one file into the cache, whatever happens on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/cache.hpp"
#include "hub/http.hpp"
#include "hub/listing.hpp"

namespace fovea {

/// Bytes of a file that are there, and whether another program is waited for.
using FileProgress = std::function<void(std::uint64_t done, bool waiting)>;

struct Download {
  const HttpClient& client;
  const HubCache& cache;
  const HubModel& model;
  const HubOptions& options;
  std::string commit;
};

/// Makes blobs/ETAG hold the file: from what an earlier download has left and what the hub has. The hash is that of the
/// bytes on the disk. What is not complete yet is in blobs/ETAG.incomplete, which a lock gives to one program at a
/// time.
/// @return              bytes that came over the network
/// @throws Error        kUnreadable, kNotFound, kOutput; kCheckpoint for a hash that is wrong twice
/// @throws Interrupted
std::uint64_t download_blob(const Download& download, const HubFile& file, const FileProgress& progress);

/// Whether the file at this path has the size and the hash.
[[nodiscard]] bool has_hash(const std::filesystem::path& path, const HubFile& file);

}  // namespace fovea
