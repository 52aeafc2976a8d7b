#include "image/module/module.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <string>

#include "base/process/module_libraries.hpp"
#include "base/process/modules.hpp"
#include "image/module/module_interface.hpp"

namespace fovea {
namespace {

FoveaDecodeFunction* loaded(const ModuleFormat& format) {
  const std::string hint = library_hint(fmt::format("{} is read by", format.name), format.library, kBuiltOn);
  return reinterpret_cast<FoveaDecodeFunction*>(module_function(format.file, FOVEA_MODULE_DECODE_NAME, hint));
}

/// What a module's allocate() needs; an error waits here until the module has returned.
struct Target {
  std::string_view name;
  const DecodeOptions& options;
  Image image;
  std::exception_ptr failure;
};

unsigned char* allocate(void* context, std::uint64_t width, std::uint64_t height) {
  Target& target = *static_cast<Target*>(context);
  try {
    target.image = Image(checked_size(width, height, target.name, target.options));
    return target.image.pixels().data();
  } catch (...) {
    target.failure = std::current_exception();
    return nullptr;
  }
}

}  // namespace

Image decode_with_module(const ModuleFormat& format, std::span<const std::byte> file, std::string_view name,
                         const DecodeOptions& options) {
  Target target{name, options, {}, {}};
  std::array<char, 300> message{};
  const FoveaDecodeRequest request{reinterpret_cast<const unsigned char*>(file.data()),
                                   file.size(),
                                   options.gray16 == Gray16::kScale ? 1 : 0,
                                   allocate,
                                   &target,
                                   message.data(),
                                   message.size()};
  const int status = loaded(format)(&request);
  if (target.failure) std::rethrow_exception(target.failure);
  if (status == kFoveaUnsupported) throw unsupported(name, format.name, message.data());
  if (status != kFoveaDecoded || target.image.empty()) throw damaged(name, format.name, message.data());
  return std::move(target.image);
}

}  // namespace fovea
