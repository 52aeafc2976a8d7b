// A folder of pictures that is run in shards, beside the run without them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {

/// The text without what says how long the work took.
inline std::string without_times(const std::string& text) {
  static const std::regex kTimes(R"re("(seconds|images_per_second)": ?[0-9.e+-]+)re");
  return std::regex_replace(text, kTimes, "\"$1\":0");
}

class ShardedBatch : public ::testing::Test {
 protected:
  ShardedBatch() { write_tiny_model_folder(folder_ / "model"); }
  void make_pictures(int count) const {
    for (int i = 0; i < count; ++i) write_picture(at("in/" + std::to_string(i) + ".png"), 40, 50, i);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string out() const { return at("out"); }
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& more,
                                                 const std::string& out = "out") const {
    std::vector<std::string> arguments{"batch", at("in"), "-o", at(out), "-m", at("model"), "-q", "-t", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] ProcessResult shard(const std::string& shard, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--shard", shard});
    return run_fovea(command(more));
  }
  /// @return  the highest exit code
  int all_shards(int count) const {
    int code = 0;
    for (int i = 0; i < count; ++i) {
      code = std::max(code, shard(std::to_string(i) + "/" + std::to_string(count)).exit_code);
    }
    return code;
  }
  [[nodiscard]] ProcessResult merge() const { return run_fovea({"merge", out()}); }
  [[nodiscard]] std::map<std::string, std::string> files(const std::string& out) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / out)) {
      const std::string name = entry.path().lexically_relative(folder_ / out).string();
      if (entry.is_regular_file() && !name.starts_with("shards/") && name != "run.json") {
        files[name] = without_times(read_text(entry.path()));
      }
    }
    return files;
  }
  /// The merged folder has the files and bytes of one run over the same pictures.
  void expect_one_run() const {
    std::filesystem::remove_all(folder_ / "whole");
    EXPECT_LE(run_fovea(command({}, "whole")).exit_code, 1);
    const auto whole = files("whole");
    const auto merged = files("out");
    EXPECT_EQ(whole.size(), merged.size());
    for (const auto& [name, content] : whole) {
      ASSERT_TRUE(merged.contains(name)) << name;
      EXPECT_EQ(merged.at(name) == content, true) << name;
    }
  }
  TempFolder folder_;
};

}  // namespace fovea::test
