// The JSON files of a model, beside its checkpoint or inside a checkpoint that `fovea quantize` wrote.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "model/config/config_reader.hpp"

namespace fovea {

class ConfigFiles {
 public:
  /// @param model  a folder, or a file in it; need not exist
  explicit ConfigFiles(const std::filesystem::path& model);
  /// The same for a checkpoint that is already open.
  ConfigFiles(const std::filesystem::path& model, const Checkpoint& checkpoint);

  /// The file's text; none if there is no such file.
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
  /// @throws Error  kCheckpoint if the file is not a JSON object.
  [[nodiscard]] std::optional<ConfigReader> reader(const std::string& name) const;
  /// The file's path, if it is not stored inside the checkpoint.
  [[nodiscard]] std::filesystem::path path(const std::string& name) const;

 private:
  void take(const Checkpoint& checkpoint);

  std::filesystem::path model_;
  std::filesystem::path folder_;
  bool inside_ = false;                       // the checkpoint stores the files, and those beside it are ignored
  std::map<std::string, std::string> texts_;  // used if `inside_`
};

}  // namespace fovea
