// Measures of maps where the truth is known, mosaics, and what the report of a test says.
#include "explain/truth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "image/preprocess/mosaic.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/patches_image.hpp"
#include "image/preprocess/planted_mark.hpp"
#include "report/method_test/method_test.hpp"
#include "support/normal_values.hpp"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Tiles, AreQuartersAndABorderThroughPatchesBelongsToNone) {
  EXPECT_THAT(tile_patches({2, 4}, 1), ElementsAre(0, 0, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(tile_patches({2, 4}, 2), ElementsAre(0, 0, 0, 0, 1, 1, 0, 0));
  EXPECT_THAT(tile_patches({3, 3}, 0), ElementsAre(1, 2, 0, 2, 2, 2, 0, 2, 0));
}

TEST(Tiles, MeasuresAreOneForTheTileItselfAndChanceForAFlatMap) {
  const auto tile = tile_patches({4, 4}, 3);
  std::vector<float> map(tile.begin(), tile.end());
  TileMeasures measured = measure_tile(map, tile);
  EXPECT_EQ(measured.share, 1);
  EXPECT_EQ(measured.hit, 1);
  EXPECT_EQ(measured.auroc, 1);
  for (float& value : map) value = -value;
  measured = measure_tile(map, tile);
  EXPECT_EQ(measured.share, 0.25) << "without positive values a map says nothing of it";
  EXPECT_EQ(measured.hit, 0);
  EXPECT_EQ(measured.auroc, 0);
  measured = measure_tile(std::vector<float>(16, 0.5F), tile);
  EXPECT_EQ(measured.share, 0.25);
  EXPECT_EQ(measured.hit, 0.25);
  EXPECT_EQ(measured.auroc, 0.5);
}

TEST(AveragePrecision, IsOneForTheTruthItselfAndItsShareForAFlatMap) {
  const std::vector<std::uint8_t> inside{0, 1, 1, 0, 0, 0, 1, 0};
  EXPECT_EQ(average_precision(std::vector<float>{0, 3, 2, 0, 0, 0, 1, 0}, inside), 1);
  EXPECT_NEAR(average_precision(std::vector<float>(8, 0.5F), inside), 3.0 / 8, 1e-12);
  // Ranks 2, 4 and 8 of 8: (1/2 + 2/4 + 3/8) / 3.
  EXPECT_NEAR(average_precision(std::vector<float>{8, 7, 5, 6, 4, 3, 1, 2}, inside), (0.5 + 0.5 + 0.375) / 3, 1e-12);
}

TEST(PlantedMark, CoversTheShareOfEachPatchThatItPaints) {
  const PatchGrid grid{4, 6};
  const std::size_t side = 8;
  PreprocessRecipe recipe;
  for (const PlantedMark mark : {PlantedMark{8, 0, 0}, {16, 16, 32}, {19, 7, 21}, {32, 0, 16}}) {
    std::vector<float> patches(grid.size() * 3 * side * side, 1000.0F);
    plant_mark(mark, recipe, grid, side, patches);
    const std::vector<float> covered = mark_coverage(mark, grid, side);
    for (std::size_t patch = 0; patch < grid.size(); ++patch) {
      const auto begin = patches.begin() + static_cast<std::ptrdiff_t>(patch * 3 * side * side);
      const auto painted = std::count_if(begin, begin + 3 * side * side, [](float value) { return value < 500; });
      EXPECT_NEAR(covered[patch], static_cast<double>(painted) / (3.0 * side * side), 1e-5) << patch;
    }
    const double area = std::accumulate(covered.begin(), covered.end(), 0.0) * side * side;
    EXPECT_NEAR(area / static_cast<double>(mark.side * mark.side), 0.785, 0.04) << "a disc in its square";
  }
}

TEST(ImageOfPatches, IsThePictureThatWasCut) {
  Image image(Size{16, 24});
  const auto values = image.pixels();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i * 37 % 256);
  for (const bool normalized : {true, false}) {
    PreprocessRecipe recipe;
    recipe.normalize = normalized;
    recipe.mean = {0.485F, 0.456F, 0.406F};
    recipe.std = {0.229F, 0.224F, 0.225F};
    std::vector<float> patches(values.size());
    extract_patches(image, recipe, 8, patches);
    const Image again = image_of_patches(patches, recipe, {2, 3}, 8);
    EXPECT_TRUE(std::equal(values.begin(), values.end(), again.pixels().begin())) << normalized;
  }
}

TEST(Tiles, AurocIsTheShareOfPairsInTheRightOrder) {
  const PatchGrid grid{5, 6};
  const auto map = test::normal_values(grid.size(), 3);
  for (std::size_t tile = 0; tile < 4; ++tile) {
    const auto inside = tile_patches(grid, tile);
    double right = 0;
    double pairs = 0;
    for (std::size_t i = 0; i < map.size(); ++i) {
      for (std::size_t j = 0; j < map.size(); ++j) {
        if (inside[i] != 1 || inside[j] != 0) continue;
        pairs += 1;
        right += map[i] > map[j] ? 1 : map[i] == map[j] ? 0.5 : 0;
      }
    }
    EXPECT_NEAR(measure_tile(map, inside).auroc, right / pairs, 1e-12) << tile;
  }
}

TEST(SingleDeletion, ComparesSumsOfCellsWithWhatTheScoreLoses) {
  EXPECT_THAT(deletion_cells({3, 4}),
              ElementsAre(ElementsAre(0, 1, 4, 5), ElementsAre(2, 3, 6, 7), ElementsAre(8, 9), ElementsAre(10, 11)));
  const auto cells = deletion_cells({2, 6});
  const std::vector<float> map{1, 1, 5, 5, 2, 2, 1, 1, 5, 5, 2, 2};
  EXPECT_DOUBLE_EQ(single_deletion_score(map, cells, std::vector<float>{-3, 9, 0}), 1);
  EXPECT_DOUBLE_EQ(single_deletion_score(map, cells, std::vector<float>{3, 1, 2}), -1);
  EXPECT_DOUBLE_EQ(single_deletion_score(std::vector<float>(12), cells, std::vector<float>{3, 1, 2}), 0);
}

TEST(Controls, AreAnotherRandomMapForEachSeedAndABrightMiddle) {
  EXPECT_EQ(random_map({3, 4}, 1), random_map({3, 4}, 1));
  EXPECT_NE(random_map({3, 4}, 1), random_map({3, 4}, 2));
  const auto centred = centred_map({3, 5});
  EXPECT_EQ(std::max_element(centred.begin(), centred.end()) - centred.begin(), 7);
  EXPECT_FLOAT_EQ(centred[0], centred[14]);
}

TEST(Mosaics, HoldEachPictureAtHalfItsSizeInItsOwnQuarter) {
  const PatchGrid grid{3, 2};
  const std::size_t side = 2;  // 6 px high, 4 px wide
  std::vector<std::vector<float>> halves;
  for (const float value : {1.0F, 2.0F, 3.0F, 4.0F}) {
    std::vector<float> chw(3 * 6 * 4);
    for (std::size_t i = 0; i < chw.size(); ++i) chw[i] = value + (i % 2 == 0 ? 0.25F : -0.25F);  // stripes vanish
    std::vector<float> patches(chw.size());
    cut_patches(chw, {6, 4}, side, patches);
    halves.push_back(half_image(patches, grid, side));
    EXPECT_EQ(halves.back(), std::vector<float>(3 * 3 * 2, value));
  }
  std::vector<float> wanted;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 4; ++x) wanted.push_back(float(2 * (y / 3) + x / 2 + 1));
    }
  }
  std::vector<float> patches(wanted.size());
  cut_patches(wanted, {6, 4}, side, patches);
  EXPECT_EQ(mosaic_patches({halves[0], halves[1], halves[2], halves[3]}, grid, side), patches);
}

/// Three pictures and two mosaics: libra and generic about as good, rollout as bad as chance.
MethodTest three_pictures() {
  MethodTest test;
  test.pictures = 3;
  test.mosaics = 2;
  test.confident = 9;
  const auto add = [&](const char* name, const char* variant, double level, double spread) {
    TestedMethod& method = test.methods.emplace_back(TestedMethod{name, variant});
    for (const double away : {-spread, 0.0, spread}) {
      method.of(Measure::kGain).push_back(level + away);
      method.of(Measure::kDeletion).push_back(0.5 - level - away);
      method.of(Measure::kInsertion).push_back(0.5);
      method.of(Measure::kSrg).push_back(level);
    }
    for (const double away : {-spread, spread}) {
      method.of(Measure::kShare).push_back(level);
      method.of(Measure::kHit).push_back(level);
      method.of(Measure::kAuroc).push_back(0.5 + level / 2 + away);
    }
  };
  add("libra", "mean over blocks", 0.4, 0.01);
  add("generic", "mean of positive heads", 0.395, 0.02);
  add("rollout", "mean heads", 0.0, 0.02);
  add("random", "", 0.001, 0.01);
  add("centre_gaussian", "", 0.1, 0.01);
  return test;
}

TEST(MethodTest, RanksEachMeasureAndTakesDifferencesCaseByCase) {
  const MethodTest test = three_pictures();
  const auto gains = ranked(test, Measure::kGain);
  ASSERT_EQ(gains.size(), 5U);
  EXPECT_EQ(gains[0].method->name, "libra");
  EXPECT_FALSE(gains[0].less_best);
  EXPECT_EQ(gains[1].method->name, "generic");
  EXPECT_NEAR(gains[1].less_best->mean, -0.005, 1e-12);
  EXPECT_TRUE(gains[1].may_be_best());
  EXPECT_EQ(gains[2].method->name, "centre_gaussian");
  EXPECT_FALSE(gains[2].may_be_best());
  EXPECT_EQ(ranked(test, Measure::kDeletion).front().method->name, "libra") << "a low deletion is good";
  EXPECT_TRUE(ranked(test, Measure::kSingleDeletion).empty());
}

TEST(MethodTest, RecommendsTheBestAndWhatCannotBeToldApartFromIt) {
  MethodTest test = three_pictures();
  auto found = recommendations(test);
  ASSERT_EQ(found.size(), 2U) << "single deletion was not measured";
  EXPECT_THAT(found[0].methods, ElementsAre("libra", "generic"));
  EXPECT_TRUE(found[0].beats_controls);
  for (double& gain : test.methods.back().of(Measure::kGain)) gain = 0.4;  // the middle of the picture is as good
  EXPECT_FALSE(recommendations(test)[0].beats_controls);
}

TEST(MethodTest, SaysInWordsWhatEachNumberAnswersAndWhatCouldNotBeMeasured) {
  MethodTest test = three_pictures();
  test.not_dropped = "model: the read-out is an attention pool";
  const std::string text = method_test_text(test);
  EXPECT_THAT(text, HasSubstr("3 pictures, 2 mosaics of four"));
  EXPECT_THAT(text, HasSubstr("Which patches make up the answer? libra, from which generic cannot be told apart "
                              "(insertion less deletion)."));
  EXPECT_THAT(text, HasSubstr("(centred Gaussian)"));
  EXPECT_THAT(text, HasSubstr("No single deletion: model: the read-out is an attention pool."));
  EXPECT_THAT(text, Not(HasSubstr("No mosaic")));
  test.mosaics = 0;
  EXPECT_THAT(method_test_text(test), HasSubstr("No mosaic"));
  EXPECT_THAT(method_test_text({}), HasSubstr("no picture to test methods on"));
}

TEST(MethodTest, ItsJsonHasEachMeasureThatWasTakenAndTheRecommendations) {
  const auto json = nlohmann::json::parse(one_line(method_test_object(three_pictures())));
  EXPECT_EQ(json.at("type"), "method_test");
  EXPECT_EQ(json.at("measures").size(), 7U);
  const auto& gain = json.at("measures").at(5);
  EXPECT_EQ(gain.at("measure"), "insertion_less_deletion");
  EXPECT_EQ(gain.at("methods").at(0).at("method"), "libra");
  EXPECT_FALSE(gain.at("methods").at(0).contains("less_best"));
  EXPECT_EQ(gain.at("methods").at(1).at("less_best").at("told_apart"), false);
  EXPECT_EQ(json.at("recommendations").at(0).at("methods").at(1), "generic");
  EXPECT_EQ(json.at("methods").size(), 3U) << "controls have no variant";
}

}  // namespace
}  // namespace fovea
