// The program as users run it: a process with arguments, streams and an exit code.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/shared.hpp"

namespace fovea::test {

struct ProcessOptions {
  std::string input;                     // its standard input
  std::vector<std::string> environment;  // "NAME=value", beside the test's own, with FOVEA_PRECISION=f32 and no hub
  std::filesystem::path folder;          // the working directory; empty: the test's own
  std::optional<std::uint64_t> file_size_limit;  // bytes, RLIMIT_FSIZE
  std::filesystem::path standard_output;         // a file or device instead of a pipe
  std::size_t close_after = SIZE_MAX;            // bytes of standard output to read before closing its pipe
  bool input_stays_open = false;                 // standard input does not end after `input`
  std::function<void()> before_start = {};       // in the child; may be empty, and may call what a signal handler may
};

struct ProcessResult {
  int exit_code = -1;
  int signal = 0;  // the signal that ended it; 0 if it exited
  std::string out;
  std::string err;

  /// Parses standard output as one JSON value for each line.
  [[nodiscard]] std::vector<nlohmann::json> json_lines() const;
};

/// A running program. It is killed after a time limit, so that a test cannot hang.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments, const ProcessOptions& options = {},
                   const std::filesystem::path& program = program_path());
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const;
  [[nodiscard]] bool is_running() const;
  /// Waits until the program has a handler of its own for `signal`, or has ended. Before that the system ends it.
  void wait_until_it_catches(int signal) const;
  /// Waits until the program ends.
  ProcessResult wait();

 private:
  pid_t pid_ = -1;
  std::thread out_reader_;
  std::thread err_reader_;
  std::thread in_writer_;
  int open_input_ = -1;  // until the program has ended
  ProcessResult result_;
};

/// Runs the program to its end.
ProcessResult run_fovea(const std::vector<std::string>& arguments, const ProcessOptions& options = {});

}  // namespace fovea::test
