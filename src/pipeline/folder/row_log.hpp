// The growing results file of a batch.
#pragma once

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/output/disk.hpp"
#include "base/pending_file.hpp"
#include "report/record.hpp"

namespace fovea {

/// Rows get into the file in groups: the files that a group's rows claim are put on the disk, with their folders, then
/// its rows are appended and put there. So a row in the file is a promise that a power cut does not break. A second
/// thread does that while the work goes on. Rows that are not yet in the file are at most 256, and at most 1 s old
/// where the disk keeps up: a program that is killed loses no more.
class RowLog {
 public:
  /// Replaces the file by these rows; append() adds after them.
  /// @param folder  which the rows' files are relative to
  /// @param sync    kNo: rows are appended at once, and the system writes when it likes
  /// @throws Error  kOutput.
  RowLog(std::filesystem::path folder, std::filesystem::path path, const std::vector<Record>& kept, Sync sync);
  /// As finish(), but what fails is lost.
  ~RowLog();
  RowLog(const RowLog&) = delete;
  RowLog& operator=(const RowLog&) = delete;

  /// @throws Error  kOutput, for this row or one before it; a torn line has been cut off again.
  void append(const Record& record);
  /// All rows are in the file.
  /// @throws Error  kOutput.
  void finish();

 private:
  struct Group {
    std::string lines;
    std::size_t rows = 0;
    std::set<std::filesystem::path> folders;  // of the files that the rows claim
  };
  void stop();
  void write_groups();
  void put_on_disk(const Group& group);
  void write(std::string_view lines);

  std::filesystem::path folder_;
  std::filesystem::path path_;
  int file_;
  Sync sync_;
  Disks disks_;  // of write_groups() only
  std::mutex mutex_;
  std::condition_variable changed_;
  Group growing_;
  bool finished_ = false;
  std::exception_ptr failure_;
  std::thread writer_;
};

}  // namespace fovea
