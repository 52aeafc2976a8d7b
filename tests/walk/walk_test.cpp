// The walk of one photograph: which functions of fovea lie between `main` and oneDNN when `fovea classify` computes.
// The files on the way are compiled into this program at -O0, so that no call is folded into another.
#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/app.hpp"
#include "support/shared.hpp"

namespace {

constexpr int kDeepest = 128;  // frames
constexpr std::size_t kMostFrames = 12;

using Stack = std::vector<void*>;  // return addresses, innermost first

Stack stack_here() {
  Stack stack(kDeepest);
  stack.resize(static_cast<std::size_t>(backtrace(stack.data(), kDeepest)));
  return stack;
}

std::atomic<bool> recording{false};
std::mutex mutex;
std::map<Stack, Stack> ways;  // of a thread that calls oneDNN, and of the main thread meanwhile
pthread_t main_thread;
std::array<void*, kDeepest> main_frames;
std::atomic<int> main_depth{0};

void note_main(int /*signal*/) {
  main_depth = backtrace(main_frames.data(), kDeepest);
}

void record() {
  if (pthread_equal(pthread_self(), main_thread) != 0) return;  // a model's weights are packed there, too
  const std::lock_guard lock(mutex);
  const auto [way, is_new] = ways.try_emplace(stack_here());
  if (!is_new) return;
  main_depth = 0;
  pthread_kill(main_thread, SIGUSR1);
  while (main_depth == 0) std::this_thread::yield();
  way->second.assign(main_frames.begin(), main_frames.begin() + main_depth);
}

}  // namespace

// In place of oneDNN's own, which the program would otherwise call.
extern "C" dnnl_status_t dnnl_primitive_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                                                const dnnl_exec_arg_t* arguments) {
  using Execute = decltype(&dnnl_primitive_execute);
  static const auto execute = reinterpret_cast<Execute>(dlsym(RTLD_NEXT, "dnnl_primitive_execute"));
  if (recording) record();
  return execute(primitive, stream, count, arguments);
}

namespace fovea::test {
namespace {

struct Function {
  std::string name;    // as addr2line has it, demangled
  std::string source;  // "file:line", "??:0" where it was compiled without debug information
};

/// What addr2line says about the callers of this program.
std::vector<Function> functions_of(const Stack& stack) {
  std::string command =
      fmt::format("addr2line -f -C -e '{}'", std::filesystem::read_symlink("/proc/self/exe").string());
  std::size_t count = 0;
  Dl_info self{};
  dladdr(reinterpret_cast<void*>(&functions_of), &self);
  for (void* const address : stack) {
    Dl_info info{};
    if (dladdr(address, &info) == 0 || info.dli_fbase != self.dli_fbase) continue;
    const auto offset = static_cast<char*>(address) - static_cast<char*>(info.dli_fbase) - 1;  // the call, not after it
    command += fmt::format(" {:#x}", offset);
    ++count;
  }
  FILE* const pipe = popen(command.c_str(), "r");
  std::vector<std::string> lines;
  std::array<char, 65536> line{};
  while (pipe != nullptr && fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
    lines.emplace_back(line.data());
    lines.back().pop_back();
  }
  if (pipe != nullptr) pclose(pipe);
  EXPECT_EQ(lines.size(), 2 * count) << command;
  std::vector<Function> functions;
  for (std::size_t i = 0; i + 1 < lines.size(); i += 2) functions.push_back({lines[i], lines[i + 1]});
  return functions;
}

/// "fovea::Engine::run" of "unsigned long fovea::Engine::run<int>(std::span<...>)"; keeps what marks a lambda.
std::string plain_name(std::string text) {
  for (const std::string_view noise : {"(anonymous namespace)::", "[abi:cxx11]"}) {
    for (std::size_t at = text.find(noise); at != std::string::npos; at = text.find(noise))
      text.erase(at, noise.size());
  }
  if (const std::size_t call = text.find("operator()"); call != std::string::npos) text.replace(call, 10, "operator");
  std::string name;
  int depth = 0;  // of template arguments
  for (const char c : text) {
    if (c == '<') ++depth;
    if (depth == 0 && c == '(' && text.find("{lambda") == std::string::npos) break;
    if (depth == 0) name += c;
    if (c == '>') --depth;
  }
  if (name.find("{lambda") != std::string::npos) return name;
  name.erase(0, name.rfind(' ') + 1);
  return name.ends_with("::operator") ? name + "()" : name;
}

/// Marks a function that may have swallowed its neighbours: its file is missing in tests/walk of tests/CMakeLists.txt.
constexpr const char* kOptimized = " (compiled with optimisation)";

/// The named functions of fovea in a stack, outermost first.
std::vector<std::string> walk_of(const Stack& stack) {
  std::vector<std::string> names;
  for (const Function& function : functions_of(stack)) {
    const std::string name = plain_name(function.name);
    if (!name.starts_with("fovea::") || name.starts_with("fovea::test::") || name.find("{lambda") != std::string::npos)
      continue;
    names.push_back(function.source.starts_with("??") ? name + kOptimized : name);
  }
  std::reverse(names.begin(), names.end());
  return names;
}

/// The first code block after this heading of DESIGN.md, line by line.
std::vector<std::string> shown_walk() {
  std::ifstream design(source_dir() / "DESIGN.md");
  std::vector<std::string> shown;
  bool in_section = false;
  bool in_block = false;
  for (std::string line; std::getline(design, line);) {
    if (line == "## The walk of one photograph") in_section = true;
    if (!in_section) continue;
    if (in_block && line == "```") break;
    if (in_block) shown.push_back(line);
    if (line == "```text") in_block = true;
  }
  return shown;
}

TEST(TheWalkOfOnePhotograph, IsTheOneThatDesignMdShowsAndNoLongerThanTwelveFrames) {
  main_thread = pthread_self();
  (void)stack_here();  // loads the unwinder, which a signal handler must not do
  struct sigaction action {};
  action.sa_handler = note_main;
  sigaction(SIGUSR1, &action, nullptr);
  recording = true;
  ASSERT_EQ(cli::run_app({"classify", (source_dir() / "samples/coffee.jpg").string(), "-m",
                          (source_dir() / "weights/vit_tiny_tin200").string(), "-t", "1", "--precision", "f32"}),
            0);
  recording = false;

  std::vector<std::string> walk;
  for (const auto& [worker, main] : ways) {
    const std::vector<std::string> computing = walk_of(worker);
    if (std::count(computing.begin(), computing.end(), "fovea::Session::forward") == 0) continue;  // loads the model
    std::vector<std::string> one = walk_of(main);
    one.insert(one.end(), computing.begin(), computing.end());
    if (one.size() > walk.size() || (one.size() == walk.size() && one < walk)) walk = one;
  }
  std::string text;
  for (const std::string& name : walk) text += name + "\n";
  printf("%s", text.c_str());
  EXPECT_LE(walk.size(), kMostFrames);
  EXPECT_EQ(walk, shown_walk()) << "DESIGN.md, \"The walk of one photograph\", should show:\n" << text;
}

}  // namespace
}  // namespace fovea::test
