// The share of the machine's CPU time that a container may use.
#pragma once

#include <filesystem>
#include <optional>

namespace fovea {

/// CPU seconds per second that this process's control groups allow: the smallest limit of its own group and the groups
/// above it, or none without a limit. Reads version 2 (cpu.max) and version 1 (cpu.cfs_quota_us, cpu.cfs_period_us);
/// see cgroups(7) and the kernel's Documentation/admin-guide/cgroup-v2.rst. Inside a container the group's path is
/// often not visible and its limit lies at the root, so missing folders are skipped.
/// @param membership  /proc/self/cgroup
/// @param root        where the groups are mounted
[[nodiscard]] std::optional<double> cpu_quota(const std::filesystem::path& membership = "/proc/self/cgroup",
                                              const std::filesystem::path& root = "/sys/fs/cgroup");

}  // namespace fovea
