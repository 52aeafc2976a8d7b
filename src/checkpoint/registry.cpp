#include "checkpoint/registry.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {

std::span<const CheckpointFormat* const> checkpoint_formats() {
#define FOVEA_CHECKPOINT_FORMAT(format) &kCheckpointFormat_##format,
  static constexpr std::array kFormats{
#include "checkpoint/formats.def"
  };
#undef FOVEA_CHECKPOINT_FORMAT
  return kFormats;
}

std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& file) {
  MappedFile mapped(file);
  std::string known;
  for (const CheckpointFormat* format : checkpoint_formats()) {
    if (format->recognises(mapped.bytes())) return format->open(std::move(mapped), file);
    known += (known.empty() ? "" : ", ") + std::string(format->name);
  }
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{}: the file is {}, expected a checkpoint ({})", printable(file),
                          mapped.bytes().empty() ? "empty" : "of an unknown format", known),
              "download it again, or save it as safetensors");
}

}  // namespace fovea
