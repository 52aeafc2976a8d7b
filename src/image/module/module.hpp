// Formats whose libraries drag others along: each is read by a module of its own, loaded when the first such picture is
// met.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/process/modules.hpp"
#include "image/codec/formats.hpp"

namespace fovea {

struct ModuleFormat {
  std::string_view name;     // of the format, for messages: "TIFF"
  const char* file;          // of the module: "fovea_tiff.so"
  ModuleLibrary library;     // that the module wants
};

/// @throws Error  kDecode, kTooLarge as decode_image() does; kBackend where the module or its library is missing.
[[nodiscard]] Image decode_with_module(const ModuleFormat& format, std::span<const std::byte> file,
                                       std::string_view name, const DecodeOptions& options);

}  // namespace fovea
