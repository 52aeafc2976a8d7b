#include "checkpoint/registry.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "checkpoint/foreign_file.hpp"
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

namespace {

std::unique_ptr<Checkpoint> open_as(const CheckpointFormat& format, MappedFile mapped,
                                    const std::filesystem::path& file, std::string_view weights) {
  if (weights.empty()) return format.open(std::move(mapped), file);
  if (format.open_under != nullptr) return format.open_under(std::move(mapped), file, weights);
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: --weights is '{}', but a file of the format {} has one set of weights", printable(file),
                          printable(weights), format.name),
              "leave out --weights");
}

}  // namespace

std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& file, std::string_view weights) {
  MappedFile mapped(file);
  std::string known;
  for (const CheckpointFormat* format : checkpoint_formats()) {
    if (format->recognises(mapped.bytes())) return open_as(*format, std::move(mapped), file, weights);
    known += (known.empty() ? "" : ", ") + std::string(format->name);
  }
  const std::string_view what = mapped.bytes().empty() ? "empty" : "of an unknown format";
  const ForeignFile foreign =
      foreign_file(mapped.bytes()).value_or(ForeignFile{what, "download it again, or save it as safetensors"});
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{}: the file is {}, expected a checkpoint ({})", printable(file), foreign.what, known),
              std::string(foreign.hint));
}

}  // namespace fovea
