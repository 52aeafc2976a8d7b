// A model on a mock hub, and a cache.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/hub.hpp"
#include "support/mock_hub.hpp"
#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {

/// Bytes that no other seed has, and that are all different from their neighbours.
inline std::string noise(std::size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24U);
  return bytes;
}

/// One for MockHub::set_faults().
inline nlohmann::json fault(const std::string& at, const std::string& what,
                            nlohmann::json arguments = nlohmann::json::object()) {
  arguments["at"] = at;
  arguments["do"] = what;
  return arguments;
}

class HubTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!MockHub::is_possible()) GTEST_SKIP() << "python3 is not here";
    hub_.emplace();
    options_ = hub_->options(folder_ / "home/hub");
    publish("config.json", "{\"model_type\": \"vit\"}");
    publish("preprocessor_config.json", "{}");
    publish("model.safetensors", weights_);
    publish("README.md", "# Not needed");
    publish("modeling.py", "raise SystemExit");
  }
  void publish(const std::string& path, const std::string& bytes, const std::string& model = "org/tiny") const {
    write_text(hub_->model(model) / path, bytes);
  }
  HubSnapshot pull(const std::string& name = "org/tiny") const { return pull_model(parse_hub_model(name), options_); }
  HubSnapshot find(const std::string& name = "org/tiny") const {
    return find_hub_model(parse_hub_model(name), options_);
  }
  /// What pulling says where it has to fail.
  Error refusal(const std::string& name = "org/tiny") const {
    try {
      pull(name);
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was refused";
    return Error(ErrorCode::kUsage, "");
  }
  void expect_whole(const HubSnapshot& snapshot) const {
    EXPECT_EQ(read_text(snapshot.folder / "config.json"), "{\"model_type\": \"vit\"}");
    EXPECT_EQ(read_text(snapshot.folder / "preprocessor_config.json"), "{}");
    EXPECT_TRUE(read_text(snapshot.folder / "model.safetensors") == weights_);
    EXPECT_EQ(left_overs(), std::vector<std::string>{});
  }
  [[nodiscard]] std::filesystem::path stored() const { return folder_ / "home/hub/models--org--tiny"; }
  /// Names in blobs/ that are no blobs.
  [[nodiscard]] std::vector<std::string> left_overs() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(stored() / "blobs")) return names;
    for (const auto& entry : std::filesystem::directory_iterator(stored() / "blobs")) {
      const std::string name = entry.path().filename();
      if (name.size() != 40 && name.size() != 64) names.push_back(name);
    }
    return names;
  }
  [[nodiscard]] std::filesystem::path left_part(const HubSnapshot& of) const {
    return stored() / "blobs" /
           (std::filesystem::read_symlink(of.folder / "model.safetensors").filename().string() + ".incomplete");
  }
  /// The requests for the weights' bytes.
  std::vector<nlohmann::json> requests_for_weights() const {
    std::vector<nlohmann::json> found;
    for (nlohmann::json& request : hub_->take_log()) {
      if (request.at("at") == "cdn") found.push_back(std::move(request));
    }
    return found;
  }

  const std::string weights_ = noise(300'000);
  TempFolder folder_;
  std::optional<MockHub> hub_;
  HubOptions options_;
};

}  // namespace fovea::test
