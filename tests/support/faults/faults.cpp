// Lets one call of the C library fail: loaded into a program by LD_PRELOAD and told by the environment.
//
//   FAULTS_KIND    one of the kinds of kKinds
//   FAULTS_NTH     which call of this kind fails, from 1
//   FAULTS_ERRNO   the errno, as a number; 0: reads and writes transfer half of what was asked
//   FAULTS_ALWAYS  if set, all later calls of this kind fail as well: a disk that stays full
//   FAULTS_PATH    only files whose path contains this text count; without it all do
//   FAULTS_LOG     a file for the number of calls of each kind, and for the places in the code that they come from
//
// Calls count from `main` to its end: what libraries do before and after it is not the program's to answer for. This
// library needs the C library alone, and allocates nothing.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

enum Kind { kOpen, kRead, kWrite, kSync, kRename, kClose, kMap, kStat, kMkdir, kUnlink, kList, kLock, kResize, kAlloc };
constexpr std::array<const char*, 14> kKinds{"open", "read",  "write",  "fsync", "rename", "close",    "mmap",
                                             "stat", "mkdir", "unlink", "list",  "lock",   "truncate", "alloc"};
constexpr std::size_t kLongestPath = 512;
constexpr std::size_t kMostFiles = 1024;
constexpr std::size_t kMostSites = 4096;

/// What the environment asks for.
struct Plan {
  int kind = -1;
  std::uint64_t nth = 0;
  int error = 0;
  bool always = false;
  const char* path = "";
  const char* log = nullptr;
};

/// A place in the code from which calls of one kind come, for files of one extension.
struct Site {
  std::atomic<std::uint64_t> key{0};  // of kind, return address and extension; 0: free
  Kind kind;
  std::uint64_t nth;  // of its first call
  const void* caller;
  char path[kLongestPath];
};

using Path = std::array<char, kLongestPath>;

Plan plan;
std::atomic<bool> armed{false};
std::array<std::atomic<std::uint64_t>, kKinds.size()> counts;
std::array<Path, kMostFiles> paths;  // by descriptor; empty: none that counts
std::array<Site, kMostSites> sites;

void set_path(int descriptor, const char* path) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= kMostFiles) return;
  Path& own = paths[static_cast<std::size_t>(descriptor)];
  std::strncpy(own.data(), path, own.size() - 1);
}

const char* path_of(int descriptor) {
  return descriptor < 0 || static_cast<std::size_t>(descriptor) >= kMostFiles
             ? ""
             : paths[static_cast<std::size_t>(descriptor)].data();
}

const char* extension_of(const char* path) {
  const char* slash = std::strrchr(path, '/');
  const char* dot = std::strrchr(slash == nullptr ? path : slash, '.');
  return dot == nullptr ? "" : dot;
}

/// FNV-1a over all three.
std::uint64_t key_of(Kind kind, const void* caller, const char* path) {
  std::uint64_t hash = 14695981039346656037U;
  const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 1099511628211U; };
  add(static_cast<std::uint64_t>(kind));
  add(reinterpret_cast<std::uintptr_t>(caller));
  for (const char* c = extension_of(path); *c != '\0'; ++c) add(static_cast<std::uint64_t>(*c));
  return hash | 1U;
}

void note_site(Kind kind, std::uint64_t nth, const void* caller, const char* path) {
  const std::uint64_t key = key_of(kind, caller, path);
  for (std::size_t probe = 0; probe < kMostSites; ++probe) {
    Site& site = sites[(key + probe) % kMostSites];
    std::uint64_t free = 0;
    if (site.key.compare_exchange_strong(free, key)) {
      site.kind = kind;
      site.nth = nth;
      site.caller = caller;
      std::strncpy(site.path, path, kLongestPath - 1);
      return;
    }
    if (free == key) return;
  }
}

/// Counts this call. Whether it is to fail; `errno` is then set, if the fault has one.
bool fails(Kind kind, const char* path, const void* caller) {
  if (!armed.load(std::memory_order_relaxed)) return false;
  if (kind != kAlloc && std::strstr(path, plan.path) == nullptr) return false;
  const std::uint64_t nth = ++counts[kind];
  if (plan.log != nullptr && kind != kAlloc) note_site(kind, nth, caller, path);
  if (plan.kind != kind || plan.nth == 0 || (plan.always ? nth < plan.nth : nth != plan.nth)) return false;
  errno = plan.error;
  return true;
}

template <typename Function>
Function next(Function /*of this type*/, const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}
#define NEXT(function) static const auto real = next(&function, #function)
#define CALLER __builtin_return_address(0)

/// Calls `real` unless the call is to fail. A fault without an errno halves the size instead.
template <typename Call>
ssize_t transfer(Kind kind, int descriptor, std::size_t size, const void* caller, Call&& real) {
  if (!fails(kind, path_of(descriptor), caller)) return real(size);
  return plan.error == 0 ? real((size + 1) / 2) : -1;
}

int opened(int descriptor, const char* path) {
  if (armed && descriptor >= 0) set_path(descriptor, path);
  return descriptor;
}

/// The one of a file's names that counts; the old one if both or neither do.
const char* of_two(const char* old_path, const char* new_path) {
  return std::strstr(old_path, plan.path) == nullptr && std::strstr(new_path, plan.path) != nullptr ? new_path
                                                                                                    : old_path;
}

/// The path of a file that is named relative to a folder.
Path path_at(int folder, const char* name) {
  Path path{};
  if (name[0] == '/' || folder == AT_FDCWD) {
    std::strncpy(path.data(), name, path.size() - 1);
  } else {
    std::snprintf(path.data(), path.size(), "%s/%s", path_of(folder), name);
  }
  return path;
}

std::uint64_t number(const char* name) {
  const char* text = ::getenv(name);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

void read_plan() {
  const char* kind = ::getenv("FAULTS_KIND");
  for (std::size_t i = 0; kind != nullptr && i < kKinds.size(); ++i) {
    if (std::strcmp(kind, kKinds[i]) == 0) plan.kind = static_cast<int>(i);
  }
  plan.nth = number("FAULTS_NTH");
  plan.error = static_cast<int>(number("FAULTS_ERRNO"));
  plan.always = ::getenv("FAULTS_ALWAYS") != nullptr;
  if (const char* path = ::getenv("FAULTS_PATH")) plan.path = path;
  plan.log = ::getenv("FAULTS_LOG");
  for (int stream = 0; stream < 3; ++stream) {
    Path link{};
    std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", stream);
    Path& path = paths[static_cast<std::size_t>(stream)];
    if (::readlink(link.data(), path.data(), path.size() - 1) < 0) path[0] = '\0';
  }
}

/// "count KIND N" for each kind, then "site KIND N MODULE+OFFSET PATH" for each place.
void write_log() {
  if (plan.log == nullptr) return;
  std::FILE* log = std::fopen(plan.log, "w");
  if (log == nullptr) return;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    std::fprintf(log, "count %s %llu\n", kKinds[i], static_cast<unsigned long long>(counts[i]));
  }
  for (const Site& site : sites) {
    if (site.key == 0) continue;
    Dl_info module{};
    const bool known = ::dladdr(site.caller, &module) != 0;
    std::fprintf(log, "site %s %llu %s+0x%llx %s\n", kKinds[site.kind], static_cast<unsigned long long>(site.nth),
                 known ? module.dli_fname : "?",
                 static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(site.caller) -
                                                 reinterpret_cast<std::uintptr_t>(module.dli_fbase)),
                 site.path);
  }
  std::fclose(log);
}

using Main = int (*)(int, char**, char**);
Main program_main = nullptr;

int counted_main(int argc, char** argv, char** environment) {
  read_plan();
  armed = true;
  const int code = program_main(argc, argv, environment);
  armed = false;
  write_log();
  return code;
}

}  // namespace

extern "C" {

int __libc_start_main(Main main, int argc, char** argv, void (*init)(), void (*fini)(), void (*loader_fini)(),
                      void* stack_end) {
  NEXT(__libc_start_main);
  program_main = main;
  return real(counted_main, argc, argv, init, fini, loader_fini, stack_end);
}

/// The program leaves by this once everything is written.
void _exit(int code) {
  NEXT(_exit);
  if (armed) {
    armed = false;
    write_log();
  }
  real(code);
  __builtin_unreachable();
}

// Files. The 64-bit names are what programs call; both are there on x86-64.
#define FAULTS_OPEN(name)                                                           \
  int name(const char* path, int flags, ...) {                                      \
    NEXT(name);                                                                     \
    va_list rest;                                                                   \
    va_start(rest, flags);                                                          \
    const mode_t mode = va_arg(rest, mode_t);                                       \
    va_end(rest);                                                                   \
    return fails(kOpen, path, CALLER) ? -1 : opened(real(path, flags, mode), path); \
  }
FAULTS_OPEN(open)
FAULTS_OPEN(open64)

#define FAULTS_OPENAT(name)                                                                               \
  int name(int folder, const char* file, int flags, ...) {                                                \
    NEXT(name);                                                                                           \
    va_list rest;                                                                                         \
    va_start(rest, flags);                                                                                \
    const mode_t mode = va_arg(rest, mode_t);                                                             \
    va_end(rest);                                                                                         \
    const Path path = path_at(folder, file);                                                              \
    return fails(kOpen, path.data(), CALLER) ? -1 : opened(real(folder, file, flags, mode), path.data()); \
  }
FAULTS_OPENAT(openat)
FAULTS_OPENAT(openat64)

#define FAULTS_FOPEN(name)                              \
  std::FILE* name(const char* path, const char* mode) { \
    NEXT(name);                                         \
    if (fails(kOpen, path, CALLER)) return nullptr;     \
    std::FILE* file = real(path, mode);                 \
    if (file != nullptr) opened(::fileno(file), path);  \
    return file;                                        \
  }
FAULTS_FOPEN(fopen)
FAULTS_FOPEN(fopen64)

ssize_t read(int descriptor, void* to, std::size_t size) {
  NEXT(read);
  return transfer(kRead, descriptor, size, CALLER, [&](std::size_t n) { return real(descriptor, to, n); });
}
ssize_t write(int descriptor, const void* from, std::size_t size) {
  NEXT(write);
  return transfer(kWrite, descriptor, size, CALLER, [&](std::size_t n) { return real(descriptor, from, n); });
}
#define FAULTS_PREAD(name)                                                                                        \
  ssize_t name(int descriptor, void* to, std::size_t size, off_t at) {                                            \
    NEXT(name);                                                                                                   \
    return transfer(kRead, descriptor, size, CALLER, [&](std::size_t n) { return real(descriptor, to, n, at); }); \
  }
FAULTS_PREAD(pread)
FAULTS_PREAD(pread64)
#define FAULTS_PWRITE(name)                                                                                          \
  ssize_t name(int descriptor, const void* from, std::size_t size, off_t at) {                                       \
    NEXT(name);                                                                                                      \
    return transfer(kWrite, descriptor, size, CALLER, [&](std::size_t n) { return real(descriptor, from, n, at); }); \
  }
FAULTS_PWRITE(pwrite)
FAULTS_PWRITE(pwrite64)

int close(int descriptor) {
  NEXT(close);
  const bool failing = fails(kClose, path_of(descriptor), CALLER);
  const int error = errno;
  if (armed) set_path(descriptor, "");
  const int result = real(descriptor);  // Linux closes it, whatever it reports
  if (failing) errno = error;
  return failing ? -1 : result;
}

#define FAULTS_BY_DESCRIPTOR(kind, name, parameters, arguments)            \
  int name parameters {                                                    \
    NEXT(name);                                                            \
    return fails(kind, path_of(descriptor), CALLER) ? -1 : real arguments; \
  }
FAULTS_BY_DESCRIPTOR(kSync, fsync, (int descriptor), (descriptor))
FAULTS_BY_DESCRIPTOR(kSync, fdatasync, (int descriptor), (descriptor))
FAULTS_BY_DESCRIPTOR(kSync, syncfs, (int descriptor), (descriptor))
FAULTS_BY_DESCRIPTOR(kLock, flock, (int descriptor, int operation), (descriptor, operation))
FAULTS_BY_DESCRIPTOR(kResize, ftruncate, (int descriptor, off_t size), (descriptor, size))
FAULTS_BY_DESCRIPTOR(kResize, ftruncate64, (int descriptor, off_t size), (descriptor, size))
FAULTS_BY_DESCRIPTOR(kStat, fstat, (int descriptor, struct stat* status), (descriptor, status))
FAULTS_BY_DESCRIPTOR(kStat, fstat64, (int descriptor, struct stat64* status), (descriptor, status))

#define FAULTS_BY_PATH(kind, name, parameters, arguments)   \
  int name parameters {                                     \
    NEXT(name);                                             \
    return fails(kind, path, CALLER) ? -1 : real arguments; \
  }
FAULTS_BY_PATH(kStat, stat, (const char* path, struct stat* status), (path, status))
FAULTS_BY_PATH(kStat, stat64, (const char* path, struct stat64* status), (path, status))
FAULTS_BY_PATH(kStat, lstat, (const char* path, struct stat* status), (path, status))
FAULTS_BY_PATH(kStat, lstat64, (const char* path, struct stat64* status), (path, status))
FAULTS_BY_PATH(kMkdir, mkdir, (const char* path, mode_t mode), (path, mode))
FAULTS_BY_PATH(kUnlink, unlink, (const char* path), (path))

int rename(const char* from, const char* to) {
  NEXT(rename);
  return fails(kRename, of_two(from, to), CALLER) ? -1 : real(from, to);
}
int renameat(int folder, const char* from, int to_folder, const char* to) {
  NEXT(renameat);
  const Path old_path = path_at(folder, from);
  const Path new_path = path_at(to_folder, to);
  return fails(kRename, of_two(old_path.data(), new_path.data()), CALLER) ? -1 : real(folder, from, to_folder, to);
}
int renameat2(int folder, const char* from, int to_folder, const char* to, unsigned flags) {
  NEXT(renameat2);
  const Path old_path = path_at(folder, from);
  const Path new_path = path_at(to_folder, to);
  return fails(kRename, of_two(old_path.data(), new_path.data()), CALLER) ? -1
                                                                          : real(folder, from, to_folder, to, flags);
}
int link(const char* from, const char* to) {
  NEXT(link);
  return fails(kRename, of_two(from, to), CALLER) ? -1 : real(from, to);
}
int linkat(int folder, const char* from, int to_folder, const char* to, int flags) {
  NEXT(linkat);
  return fails(kRename, path_at(to_folder, to).data(), CALLER) ? -1 : real(folder, from, to_folder, to, flags);
}
int unlinkat(int folder, const char* file, int flags) {
  NEXT(unlinkat);
  return fails(kUnlink, path_at(folder, file).data(), CALLER) ? -1 : real(folder, file, flags);
}

DIR* opendir(const char* path) {
  NEXT(opendir);
  if (fails(kList, path, CALLER)) return nullptr;
  DIR* folder = real(path);
  if (folder != nullptr) opened(::dirfd(folder), path);
  return folder;
}
dirent* readdir(DIR* folder) {
  NEXT(readdir);
  return fails(kList, path_of(::dirfd(folder)), CALLER) ? nullptr : real(folder);
}
dirent64* readdir64(DIR* folder) {
  NEXT(readdir64);
  return fails(kList, path_of(::dirfd(folder)), CALLER) ? nullptr : real(folder);
}

// Files that are mapped, and pages of a program's own.
void* mmap(void* at, std::size_t size, int protection, int flags, int descriptor, off_t offset) {
  NEXT(mmap);
  const Kind kind = (flags & MAP_ANONYMOUS) != 0 ? kAlloc : kMap;
  return fails(kind, path_of(descriptor), CALLER) ? MAP_FAILED : real(at, size, protection, flags, descriptor, offset);
}
void* mmap64(void* at, std::size_t size, int protection, int flags, int descriptor, off64_t offset) {
  return mmap(at, size, protection, flags, descriptor, offset);
}

#ifndef FAULTS_WITHOUT_ALLOCATION
// The C library's own names for its allocator; asking dlsym() for them would allocate. `new` calls malloc.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  return fails(kAlloc, "", CALLER) ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  return fails(kAlloc, "", CALLER) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  return fails(kAlloc, "", CALLER) ? nullptr : __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  return fails(kAlloc, "", CALLER) ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return fails(kAlloc, "", CALLER) ? nullptr : __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  *memory = fails(kAlloc, "", CALLER) ? nullptr : __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
#endif

}  // extern "C"
