// The test of methods on a small model: its numbers are those that the parts give one by one.
#include "pipeline/truth/method_tester.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "explain/spearman.hpp"
#include "explain/truth.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "support/naive_vit.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

class Tester : public testing::Test {
 protected:
  Tester() {
    const Architecture a = test::tiny_vit({32, 48}, 8, 48, 2);
    auto tensors = test::make_tiny_tensors(a, 3);
    for (float& weight : tensors.at("head.weight").values) weight *= 40;  // sure of its answers
    test::write_tiny_model(folder_.path(), a, tensors);
    model_ = VisionTransformer::load(folder_.path());
    session_ = std::make_shared<Session>(model_, kRerunBatch);
    for (const char* method : {"libra", "rollout"}) plan_.methods.push_back(&explain_method(method));
    for (unsigned seed = 0; seed < 12; ++seed) {
      pictures_.push_back(test::naive_patches(a, test::random_input(a, seed)));
    }
  }
  /// @param count  of the pictures, from the first
  [[nodiscard]] MethodTest tested(std::size_t count) {
    MethodTester tester(model_, session_, plan_);
    for (std::size_t i = 0; i < count; ++i) tester.add(pictures_[i], std::to_string(i));
    tester.add_failure();
    tester.run_mosaics();
    return tester.result();
  }

  test::TempFolder folder_;
  std::shared_ptr<const VisionTransformer> model_;
  std::shared_ptr<Session> session_;
  MapPlan plan_;
  std::vector<std::vector<float>> pictures_;  // [T, 3·P·P] each
};

TEST_F(Tester, MeasuresDeletionAsFaithfulnessDoes) {
  const MethodTest test = tested(2);
  EXPECT_EQ(test.pictures, 2U);
  EXPECT_EQ(test.failed, 1U);
  MapPlan judged = plan_;
  judged.faithfulness = true;
  for (const std::size_t i : {0U, 1U}) {
    const auto image = explain_images(*model_, *session_, pictures_[i], judged, {}, best_class).front();
    for (std::size_t m = 0; m < image.maps.size(); ++m) {
      const Faithfulness& faithfulness = image.maps[m].faithfulness.value();
      EXPECT_NEAR(test.methods[m].of(Measure::kDeletion)[i], faithfulness.map.deletion, 1e-6);
      EXPECT_NEAR(test.methods[m].of(Measure::kInsertion)[i], faithfulness.map.insertion, 1e-6);
      EXPECT_NEAR(test.methods[m].of(Measure::kGain)[i], faithfulness.map.gain(), 1e-6);
      EXPECT_NEAR(test.methods[m].of(Measure::kSrg)[i], faithfulness.map.srg().value(), 1e-6);
      EXPECT_NEAR(test.methods.back().of(Measure::kDeletion)[i], faithfulness.centre.deletion, 1e-6) << "the control";
    }
  }
}

TEST_F(Tester, ComparesLibraWithWhatTheScoreLosesWithoutEachCell) {
  const MethodTest test = tested(1);
  ASSERT_TRUE(test.not_dropped.empty());
  const auto image = explain_images(*model_, *session_, pictures_[0], plan_, {}, best_class).front();
  const std::size_t best = best_class(0, image.result).front().class_index;
  std::vector<float> lost;
  std::vector<float> sums;
  for (const std::vector<std::size_t>& cell : deletion_cells({4, 6})) {
    std::vector<std::size_t> kept;
    float sum = 0;
    for (std::size_t patch = 0; patch < 24; ++patch) {
      const bool gone = std::find(cell.begin(), cell.end(), patch) != cell.end();
      if (!gone) kept.push_back(patch);
      if (gone) sum += image.maps[0].heatmap.values[patch];
    }
    const auto left = session_->forward_some(pictures_[0], {kept, 1, kept.size()}).front().logits[best];
    lost.push_back(image.result.logits[best] - left);
    sums.push_back(sum);
  }
  EXPECT_NEAR(test.methods[0].of(Measure::kSingleDeletion)[0], spearman(sums, lost), 1e-9);
}

TEST_F(Tester, AMapThatIsTheSameForEveryClassIsAtChanceInEveryMosaic) {
  const MethodTest test = tested(pictures_.size());
  ASSERT_GE(test.confident, 4U);
  ASSERT_GE(test.mosaics, 1U);
  EXPECT_LE(test.mosaics, test.confident / 4);
  const TestedMethod& rollout = test.methods[1];
  for (std::size_t i = 0; i < test.mosaics; ++i) {
    EXPECT_NEAR(rollout.of(Measure::kShare)[i], 0.25, 1e-6);
    EXPECT_NEAR(rollout.of(Measure::kHit)[i], 0.25, 1e-12);
    EXPECT_NEAR(rollout.of(Measure::kAuroc)[i], 0.5, 1e-9);
  }
  for (const TestedMethod& method : test.methods) {
    for (const MeasureInfo& info : measures()) {
      const std::size_t cases = info.of == "mosaics" ? test.mosaics : info.of == "pictures" ? test.pictures : 0;
      EXPECT_EQ(method.of(info.measure).size(), cases) << method.name << ": " << info.key;
    }
  }
}

TEST_F(Tester, KeepsPicturesAndMosaicsForThePageWhereItShowsThem) {
  MethodTester tester(model_, session_, plan_);
  tester.result().shows = true;
  for (const std::vector<float>& picture : pictures_) tester.add(picture, "picture");
  tester.run_mosaics();
  ASSERT_GE(tester.result().mosaics, 1U);
  std::size_t pictures = 0;
  std::size_t tiles = 0;
  for (const ShownTest& shown : tester.result().shown) {
    ASSERT_EQ(shown.maps.size(), 4U) << "two methods and two controls";
    EXPECT_TRUE(shown.maps[0].is_signed);
    EXPECT_EQ(shown.maps[1].values.size(), shown.grid.size());
    const bool mosaic = shown.kind == ShownTest::Kind::kMosaic;
    EXPECT_EQ(std::count(shown.truth.begin(), shown.truth.end(), 1),
              mosaic ? std::ptrdiff_t(shown.grid.size() / 4) : 0);
    (mosaic ? tiles : pictures) += 1;
  }
  EXPECT_EQ(pictures, 8U);
  EXPECT_EQ(tiles, std::min<std::size_t>(8, 4 * tester.result().mosaics));
  EXPECT_TRUE(tested(4).shown.empty());
}

TEST_F(Tester, GivesTheSameNumbersAgainAndOtherRandomMapsForAnotherSeed) {
  const MethodTest first = tested(1);
  const MethodTest again = tested(1);
  EXPECT_EQ(first.methods[0].values, again.methods[0].values);
  EXPECT_EQ(first.methods[2].values, again.methods[2].values);
  plan_.options.seed = 1;
  EXPECT_NE(first.methods[2].values, tested(1).methods[2].values);
}

TEST(MethodTester, SaysWhyAModelDropsNoPatchAndMeasuresTheRest) {
  Architecture a = test::tiny_vit({16, 16}, 8, 16, 1);
  a.read_out = ReadOut::kPatchMean;
  const auto model = VisionTransformer::random(a, 1);
  MapPlan plan;
  plan.methods = {&explain_method("libra")};
  MethodTester tester(model, std::make_shared<Session>(model, kRerunBatch), plan);
  tester.add(test::naive_patches(a, test::random_input(a, 1)), "one");
  EXPECT_THAT(tester.result().not_dropped, testing::HasSubstr("average of the patch tokens"));
  EXPECT_TRUE(tester.result().methods[0].of(Measure::kSingleDeletion).empty());
  EXPECT_EQ(tester.result().methods[0].of(Measure::kGain).size(), 1U);
}

}  // namespace
}  // namespace fovea
