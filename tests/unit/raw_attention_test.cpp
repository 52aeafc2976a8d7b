#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "support/naive_rollout.hpp"

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
  const auto explainer = explain_method("attention").make(test::with_heads(fusion), layout);
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

std::vector<float> attention_with(const ExplainOptions& options, const TokenLayout& layout = kLayout) {
  const auto explainer = explain_method("attention").make(options, layout);
  explainer->observe({0, 2, 3,
                      std::vector<float>{0, 0.1F, 0.9F, 0, 0.2F, 0.8F, 0, 0.3F, 0.7F,  //
                                         0, 0.4F, 0.6F, 0, 0.5F, 0.5F, 0, 0.6F, 0.4F}});
  explainer->observe({1, 2, 3, last_block()});
  return explainer->heatmap().values;
}

TEST(RawAttention, IsOfAnyBlockHeadAndPatch) {
  ExplainOptions options;
  options.block = 0;
  EXPECT_THAT(attention_with(options), ElementsAre(FloatEq(0.25F), FloatEq(0.75F)));
  options.head = 1;
  EXPECT_THAT(attention_with(options), ElementsAre(0.4F, 0.6F));
  options.query = PatchPosition{0, 1};  // token 2
  EXPECT_THAT(attention_with(options), ElementsAre(0.6F, 0.4F));
  EXPECT_EQ(explain_method("attention").variant(options), "block 0, head 1, of patch 0,1");
}

TEST(RawAttention, KeepsTheFewestPatchesThatHoldTheMass) {
  const TokenLayout layout{.num_blocks = 1, .num_heads = 1, .num_prefix = 1, .grid = {1, 4}, .read_out = {{0, 1.0F}}};
  const auto map = [&](float mass) {
    ExplainOptions options;
    options.mass = mass;
    const auto explainer = explain_method("attention").make(options, layout);
    std::vector<float> weights(25, 0.2F);
    const std::vector<float> row{0, 0.1F, 0.4F, 0.2F, 0.3F};
    std::copy(row.begin(), row.end(), weights.begin());
    explainer->observe({0, 1, 5, weights});
    return explainer->heatmap().values;
  };
  EXPECT_THAT(map(1.0F), ElementsAre(0.1F, 0.4F, 0.2F, 0.3F));
  EXPECT_THAT(map(0.65F), ElementsAre(0, 0.4F, 0, 0.3F));  // 0.7 without which 0.4 would be too little
  EXPECT_THAT(map(0.35F), ElementsAre(0, 0.4F, 0, 0));
}

TEST(RawAttention, RefusesABlockAHeadOrAPatchThatIsNotThere) {
  const auto refused = [](const ExplainOptions& options, const TokenLayout& layout = kLayout) {
    try {
      (void)explain_method("attention").make(options, layout);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return std::string(error.what());
    }
    return std::string();
  };
  ExplainOptions options;
  options.block = 2;
  EXPECT_EQ(refused(options), "attention: block is 2, expected 0 to 1");
  options = {};
  options.head = 2;
  EXPECT_EQ(refused(options), "attention: head is 2, expected 0 to 1");
  options = {};
  options.query = PatchPosition{1, 0};
  EXPECT_EQ(refused(options), "attention: query is patch 1,0, expected row 0 to 0 and column 0 to 1");
  TokenLayout pooled = kLayout;
  pooled.read_out.clear();
  options = {};
  options.block = 0;
  EXPECT_NE(refused(options, pooled), "");
  options.query = PatchPosition{0, 0};
  EXPECT_EQ(refused(options, pooled), "");
}

TEST(RawAttention, NamesItsVariant) {
  EXPECT_EQ(explain_method("attention").variant(test::with_heads(HeadFusion::kMin)), "last block, min heads");
}

}  // namespace
}  // namespace fovea
