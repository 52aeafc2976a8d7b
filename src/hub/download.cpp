#include "hub/download.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/files.hpp"
#include "base/output/disk.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/error.hpp"
#include "hub/content_hash.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// The lock of a blob, as huggingface_hub takes it: the flock of a file that stays where it is.
class BlobLock {
 public:
  template <typename Waiting>
  BlobLock(const fs::path& path, const Waiting& waiting)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664)) {
    constexpr std::chrono::milliseconds kGlance{50};
    while (file_ >= 0 && !held_) {
      if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
        held_ = true;
      } else if (errno == EWOULDBLOCK) {
        stop_if_interrupted();
        waiting();
        std::this_thread::sleep_for(kGlance);
      } else if (errno != EINTR) {
        return;
      }
    }
  }
  ~BlobLock() {
    if (file_ >= 0) ::close(file_);
  }
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;
  /// False on a disk without locks, or where another user's file is in the way.
  [[nodiscard]] bool held() const noexcept { return held_; }

 private:
  int file_;
  bool held_ = false;
};

/// The bytes that are there so far. They are written at their own offsets, so that two programs on a disk whose locks
/// lie write the same.
class Part {
 public:
  explicit Part(fs::path path) : path_(std::move(path)) { open(); }
  ~Part() { close(); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }
  /// A new file, because another program may hold the old one.
  void restart() {
    close();
    ::unlink(path_.c_str());
    open();
  }
  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_in_cache(path_, errno);
      size_ += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  void become(const fs::path& blob) {
    sync_file(file_, path_);
    if (::rename(path_.c_str(), blob.c_str()) != 0) fail_in_cache(blob, errno);
    sync_folder(blob.parent_path());
  }

 private:
  void open() {
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    struct stat status {};
    if (file_ < 0 || ::fstat(file_, &status) != 0) fail_in_cache(path_, errno);
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }
  fs::path path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

std::string_view without_quotes(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) return etag.substr(1, etag.size() - 2);
  return etag;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// Where "bytes 100-199/200" begins.
std::optional<std::uint64_t> begin_of(std::string_view content_range) {
  constexpr std::string_view kUnit = "bytes ";
  if (!content_range.starts_with(kUnit)) return std::nullopt;
  content_range.remove_prefix(kUnit.size());
  return number_in(content_range.substr(0, content_range.find('-')));
}

/// Writes what comes behind what is there.
class PartReceiver : public HttpReceiver {
 public:
  PartReceiver(const Download& download, const HubFile& file, Part& part, const FileProgress& progress)
      : download_(download), file_(file), part_(part), progress_(progress) {}

  void begin(const HttpAnswer& answer) override {
    if (download_.client.is_endpoint(answer.url)) require_same_file(answer);
    if (answer.is_redirect()) return;
    if (answer.status == 200) {
      require_size(answer);
      if (part_.size() > 0) part_.restart();  // the server gives no parts
    } else if (begin_of(answer.value("content-range")) != part_.size()) {
      part_.restart();
      throw PassingFailure(fmt::format("{} answers with another part than was asked for", answer.url.origin));
    }
    const std::string_view etag = answer.value("etag");
    validator_ = etag.starts_with('"') ? etag : std::string_view();
    origin_ = answer.url.origin;
  }
  void take(std::span<const std::byte> bytes) override {
    if (part_.size() + bytes.size() > file_.size) {
      throw Error(
          ErrorCode::kUnreadable,
          fmt::format("{}: {} goes on after {} bytes, expected its end", download_.model.repo, file_.path, file_.size),
          "the hub is damaged or not what it says");
    }
    part_.append(bytes);
    received_ += bytes.size();
    progress_(part_.size(), false);
  }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  /// The rest, from the server that gave the last bytes.
  [[nodiscard]] HttpRange rest() const { return {part_.size(), validator_, origin_}; }

 private:
  /// The hub itself says of which file and commit its answer is.
  void require_same_file(const HttpAnswer& answer) const {
    const std::string_view etag = without_quotes(answer.value("x-linked-etag"));
    const std::string_view commit = answer.value("x-repo-commit");
    if ((etag.empty() || etag == file_.etag) && (commit.empty() || commit == download_.commit)) return;
    const bool other_file = !etag.empty() && etag != file_.etag;
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the hub has {} {} of {}, expected {}", download_.model.repo,
                            other_file ? "the hash" : "the commit", printable(std::string(other_file ? etag : commit)),
                            file_.path, other_file ? file_.etag : download_.commit),
                "try it again: the model may just be changing");
  }
  void require_size(const HttpAnswer& answer) const {
    const auto size = number_in(answer.value("content-length"));
    if (!size || *size == file_.size || !answer.value("content-encoding").empty()) return;
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: {} has {} bytes at {}, expected {}", download_.model.repo, file_.path, *size,
                            answer.url.origin, file_.size),
                "a page that wants to be looked at in a browser may stand before the hub");
  }
  const Download& download_;
  const HubFile& file_;
  Part& part_;
  const FileProgress& progress_;
  std::string validator_;
  std::string origin_;
  std::uint64_t received_ = 0;
};

/// Until the part has all bytes.
std::uint64_t receive(const Download& download, const HubFile& file, Part& part, const FileProgress& progress) {
  const Url url = download.client.address(
      fmt::format("/{}/resolve/{}/{}", download.model.repo, download.commit, percent_encoded(file.path, true)));
  if (part.size() > file.size) part.restart();
  Retries retries(fmt::format("{}: {}", download.model.repo, file.path), download.options.pause, true);
  HttpRange range{part.size(), fmt::format("\"{}\"", file.etag), url.origin};
  std::uint64_t received = 0;
  while (part.size() < file.size) {
    PartReceiver receiver(download, file, part, progress);
    try {
      const HttpAnswer answer = download.client.get(url, range, receiver);
      if (answer.status == 416) {
        part.restart();
      } else if (!answer.has_body()) {
        refuse(answer, download.model, download.client);
      }
      if (part.size() < file.size) {
        throw PassingFailure(fmt::format("{} ends after {} of {} bytes", answer.url.origin, part.size(), file.size));
      }
    } catch (const PassingFailure& failure) {
      if (receiver.received() > 0) {
        retries.progressed();
        range = receiver.rest();
      }
      range.begin = part.size();
      retries.after(failure);
    }
    received += receiver.received();
  }
  return received;
}

std::string hash_of(const fs::path& path, const HubFile& file) {
  return file.is_sha256() ? file_sha256(path) : git_blob_hash(path);
}

fs::path part_of(const fs::path& blob, bool locked) {
  if (locked) return blob.native() + ".incomplete";
  return fmt::format("{}.{:08x}.incomplete", blob.native(), std::random_device{}());  // as the library names its own
}

/// Removes what nobody can go on with.
class Forgotten {
 public:
  Forgotten(fs::path path, bool is_used) : path_(is_used ? fs::path() : std::move(path)) {}
  ~Forgotten() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Forgotten(const Forgotten&) = delete;
  Forgotten& operator=(const Forgotten&) = delete;

 private:
  fs::path path_;
};

}  // namespace

bool has_hash(const fs::path& path, const HubFile& file) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  return !failed && size == file.size && hash_of(path, file) == file.etag;
}

std::uint64_t download_blob(const Download& download, const HubFile& file, const FileProgress& progress) {
  const HubCache& cache = download.cache;
  const fs::path blob = cache.blobs() / file.etag;
  make_cache_folders(cache.root(), cache.blobs());
  make_cache_folders(cache.root(), cache.lock(file.etag).parent_path());
  const BlobLock lock(cache.lock(file.etag), [&] { progress(0, true); });
  if (has_hash(blob, file)) return 0;  // another program was faster
  const fs::path place = part_of(blob, lock.held());
  const Forgotten forgotten(place, lock.held());
  Part part(place);
  std::uint64_t received = 0;
  for (bool second = false;; second = true) {
    received += receive(download, file, part, progress);
    const std::string hash = hash_of(part.path(), file);
    if (hash == file.etag) break;
    part.restart();
    if (second) {
      ::unlink(place.c_str());
      throw Error(ErrorCode::kCheckpoint,
                  fmt::format("{}: the hash of {} is {}, expected {}", download.model.repo, file.path, hash, file.etag),
                  "it was downloaded twice: the hub, or a proxy on the way, gives other bytes than the model's");
    }
  }
  part.become(blob);
  return received;
}

}  // namespace fovea
