#include "base/process/modules.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <vector>

#include "fovea/error.hpp"

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

/// Beside the program, in the build tree or an installed prefix; below the library; or where it was to be installed,
/// unless it runs wherever it is unpacked.
std::vector<fs::path> module_places() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path prefix = program.parent_path().parent_path();
  std::vector<fs::path> places{prefix / "lib" / "fovea", prefix / FOVEA_LIBDIR / "fovea"};
  if (const fs::path library = library_folder(); !library.empty()) places.push_back(library / "lib" / "fovea");
  if (const fs::path installed = FOVEA_INSTALLED_MODULES; !installed.empty()) places.push_back(installed);
  return places;
}

void* load(const char* name, const char* symbol, const std::string& hint) {
  std::string reason = "not found";
  const std::vector<fs::path> places = module_places();
  fs::path expected = places.back();
  for (const fs::path& folder : places) {
    const fs::path file = folder / name;
    std::error_code ignored;
    if (!fs::exists(file, ignored)) continue;
    expected = folder;
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* said = dlerror();
      reason = fmt::format("not loadable ({})", said != nullptr ? said : "no reason given");
      continue;
    }
    if (void* function = dlsym(handle, symbol)) return function;
    reason = "of another version";
  }
  throw Error(ErrorCode::kBackend, fmt::format("module {} is {}, expected in {}", name, reason, expected.string()),
              hint);
}

}  // namespace

std::string library_hint(std::string_view use, const ModuleLibrary& library, std::string_view built_on) {
  const std::string source = library.package.empty()
                                 ? fmt::format("as {} has it", built_on)
                                 : fmt::format("on {}: apt install {}", built_on, library.package);
  return fmt::format("{} {} ({}); a system with another version of it needs the fovea that was built there; if it is there, install fovea again",
                     use, library.soname, source);
}

void* module_function(const char* file, const char* symbol, const std::string& hint) {
  static std::mutex mutex;
  static std::map<std::string_view, void*> functions;  // by file
  const std::lock_guard lock(mutex);
  void*& function = functions[file];
  if (function == nullptr) function = load(file, symbol, hint);
  return function;
}

}  // namespace fovea
