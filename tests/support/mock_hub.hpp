// A hub of the test's own: tests/support/mock_hub.py as a process, which breaks as it is told.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/hub.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {

class MockHub {
 public:
  /// Waits until it answers. Needs python3.
  MockHub();
  /// Whether python3 is there; with its standard library alone.
  [[nodiscard]] static bool is_possible();

  /// The folder of a model's files; `name` may end in @REV.
  [[nodiscard]] std::filesystem::path model(const std::string& name) const { return folder_.path() / "models" / name; }
  /// From now on; `{hub}` and `{cdn}` stand for the addresses in a redirect. The script says which faults there are.
  void set_faults(const std::vector<nlohmann::json>& faults) const;
  /// The requests since the last call.
  [[nodiscard]] std::vector<nlohmann::json> take_log() const;

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& cdn() const { return cdn_; }
  /// With short pauses.
  [[nodiscard]] HubOptions options(const std::filesystem::path& cache) const;
  /// For the program: HF_HOME is the folder above the cache.
  [[nodiscard]] std::vector<std::string> environment(const std::filesystem::path& home) const;

 private:
  TempFolder folder_;
  std::unique_ptr<Process> process_;
  std::string endpoint_;
  std::string cdn_;
};

}  // namespace fovea::test
