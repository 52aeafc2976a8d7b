// What `fovea models` and `fovea pull` print.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "fovea/hub.hpp"

namespace fovea::cli {

struct ListedModel {
  std::string name;  // as -m takes it
  bool from_hub = false;
  std::filesystem::path path;
  std::string commit;  // of a hub's
  std::uint64_t bytes = 0;
  bool complete = true;
};

[[nodiscard]] std::string model_list_text(std::span<const ListedModel> models);
[[nodiscard]] std::string model_list_json(std::span<const ListedModel> models);

/// "ORG/NAME: 3 files, 346.3 MB, 346.2 MB of them downloaded"
[[nodiscard]] std::string pull_note(const std::string& name, const HubSnapshot& snapshot);

}  // namespace fovea::cli
