// A folder with a tiny model, pictures and lists, and a command for each option that names a file to write.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {

class OutputCommands : public ::testing::Test {
 protected:
  OutputCommands() {
    write_tiny_model_folder(folder_ / "model");
    for (int i = 0; i < 3; ++i) write_picture(folder_ / ("in/" + std::to_string(i) + ".png"), 40, 50, i);
    for (int i = 0; i < 2; ++i) write_picture(folder_ / ("kinds/" + std::to_string(i) + "/a.png"), 40, 50, i);
    write_text(folder_ / "list", at("in/0.png") + "\n");
    write_text(folder_ / "labels.txt", "a\nb\nc\nd\ne\n");
    write_text(folder_ / "fovea.toml", "top-k = 2\n");
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }

  /// Every option that names a file to write, as a command that writes only that file to `path`.
  struct Output {
    std::string extension;
    std::vector<std::string> command;  // the path comes last
    bool same_bytes = true;            // in every run
  };
  [[nodiscard]] std::map<std::string, Output> outputs() const {
    const std::string in = at("in");
    const std::string model = at("model");
    return {
        {"classify -o", {".txt", {"classify", in, "-m", model, "-o"}}},
        {"classify --save-logits", {".npy", {"classify", in, "-m", model, "--save-logits"}}},
        {"embed -o .npy", {".npy", {"embed", in, "-m", model, "-o"}}},
        {"embed -o .safetensors", {".safetensors", {"embed", in, "-m", model, "-o"}}},
        {"explore -o", {".html", {"explore", in, "-m", model, "-o"}}},
        {"batch --save-logits", {".npy", {"batch", in, "-m", model, "-o", at("out"), "--fresh", "--save-logits"}}},
        {"bench --svg", {".svg", {"bench", "-m", model, "--seconds", "0.1", "--svg"}, false}},
        {"doctor --dump-pixels", {".npy", {"doctor", model, at("in/0.png"), "--dump-pixels"}}},
        {"doctor --dump-input", {".npy", {"doctor", model, at("in/0.png"), "--dump-input"}}},
        {"eval --report", {".html", {"eval", at("kinds"), "-m", model, "--report"}}},
        {"eval --confusion", {".csv", {"eval", at("kinds"), "-m", model, "--confusion"}}},
        {"quantize", {".safetensors", {"quantize", "--to", "bf16", model}}},
    };
  }
  [[nodiscard]] ProcessResult write_to(const Output& output, const std::string& path) const {
    std::vector<std::string> command = output.command;
    command.push_back(path);
    return run_fovea(command);
  }
  /// What this output is in a new file.
  [[nodiscard]] std::string usual(const Output& output) const {
    const std::string path = at("usual" + output.extension);
    std::filesystem::remove(path);
    const ProcessResult result = write_to(output, path);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_text(path);
  }
  /// A script whose "$0" is the program.
  [[nodiscard]] static ProcessResult shell(const std::string& script, std::vector<std::string> arguments = {}) {
    std::vector<std::string> all{"-c", script, program_path().string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Process(all, {}, "/bin/sh").wait();
  }
  [[nodiscard]] std::size_t temporary_files(const std::string& below) const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / below)) {
      if (entry.path().extension() == ".tmp") ++count;
    }
    return count;
  }
  TempFolder folder_;
};

}  // namespace fovea::test
