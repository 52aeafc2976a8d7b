// gzip, bzip2, xz, zstd and lz4 through libarchive.
#include <archive.h>
#include <archive_entry.h>

#include <cstdio>
#include <memory>

#include "pipeline/module/unpack_interface.hpp"

namespace {

constexpr size_t kBlock = 256UL * 1024;  // bytes that are read at once

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

/// Only filters that libarchive has in itself: for others it would run a program.
bool open(archive* reader, int file) {
  for (const auto filter : {archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz,
                            archive_read_support_filter_zstd, archive_read_support_filter_lz4}) {
    if (filter(reader) != ARCHIVE_OK) return false;
  }
  archive_read_support_format_raw(reader);
  archive_read_support_format_empty(reader);
  return archive_read_open_fd(reader, file, kBlock) == ARCHIVE_OK;
}

int hand_over(archive* reader, const FoveaUnpackRequest& request) {
  for (;;) {
    const void* bytes = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader, &bytes, &size, &offset);
    if (status == ARCHIVE_EOF) return kFoveaUnpackDone;
    if (status != ARCHIVE_OK) return kFoveaUnpackDamaged;
    if (request.take(request.context, static_cast<const unsigned char*>(bytes), size) == 0) return kFoveaUnpackStopped;
  }
}

}  // namespace

/// The module's one symbol.
extern "C" __attribute__((visibility("default"))) int FOVEA_MODULE_UNPACK(const FoveaUnpackRequest* request) {
  const auto say = [&](const char* text) {
    std::snprintf(request->message, request->message_capacity, "%s", text != nullptr ? text : "it cannot be unpacked");
  };
  const Reader reader(archive_read_new(), archive_read_free);
  if (!reader) {
    say("libarchive finds no memory");
    return kFoveaUnpackDamaged;
  }
  int status = kFoveaUnpackDamaged;
  if (open(reader.get(), request->file)) {
    archive_entry* entry = nullptr;
    const int found = archive_read_next_header(reader.get(), &entry);
    if (found == ARCHIVE_EOF) return kFoveaUnpackDone;
    if (found == ARCHIVE_OK) status = hand_over(reader.get(), *request);
  }
  if (status == kFoveaUnpackDamaged) say(archive_error_string(reader.get()));
  return status;
}
