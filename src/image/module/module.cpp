#include "image/module/module.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "image/module/module_interface.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// The folder of the shared library that this code is a part of, as of Python's extension; empty in a program.
fs::path library_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&library_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  const fs::path file = info.dli_fname;
  return file.is_absolute() ? file.parent_path() : fs::path();
}

/// Beside the program, in the build tree or an installed prefix; below the library; or where it was to be installed.
std::vector<fs::path> module_places() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path prefix = program.parent_path().parent_path();
  std::vector<fs::path> places{prefix / "lib" / "fovea", prefix / FOVEA_LIBDIR / "fovea"};
  if (const fs::path library = library_folder(); !library.empty()) places.push_back(library / "lib" / "fovea");
  places.push_back(fs::path(FOVEA_FULL_LIBDIR) / "fovea");
  return places;
}

FoveaDecodeFunction* load(const ModuleFormat& format) {
  std::string reason = "not found";
  for (const fs::path& folder : module_places()) {
    const fs::path file = folder / format.file;
    std::error_code ignored;
    if (!fs::exists(file, ignored)) continue;
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays loaded until the end
    if (handle == nullptr) {
      const char* said = dlerror();
      reason = fmt::format("not loadable ({})", said != nullptr ? said : "no reason given");
      continue;
    }
    if (auto* decode = reinterpret_cast<FoveaDecodeFunction*>(dlsym(handle, FOVEA_MODULE_DECODE_NAME))) return decode;
    reason = "of another version";
  }
  throw Error(ErrorCode::kBackend,
              fmt::format("module {} is {}, expected in {}", format.file, reason, module_places().back().string()),
              fmt::format("{} is read by Debian's {}: apt install {}; if it is there, install fovea again", format.name,
                          format.package, format.package));
}

FoveaDecodeFunction* loaded(const ModuleFormat& format) {
  static std::mutex mutex;
  static std::map<std::string_view, FoveaDecodeFunction*> modules;  // by file
  const std::lock_guard lock(mutex);
  FoveaDecodeFunction*& decode = modules[format.file];
  if (decode == nullptr) decode = load(format);
  return decode;
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
