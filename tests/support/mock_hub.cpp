#include "support/mock_hub.hpp"

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/pictures.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

constexpr const char* kEnv = "/usr/bin/env";  // finds python3 in the PATH

}  // namespace

bool MockHub::is_possible() {
  static const bool possible = Process({"python3", "-c", "import http.server"}, {}, kEnv).wait().exit_code == 0;
  return possible;
}

MockHub::MockHub() {
  std::filesystem::create_directories(folder_ / "models");
  const std::string script = (source_dir() / "tests/support/mock_hub.py").string();
  process_ = std::make_unique<Process>(std::vector<std::string>{"python3", "-B", script, folder_.path().string()},
                                       ProcessOptions{}, kEnv);
  const std::filesystem::path ready = folder_ / "ready";
  while (!std::filesystem::exists(ready)) {
    if (!process_->is_running()) throw std::runtime_error("the mock hub did not start: " + process_->wait().err);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::istringstream(read_text(ready)) >> endpoint_ >> cdn_;
}

void MockHub::set_faults(const std::vector<nlohmann::json>& faults) const {
  write_text(folder_ / "faults.new", nlohmann::json(faults).dump());
  std::filesystem::rename(folder_ / "faults.new", folder_ / "faults");
}

std::vector<nlohmann::json> MockHub::take_log() const {
  std::vector<nlohmann::json> requests;
  const std::filesystem::path log = folder_ / "log";
  if (!std::filesystem::exists(log)) return requests;
  std::istringstream lines(read_text(log));
  for (std::string line; std::getline(lines, line);) requests.push_back(nlohmann::json::parse(line));
  std::filesystem::remove(log);
  return requests;
}

HubOptions MockHub::options(const std::filesystem::path& cache) const {
  HubOptions options;
  options.cache = cache;
  options.endpoint = endpoint_;
  options.timeout = std::chrono::seconds(5);
  options.pause = std::chrono::milliseconds(2);
  return options;
}

std::vector<std::string> MockHub::environment(const std::filesystem::path& home) const {
  return {"HF_ENDPOINT=" + endpoint_, "HF_HOME=" + home.string(), "HF_HUB_OFFLINE=0"};
}

}  // namespace fovea::test
