// Reference data beside the project that is too large, or not free enough, to be part of it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string_view>

namespace fovea::test {

/// The folder in FOVEA_SHARED, or the folder `shared` beside the project.
[[nodiscard]] std::filesystem::path shared_dir();
/// The project's root.
[[nodiscard]] std::filesystem::path source_dir();
/// The program that was built.
[[nodiscard]] std::filesystem::path program_path();
/// The library that lets calls fail (tests/support/faults), for LD_PRELOAD.
[[nodiscard]] std::filesystem::path faults_path();

/// Sanitizers are many times slower, and map terabytes of address space.
[[nodiscard]] std::string_view sanitizers();  // "address,undefined", "thread"; empty without

}  // namespace fovea::test

/// Skips the test, visibly, if `relative` does not exist; otherwise defines its path as `variable`.
#define FOVEA_NEEDS_SHARED(variable, relative)                                   \
  const std::filesystem::path variable = fovea::test::shared_dir() / (relative); \
  if (!std::filesystem::exists(variable)) GTEST_SKIP() << variable << " is not here"
