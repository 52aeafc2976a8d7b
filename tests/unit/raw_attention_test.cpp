#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

const TokenLayout kLayout{.num_blocks = 2, .num_heads = 2, .num_prefix = 1, .grid = {1, 2}, .read_out = {{0, 1.0F}}};

std::vector<float> last_block() {
  return {0.2F, 0.3F, 0.5F, 9, 9, 9, 9, 9, 9,   // head 0: the class token's row, then the patches'
          0.6F, 0.1F, 0.3F, 9, 9, 9, 9, 9, 9};  // head 1
}

std::vector<float> attention(const TokenLayout& layout, HeadFusion fusion) {
  const auto explainer = explain_method("attention").make({.head_fusion = fusion}, layout);
  explainer->observe({0, 2, 3, std::vector<float>(18, 1.0F / 3)});
  explainer->observe({1, 2, 3, last_block()});
  return explainer->heatmap().values;
}

TEST(RawAttention, IsTheReadOutRowOfTheLastBlockWithoutThePrefix) {
  EXPECT_THAT(attention(kLayout, HeadFusion::kMean), ElementsAre(FloatEq(0.2F), FloatEq(0.4F)));
  EXPECT_THAT(attention(kLayout, HeadFusion::kMax), ElementsAre(0.3F, 0.5F));
  EXPECT_THAT(attention(kLayout, HeadFusion::kMin), ElementsAre(0.1F, 0.3F));
}

TEST(RawAttention, ReadsAnotherRowWhereTheLayoutSaysSo) {
  TokenLayout layout = kLayout;
  layout.read_out = {{2, 1.0F}};
  EXPECT_THAT(attention(layout, HeadFusion::kMean), ElementsAre(9, 9));
}

TEST(RawAttention, NeedsTheLastBlock) {
  const auto explainer = explain_method("attention").make({}, kLayout);
  explainer->observe({0, 2, 3, last_block()});
  EXPECT_THROW((void)explainer->heatmap(), Error);
}

TEST(RawAttention, NamesItsVariant) {
  EXPECT_EQ(explain_method("attention").variant({.head_fusion = HeadFusion::kMin}), "last block, min heads");
}

}  // namespace
}  // namespace fovea
