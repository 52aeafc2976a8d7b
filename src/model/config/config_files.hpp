// The JSON files of a model, beside its checkpoint or inside a checkpoint that fovea wrote.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "model/config/config_reader.hpp"

namespace fovea {

class ConfigFiles {
 public:
  /// @param model  a folder, or a file in it; need not exist
  explicit ConfigFiles(const std::filesystem::path& model);
  /// The same for a checkpoint that is already open.
  ConfigFiles(const std::filesystem::path& model, const Checkpoint& checkpoint);

  /// From now on, readers ignore these keys in every file that has them.
  /// @param dotted  "model_args.rope_offset", ...
  /// @throws Error  kUsage if no file has one of them.
  void ignore(std::span<const std::string> dotted);

  /// The file that describes the network: "config.json", or "open_clip_config.json" if the checkpoint has open_clip's
  /// file name or there is no other.
  [[nodiscard]] std::string network() const;
  /// The file's text; none if there is no such file.
  [[nodiscard]] std::optional<std::string> text(const std::string& name) const;
  /// @throws Error  kCheckpoint if the file is not a JSON object.
  [[nodiscard]] std::optional<ConfigReader> reader(const std::string& name) const;
  /// The metadata of a file that takes the model's place: the texts of these files, and the keys that fovea has written
  /// into the checkpoint before, but for a cascade's.
  [[nodiscard]] std::map<std::string, std::string> carried() const;
  /// The file's path, if it is not stored inside the checkpoint.
  [[nodiscard]] std::filesystem::path path(const std::string& name) const;

 private:
  void take(const Checkpoint& checkpoint);

  std::filesystem::path model_;
  std::filesystem::path folder_;
  bool inside_ = false;                       // the checkpoint stores the files, and those beside it are ignored
  std::map<std::string, std::string> texts_;  // of the checkpoint; its files are used if `inside_`
  std::vector<std::string> ignored_;
};

}  // namespace fovea
