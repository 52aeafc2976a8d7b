#include "pipeline/archive/unpacked.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <span>

#include "base/files.hpp"
#include "base/output/disk.hpp"
#include "base/process/interrupt.hpp"
#include "base/process/module_libraries.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "pipeline/module/unpack_interface.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostKept = 4;  // archives; workers are at the end of one and at the beginning of the next
constexpr std::array kCompressed{".tar.gz",  ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz",
                                 ".tar.zst", ".tzst", ".tar.lz4"};

FoveaUnpackFunction* unpack_function() {
  return reinterpret_cast<FoveaUnpackFunction*>(
      module_function("fovea_unpack.so", FOVEA_MODULE_UNPACK_NAME,
                      library_hint("an archive that is not compressed needs no library; compressed ones are unpacked by",
                                   kArchiveLibrary, kBuiltOn)));
}

/// A new file that has lost its name already.
OpenFile unnamed_file(const std::filesystem::path& folder, const std::string& archive) {
  std::string name = folder / "fovea-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: cannot be unpacked into {}: {}", printable(archive), printable(folder),
                            std::strerror(errno)),
                "TMPDIR names another folder");
  }
  ::unlink(name.c_str());
  return OpenFile(descriptor);
}

/// An archive on its way into a file; what taking throws waits here until the module has returned.
struct Unpacking {
  const std::string& archive;
  std::filesystem::path folder;
  UnpackedArchive& unpacked;
  std::exception_ptr failure;

  int take(std::span<const std::byte> bytes) noexcept {
    try {
      stop_if_interrupted();
      write_all(unpacked.file.descriptor(), bytes, folder);
      unpacked.bytes += bytes.size();
      return 1;
    } catch (const Error& error) {
      failure = std::make_exception_ptr(Error(
          ErrorCode::kUnreadable, fmt::format("{}: cannot be unpacked: {}", printable(archive), error.what()),
          "TMPDIR names a folder with more room"));
    } catch (...) {
      failure = std::current_exception();
    }
    return 0;
  }
};

int on_bytes(void* context, const unsigned char* bytes, size_t size) {
  return static_cast<Unpacking*>(context)->take(std::as_bytes(std::span(bytes, size)));
}

UnpackedArchive unpack(const std::string& path) {
  FoveaUnpackFunction* const function = unpack_function();
  const OpenFile packed = open_regular_file(path);
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  UnpackedArchive unpacked{unnamed_file(folder, path), 0, {}};
  Unpacking unpacking{path, folder, unpacked, nullptr};
  std::array<char, 256> message{};
  const FoveaUnpackRequest request{packed.descriptor(), on_bytes, &unpacking, message.data(), message.size()};
  const int status = function(&request);
  if (unpacking.failure) std::rethrow_exception(unpacking.failure);
  if (status == kFoveaUnpackDamaged) unpacked.damage = fmt::format("is damaged: {}", message.data());
  return unpacked;
}

}  // namespace

bool looks_compressed(std::string_view name) {
  const std::string lower = to_lower(name);
  return std::any_of(kCompressed.begin(), kCompressed.end(), [&](const char* end) { return lower.ends_with(end); });
}

std::shared_ptr<UnpackedArchives::Entry> UnpackedArchives::entry_of(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find(entries_, path, &Entry::path);
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
  } else {
    entries_.push_front(std::make_shared<Entry>());
    entries_.front()->path = path;
    if (entries_.size() > kMostKept) entries_.pop_back();
  }
  return entries_.front();
}

std::shared_ptr<const UnpackedArchive> UnpackedArchives::open(const std::string& path) {
  const std::shared_ptr<Entry> entry = entry_of(path);
  const std::scoped_lock lock(entry->unpacking);  // others wait for it, in place of unpacking it again
  if (!entry->archive) entry->archive = std::make_shared<const UnpackedArchive>(unpack(path));
  return entry->archive;
}

}  // namespace fovea
