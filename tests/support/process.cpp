#include "support/process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace fovea::test {
namespace {

/// In seconds. It only keeps a broken test from running for ever: under sanitizers and beside other work minutes are
/// normal.
constexpr unsigned kTimeLimit = 1400;

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  return ends;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment_with(const std::vector<std::string>& own) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('=') + 1);
    const bool replaced =
        std::any_of(own.begin(), own.end(), [&](const std::string& other) { return other.starts_with(name); });
    if (name.substr(0, 6) != "FOVEA_" && name.substr(0, 3) != "HF_" && name != "NO_COLOR=" && !replaced) {
      all.emplace_back(text);
    }
  }
  all.insert(all.end(), own.begin(), own.end());  // comes first and may override these
  all.emplace_back("FOVEA_PRECISION=f32");        // the same numbers on every CPU
  all.emplace_back("HF_HOME=/nowhere/huggingface");
  all.emplace_back("HF_HUB_OFFLINE=1");
  return all;
}

void read_all(int descriptor, std::string& text, std::size_t limit) {
  std::array<char, 4096> chunk{};
  while (text.size() < limit) {
    const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  ::close(descriptor);
}

void write_all(int descriptor, const std::string& text, bool stays_open) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written <= 0) break;  // the program has closed its input
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (!stays_open) ::close(descriptor);
}

[[noreturn]] void become(const std::filesystem::path& program, char* const* arguments, char* const* environment,
                         const ProcessOptions& options, const std::array<int, 3>& streams) {
  for (int i = 0; i < 3; ++i) ::dup2(streams[static_cast<std::size_t>(i)], i);
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
  if (options.file_size_limit) {
    const rlimit limit{*options.file_size_limit, *options.file_size_limit};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (options.before_start) options.before_start();
  std::signal(SIGPIPE, SIG_DFL);
  ::alarm(kTimeLimit);
  ::execve(program.c_str(), arguments, environment);
  ::_exit(127);
}

/// The signals that a process has handlers for, as bits; 0 once it has ended.
std::uint64_t caught_signals(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  constexpr std::string_view kKey = "SigCgt:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kKey)) return std::stoull(line.substr(kKey.size()), nullptr, 16);
  }
  return 0;
}

}  // namespace

std::vector<nlohmann::json> ProcessResult::json_lines() const {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

Process::Process(const std::vector<std::string>& arguments, const ProcessOptions& options,
                 const std::filesystem::path& program) {
  std::signal(SIGPIPE, SIG_IGN);  // if a program does not read its input, this ends write_all() and not the test
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = environment_with(options.environment);
  // At the start ThreadSanitizer writes a file there and maps it, and ends with SIGBUS if the file is cut.
  if (options.file_size_limit) environment.emplace_back("TMPDIR=/nowhere");
  const auto argv = pointers(words);
  const auto envp = pointers(environment);
  const auto in = make_pipe();
  auto out = make_pipe();
  const auto err = make_pipe();
  if (!options.standard_output.empty()) {
    ::close(out[1]);
    out[1] = ::open(options.standard_output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  }
  pid_ = ::fork();
  if (pid_ == 0) become(program, argv.data(), envp.data(), options, {in[0], out[1], err[1]});
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  out_reader_ = std::thread([this, fd = out[0], limit = options.close_after] { read_all(fd, result_.out, limit); });
  err_reader_ = std::thread([this, fd = err[0]] { read_all(fd, result_.err, SIZE_MAX); });
  if (options.input_stays_open) open_input_ = in[1];
  in_writer_ =
      std::thread([fd = in[1], text = options.input, open = options.input_stays_open] { write_all(fd, text, open); });
}

Process::~Process() {
  if (pid_ < 0) return;
  send(SIGKILL);
  wait();
}

void Process::send(int signal) const {
  ::kill(pid_, signal);
}

bool Process::is_running() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

void Process::wait_until_it_catches(int signal) const {
  const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(signal - 1);
  while (is_running() && (caught_signals(pid_) & bit) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

ProcessResult Process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  out_reader_.join();
  err_reader_.join();
  in_writer_.join();
  if (open_input_ >= 0) ::close(open_input_);
  if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  return result_;
}

ProcessResult run_fovea(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  return Process(arguments, options).wait();
}

}  // namespace fovea::test
