// Pictures that are fed at sizes of their own: the rule, the sessions that are kept for them, and jobs by size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "pipeline/job_groups.hpp"
#include "pipeline/session_pool.hpp"

namespace fovea {
namespace {

PreprocessRecipe most_patches_of(int patch, int most) {
  PreprocessRecipe recipe;
  recipe.resize = ResizeRule::kMostPatches;
  recipe.center_crop = false;
  recipe.patch_size = patch;
  recipe.max_patches = most;
  return recipe;
}

TEST(OwnSizes, AreWholePatchesOfThePicturesShapeAndAsManyAsAllowed) {
  for (const int most : {1, 2, 9, 64, 256, 1024}) {
    for (const Size picture : {Size{1, 1}, Size{5, 3}, Size{64, 64}, Size{97, 331}, Size{3000, 4000}, Size{40, 1600},
                               Size{1600, 40}, Size{1, 3000}, Size{10000, 10000}}) {
      const Size fed = fed_size(picture, most_patches_of(16, most));
      ASSERT_EQ(fed.height % 16, 0);
      ASSERT_EQ(fed.width % 16, 0);
      const int rows = fed.height / 16;
      const int cols = fed.width / 16;
      EXPECT_LE(rows * cols, most) << picture.height << "x" << picture.width;
      // One more along a side is only left out because it would be too many, or because the scale ends at 100.
      const double row_scale = 16.0 * rows / picture.height;
      const double col_scale = 16.0 * cols / picture.width;
      const bool next_is_row = row_scale <= col_scale;
      const bool full = (rows + (next_is_row ? 1 : 0)) * (cols + (next_is_row ? 0 : 1)) > most;
      EXPECT_TRUE(full || std::min(row_scale, col_scale) >= 99.9 || row_scale == col_scale)
          << picture.height << "x" << picture.width << " in " << rows << "x" << cols << " of " << most;
    }
  }
  EXPECT_EQ(fed_size({1, 1}, most_patches_of(16, 256)), (Size{112, 112})) << "100 times as large, in whole patches";
}

Architecture own_sizes() {
  Architecture a;
  a.image_size = {32, 32};
  a.patch_size = 8;
  a.max_patches = 16;
  a.embed_dim = 16;
  a.depth = 1;
  a.num_heads = 2;
  a.mlp_hidden_dim = 16;
  a.num_classes = 3;
  a.num_prefix_tokens = 0;
  a.pos_embed_prefix = 0;
  a.pos_embed_grid = {4, 4};
  a.pos_embed_resampling = PosEmbedResampling::kBilinear;
  a.read_out = ReadOut::kPatchMean;
  return a;
}

TEST(SessionPool, KeepsFewSessionsOfManySizes) {
  SessionPool pool(VisionTransformer::random(own_sizes(), 1));
  std::vector<std::weak_ptr<const VisionTransformer>> models;
  SizedRunner runner(pool, 1, 1);
  for (int round = 0; round < 2; ++round) {
    for (int rows = 1; rows <= 4; ++rows) {
      for (int cols = 1; cols <= 4; ++cols) {
        const Runner& sized = runner.at({8 * rows, 8 * cols});
        EXPECT_EQ(sized.model->architecture().grid(), (PatchGrid{std::size_t(rows), std::size_t(cols)}));
        EXPECT_EQ(sized.session->run(std::vector<float>(std::size_t(rows * cols) * 192)).front().size(), 3U);
        models.push_back(sized.model);
        const auto alive =
            std::count_if(models.begin(), models.end(), [](const auto& model) { return !model.expired(); });
        EXPECT_LE(std::size_t(alive), SessionPool::kMostIdleSizes + 1);
      }
    }
  }
  EXPECT_EQ(models.size(), 32U);
}

TEST(SessionPool, GivesASessionOfTheSizeBackToThePictureAfterNext) {
  SessionPool pool(VisionTransformer::random(own_sizes(), 1));
  SizedRunner runner(pool, 1, 1);
  const Session* const first = runner.at({8, 16}).session.get();
  EXPECT_NE(runner.at({16, 8}).session.get(), first) << "as many patches in another grid";
  EXPECT_EQ(runner.at({8, 16}).session.get(), first);
  EXPECT_EQ(runner.at({8, 16}).session.get(), first);
}

TEST(SessionPool, OfAModelOfOneSizeKeepsAllThatWereUsedAtOnce) {
  Architecture a = own_sizes();
  a.max_patches = 0;
  SessionPool pool(VisionTransformer::random(a, 1));
  std::set<Session*> used;
  {
    std::vector<Runner> busy;
    for (int i = 0; i < 9; ++i) used.insert(busy.emplace_back(pool.borrow(a.image_size, 1, 1)).session.get());
  }
  EXPECT_EQ(used.size(), 9U);
  std::vector<Runner> again;
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(used.contains(again.emplace_back(pool.borrow({}, 1, 1)).session.get()));
}

TEST(JobGroups, HaveEqualKeysAndKeepTheOrder) {
  const std::vector<int> jobs{7, 2, 7, 7, 3, 2};
  const auto groups = groups_of(std::span<const int>(jobs), [](int job) { return job; });
  EXPECT_EQ(groups, (std::vector<std::vector<std::size_t>>{{0, 2, 3}, {1, 5}, {4}}));
}

TEST(JobGroups, JobsComeBackEvenIfTheirRunFails) {
  std::vector<std::unique_ptr<int>> jobs;
  for (int i = 0; i < 4; ++i) jobs.push_back(std::make_unique<int>(i));
  const std::vector<std::size_t> chosen{3, 1};
  const auto add_ten = [](std::span<std::unique_ptr<int>> some) {
    for (auto& job : some) *job += 10;
  };
  run_some(std::span(jobs), chosen, add_ten);
  EXPECT_EQ(*jobs[3], 13);
  const auto fail = [](std::span<std::unique_ptr<int>>) { throw std::runtime_error("no"); };
  EXPECT_THROW(run_some(std::span(jobs), chosen, fail), std::runtime_error);
  for (const auto& job : jobs) ASSERT_NE(job, nullptr);
  EXPECT_EQ(*jobs[0], 0);
  EXPECT_EQ(*jobs[1], 11);
}

}  // namespace
}  // namespace fovea
