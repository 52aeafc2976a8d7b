// Features that were computed once, by the content of their picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fovea {

/// What is kept of a picture.
struct CachedPicture {
  std::uint64_t difference_hash = 0;
  std::vector<float> features;  // [D]
};

/// A file that grows by one record for each new picture, so an interrupted run loses none. A record that is torn or
/// damaged is passed over: its picture is computed again.
class FeatureCache {
 public:
  /// @param folder       is made if need be; one program at a time writes into it (FolderLock is the caller's)
  /// @param fingerprint  of all that features depend on beside the picture; each has a file of its own
  /// @throws Error       kOutput, kUnreadable.
  FeatureCache(const std::filesystem::path& folder, const std::string& fingerprint, std::size_t width);
  ~FeatureCache();
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;

  /// nullptr if it is not there.
  /// @param sha256  of the picture's file, in hex
  [[nodiscard]] const CachedPicture* find(const std::string& sha256) const;
  /// @throws Error  kOutput.
  void add(const std::string& sha256, CachedPicture picture);

 private:
  void read();

  std::filesystem::path path_;
  std::size_t width_;
  std::map<std::string, CachedPicture> pictures_;
  int file_ = -1;
};

}  // namespace fovea
