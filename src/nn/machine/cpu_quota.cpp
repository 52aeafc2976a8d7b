#include "nn/machine/cpu_quota.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// Kernel files report no size, so they are read to their end. A missing file gives no number.
std::optional<double> number_in(const fs::path& file) {
  double number = 0;
  return std::ifstream(file) >> number ? std::optional(number) : std::nullopt;
}

std::optional<double> ratio(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;  // -1: no limit
  return *quota / *period;
}

/// "50000 100000", or "max 100000" without a limit.
std::optional<double> quota_v2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period ? ratio(quota, period) : std::nullopt;
}

std::optional<double> quota_v1(const fs::path& group) {
  return ratio(number_in(group / "cpu.cfs_quota_us"), number_in(group / "cpu.cfs_period_us"));
}

bool names_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string one; std::getline(list, one, ',');) {
    if (one == "cpu") return true;
  }
  return false;
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& membership, const fs::path& root) {
  std::optional<double> least;
  // A limit applies from the group itself up to the root of the mount.
  const auto consider = [&](const fs::path& mount, const std::string& group, auto quota_of) {
    for (fs::path at = fs::path(group).relative_path();; at = at.parent_path()) {
      if (const std::optional<double> quota = quota_of(mount / at)) least = std::min(least.value_or(*quota), *quota);
      if (at.empty()) return;
    }
  };
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {  // "id:controllers:/group"; in version 2 "0::/group"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) consider(root, group, quota_v2);
    if (names_cpu(controllers)) {
      consider(root / controllers, group, quota_v1);
      if (controllers != "cpu") consider(root / "cpu", group, quota_v1);
    }
  }
  return least;
}

}  // namespace fovea
