#include "pipeline/folder/row_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "base/files.hpp"
#include "pipeline/folder/outputs.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

// One group grows while the one before it is written: both together are 256 rows and 1 s.
constexpr std::size_t kGroupRows = 128;
constexpr std::chrono::milliseconds kGroupTime(500);

std::string lines_of(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) text += record_to_json(record) + "\n";
  return text;
}

/// Writes the kept rows and opens the file for those that follow.
int open_with(const std::filesystem::path& path, const std::vector<Record>& kept, Sync sync) {
  replace_file(path, lines_of(kept), sync);
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) fail_to_write(path, errno);
  return file;
}

}  // namespace

RowLog::RowLog(std::filesystem::path folder, std::filesystem::path path, const std::vector<Record>& kept, Sync sync)
    : folder_(std::move(folder)), path_(std::move(path)), file_(open_with(path_, kept, sync)), sync_(sync) {
  if (sync_ == Sync::kNo) return;
  disks_.add(path_.parent_path());
  writer_ = std::thread([this] { write_groups(); });
}

RowLog::~RowLog() {
  stop();
  ::close(file_);
}

void RowLog::append(const Record& record) {
  const std::string line = record_to_json(record) + "\n";
  if (sync_ == Sync::kNo) return write(line);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return growing_.rows < kGroupRows || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  growing_.lines += line;
  ++growing_.rows;
  for (const std::string& name : files_of(record)) {
    growing_.folders.insert((folder_ / name).parent_path());
  }
  changed_.notify_all();
}

void RowLog::finish() {
  stop();
  if (failure_) std::rethrow_exception(failure_);
}

void RowLog::stop() {
  if (!writer_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }
  writer_.join();
}

void RowLog::write_groups() {
  std::unique_lock lock(mutex_);
  while (!failure_) {
    changed_.wait(lock, [&] { return growing_.rows > 0 || finished_; });
    if (growing_.rows == 0) return;
    changed_.wait_for(lock, kGroupTime, [&] { return growing_.rows >= kGroupRows || finished_; });
    const Group group = std::exchange(growing_, {});
    changed_.notify_all();
    lock.unlock();
    std::exception_ptr failure;
    try {
      put_on_disk(group);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    changed_.notify_all();
  }
}

void RowLog::put_on_disk(const Group& group) {
  for (const std::filesystem::path& folder : group.folders) disks_.add(folder);
  disks_.sync();
  write(group.lines);
}

void RowLog::write(std::string_view lines) {
  const off_t end = ::lseek(file_, 0, SEEK_END);
  try {
    write_all(file_, std::as_bytes(std::span(lines)), path_);
    if (sync_ == Sync::kYes) sync_file(file_, path_);
  } catch (const Error& error) {
    // The rows before stay whole; if even this fails, the reader skips the torn line.
    if (::ftruncate(file_, end) != 0) errno = 0;
    throw Error(ErrorCode::kOutput, error.what(),
                "what was done is kept: with more room, the same command goes on from here");
  }
}

}  // namespace fovea
