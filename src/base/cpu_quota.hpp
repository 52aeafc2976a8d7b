// The share of the machine's time that a container may use.
#pragma once

#include <filesystem>
#include <optional>

namespace fovea {

/// CPU seconds a second that the control groups of this process allow, the least of its own group and those above it;
/// none without a limit. Reads version 2 (cpu.max) and version 1 (cpu.cfs_quota_us, cpu.cfs_period_us); see cgroups(7)
/// and the kernel's Documentation/admin-guide/cgroup-v2.rst. Inside a container the path of the group is often not
/// visible, its own limit then lies at the root: folders that are not there are passed by.
/// @param membership  /proc/self/cgroup
/// @param root        where the groups are mounted
[[nodiscard]] std::optional<double> cpu_quota(const std::filesystem::path& membership = "/proc/self/cgroup",
                                              const std::filesystem::path& root = "/sys/fs/cgroup");

}  // namespace fovea
