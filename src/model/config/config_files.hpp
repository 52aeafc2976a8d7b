// The JSON files of a model: beside its checkpoint, or inside of one that `fovea quantize` wrote.
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
  /// @param model  a folder, or a file in it; it need not be there
  explicit ConfigFiles(const std::filesystem::path& model);
  /// The same of a checkpoint that is open already.
  ConfigFiles(const std::filesystem::path& model, const Checkpoint& checkpoint);

  /// What the file holds; none if there is no such file.
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
  /// @throws Error  kCheckpoint if it is no JSON object.
  [[nodiscard]] std::optional<ConfigReader> reader(const std::string& name) const;
  /// Where it lies, if it is a file of its own.
  [[nodiscard]] std::filesystem::path path(const std::string& name) const;

 private:
  void take(const Checkpoint& checkpoint);

  std::filesystem::path model_;
  std::filesystem::path folder_;
  bool inside_ = false;                       // the checkpoint has them, and nothing beside it counts
  std::map<std::string, std::string> texts_;  // then
};

}  // namespace fovea
