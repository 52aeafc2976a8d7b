// The shipped weights are the ones that were shipped.
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>

#include "base/sha256.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

std::string sha256_of(const std::string& bytes) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  return hash.hex();
}

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// sha256sum's format: hash, two spaces, path.
std::map<std::string, std::string> read_manifest(const fs::path& path) {
  std::map<std::string, std::string> hash_of;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) {
    if (line.size() > 66) hash_of[line.substr(66)] = line.substr(0, 64);
  }
  return hash_of;
}

TEST(Weights, EveryFileHasTheChecksumOfTheManifest) {
  const auto manifest = read_manifest(source_dir() / "weights/MANIFEST.sha256");
  ASSERT_FALSE(manifest.empty());
  for (const auto& [file, hash] : manifest) {
    const fs::path path = source_dir() / "weights" / file;
    ASSERT_TRUE(fs::is_regular_file(path)) << path;
    EXPECT_EQ(sha256_of(content_of(path)), hash) << path;
  }
}

TEST(Weights, TheManifestListsEveryFileOfEveryModel) {
  const auto manifest = read_manifest(source_dir() / "weights/MANIFEST.sha256");
  std::size_t files = 0;
  for (const auto& model : fs::directory_iterator(source_dir() / "weights")) {
    if (!model.is_directory()) continue;
    for (const auto& entry : fs::directory_iterator(model.path())) {
      ++files;
      const std::string relative = fs::relative(entry.path(), source_dir() / "weights").generic_string();
      EXPECT_EQ(manifest.count(relative), 1U) << relative;
    }
    for (const char* needed : {"config.json", "model.safetensors", "README.md", "LICENSE"}) {
      EXPECT_TRUE(fs::exists(model.path() / needed)) << model.path() / needed;
    }
  }
  EXPECT_EQ(manifest.size(), files);
}

TEST(Weights, TheChecksumIsSha256) {
  // FIPS 180-4, the message "abc".
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace fovea::test
