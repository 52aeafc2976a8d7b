#include "report/files/feature_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "report/files/documents.hpp"
#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> names_in(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename());
  }
  return names;
}

TEST(FeatureFile, NpyHasARowForEachInputAndNanWhereOneFailed) {
  const TempFolder folder;
  FeatureFile file(folder / "f.npy", {3}, 2, {});
  file.append(std::vector<float>{1, 2, 3});
  file.append({});
  EXPECT_FALSE(std::filesystem::exists(folder / "f.npy")) << "nothing is there before it is whole";
  file.finish();
  const NpyArray array = parse_npy_f32(read_file(folder / "f.npy"), "f");
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(array.values[2], 3.0F);
  for (std::size_t i = 3; i < 6; ++i) EXPECT_TRUE(std::isnan(array.values[i]));
  const std::size_t shape[] = {1, 3};
  EXPECT_THAT(read_text(folder / "f.npy"), StartsWith(npy_f32_header(std::vector<std::size_t>{2, 3})));
  EXPECT_EQ(npy_f32_header(shape).size() % 64, 0U);
}

TEST(FeatureFile, ARunThatEndsEarlyLeavesTheRowsThatAreDone) {
  const TempFolder folder;
  for (const char* name : {"f.npy", "f.safetensors"}) {
    FeatureFile file(folder / name, {2, 2}, 1'000'000'000'000, {{"pool", "tokens"}});
    file.append(std::vector<float>{1, 2, 3, 4});
    file.finish();
  }
  const NpyArray array = parse_npy_f32(read_file(folder / "f.npy"), "f");
  EXPECT_EQ(array.shape, (std::vector<std::size_t>{1, 2, 2}));
  EXPECT_EQ(array.values, (std::vector<float>{1, 2, 3, 4}));
  const auto checkpoint = open_checkpoint(folder / "f.safetensors");
  const TensorView* tensor = checkpoint->find("features");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->shape, (std::vector<std::size_t>{1, 2, 2}));
  EXPECT_EQ(to_float(*tensor), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(checkpoint->metadata().at("pool"), "tokens");
}

TEST(FeatureFile, WhatIsNotFinishedLeavesNothingBehind) {
  const TempFolder folder;
  {
    FeatureFile file(folder / "f.npy", {3}, 2, {});
    file.append(std::vector<float>{1, 2, 3});
    EXPECT_EQ(names_in(folder).size(), 1U);
  }
  EXPECT_THAT(names_in(folder), IsEmpty());
}

TEST(FeatureFile, TheNameSaysTheFormat) {
  EXPECT_NO_THROW(FeatureFile::check_name("a.npy"));
  EXPECT_NO_THROW(FeatureFile::check_name("a.safetensors"));
  for (const char* name : {"a", "a.csv", "npy"}) EXPECT_THROW(FeatureFile::check_name(name), Error) << name;
}

}  // namespace
}  // namespace fovea::test
