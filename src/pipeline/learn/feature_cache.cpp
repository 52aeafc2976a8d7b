#include "pipeline/learn/feature_cache.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/files.hpp"
#include "base/open_file.hpp"
#include "base/output/disk.hpp"
#include "base/sha256.hpp"

namespace fovea {
namespace {

// A record: the picture's SHA-256 in hex, the difference hash, the features, and the first half of the SHA-256 of all
// before it.
constexpr std::size_t kKeyBytes = 64;
constexpr std::size_t kHashBytes = 8;
constexpr std::size_t kCheckBytes = 32;

std::size_t record_bytes(std::size_t width) {
  return kKeyBytes + kHashBytes + width * sizeof(float) + kCheckBytes;
}

std::string check_of(std::string_view content) {
  return sha256_hex(content).substr(0, kCheckBytes);
}

}  // namespace

FeatureCache::FeatureCache(const std::filesystem::path& folder, const std::string& fingerprint, std::size_t width)
    : path_(folder / (sha256_hex(fingerprint).substr(0, 16) + ".features")), width_(width) {
  make_folders(folder);
  read();
}

FeatureCache::~FeatureCache() {
  if (file_ >= 0) ::close(file_);
}

void FeatureCache::read() {
  std::size_t whole = 0;
  if (is_there(path_)) {
    const std::string text = read_text_file(path_);
    const std::size_t size = record_bytes(width_);
    whole = text.size() / size * size;
    for (std::size_t at = 0; at < whole; at += size) {
      const std::string_view record = std::string_view(text).substr(at, size);
      const std::string_view content = record.substr(0, size - kCheckBytes);
      if (check_of(content) != record.substr(content.size())) continue;
      CachedPicture picture{0, std::vector<float>(width_)};
      std::memcpy(&picture.difference_hash, content.data() + kKeyBytes, kHashBytes);
      std::memcpy(picture.features.data(), content.data() + kKeyBytes + kHashBytes, width_ * sizeof(float));
      pictures_[std::string(content.substr(0, kKeyBytes))] = std::move(picture);
    }
  }
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  // A torn record at the end would shift all that follow it.
  if (file_ < 0 || ::ftruncate(file_, static_cast<off_t>(whole)) != 0) fail_to_write(path_, errno);
}

const CachedPicture* FeatureCache::find(const std::string& sha256) const {
  const auto found = pictures_.find(sha256);
  return found == pictures_.end() ? nullptr : &found->second;
}

void FeatureCache::add(const std::string& sha256, CachedPicture picture) {
  std::string content = sha256;
  content.append(reinterpret_cast<const char*>(&picture.difference_hash), kHashBytes);
  content.append(reinterpret_cast<const char*>(picture.features.data()), width_ * sizeof(float));
  content += check_of(content);
  write_all(file_, std::as_bytes(std::span(content)), path_);
  pictures_[sha256] = std::move(picture);
}

}  // namespace fovea
