// What blocks and heads bring to a score, against plain loops, and the balance of every token of a model without
// biases.
#include "explain/contributions.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "support/naive_rollout.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

std::vector<float> normal_floats(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(ContributionsOfHeads, AreTheReadOutsRowsOfAttentionTimesGradient) {
  const std::vector<TokenLayout> layouts{
      {.num_blocks = 1, .num_heads = 1, .num_prefix = 0, .grid = {1, 2}, .read_out = {{0, 1.0F}}},
      {.num_blocks = 3, .num_heads = 2, .num_prefix = 1, .grid = {2, 3}, .read_out = {{0, 1.0F}}},
      {.num_blocks = 2, .num_heads = 3, .num_prefix = 5, .grid = {3, 3}, .read_out = {{0, 0.5F}, {1, 0.5F}}},
      {.num_blocks = 2, .num_heads = 2, .num_prefix = 1, .grid = {2, 2}, .read_out = {}}};  // a pool reads all tokens
  for (const TokenLayout& layout : layouts) {
    SCOPED_TRACE(testing::Message() << layout.tokens() << " tokens");
    const auto attention = test::random_attention(layout, 7);
    const std::size_t n = layout.tokens();
    Contributions contributions(layout);
    std::vector<std::vector<float>> gradients;
    for (std::size_t block = layout.num_blocks; block-- > 0;) {
      const auto& gradient =
          gradients.emplace_back(normal_floats(attention[block].size(), static_cast<unsigned>(block)));
      contributions.observe({block, layout.num_heads, n, attention[block]}, gradient);
      std::vector<double> terms(n);
      for (std::size_t i = 0; i < n; ++i) terms[i] = double(10 * block + i);
      contributions.observe({block, terms, 0.5 + double(block), 0.25});
    }
    const std::vector<BlockContributions> blocks = contributions.take();
    ASSERT_EQ(blocks.size(), layout.num_blocks);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      EXPECT_EQ(blocks[b].block, b);
      EXPECT_EQ(blocks[b].biases, 0.5 + double(b));
      EXPECT_EQ(blocks[b].earlier, 0.25);
      ASSERT_EQ(blocks[b].prefix.size(), layout.num_prefix);
      ASSERT_EQ(blocks[b].patches.size(), layout.grid.size());
      EXPECT_EQ(blocks[b].patches.back(), static_cast<float>(10 * b + n - 1));
      ASSERT_EQ(blocks[b].heads.size(), layout.num_heads * layout.grid.size());
      ASSERT_EQ(blocks[b].heads_prefix.size(), layout.num_heads);
      const auto& gradient = gradients[layout.num_blocks - 1 - b];
      for (std::size_t h = 0; h < layout.num_heads; ++h) {
        double prefix = 0;
        for (std::size_t j = 0; j < n; ++j) {
          double brought = 0;
          for (std::size_t i = 0; i < n; ++i) {
            bool read = layout.read_out.empty();
            for (const ReadOutToken& one : layout.read_out) read |= one.token == i;
            const std::size_t at = (h * n + i) * n + j;
            if (read) brought += double(attention[b][at]) * double(gradient[at]);
          }
          if (j < layout.num_prefix)
            prefix += brought;
          else
            EXPECT_NEAR(blocks[b].heads[h * layout.grid.size() + j - layout.num_prefix], brought, 1e-5);
        }
        EXPECT_NEAR(blocks[b].heads_prefix[h], prefix, 1e-5);
      }
    }
  }
}

TEST(ContributionsOfHeads, AreFedFromTheLastBlockOnAndCompletely) {
  const TokenLayout layout{.num_blocks = 2, .num_heads = 1, .num_prefix = 1, .grid = {1, 2}};
  const std::vector<float> values(9, 0.5F);
  const std::vector<double> terms(3);
  Contributions contributions(layout);
  EXPECT_THROW(contributions.observe({0, 1, 3, values}, values), Error);
  contributions.observe({1, 1, 3, values}, values);
  EXPECT_THROW(contributions.observe({1, std::span(terms).first(2)}), Error);
  contributions.observe({1, terms});
  EXPECT_THROW((void)contributions.take(), Error) << "block 0 is missing";
}

/// What is in the tokens before a block, less what other tokens take out of each, and what it takes in, is what is in
/// them after the block. So nothing is made up and nothing is lost: Σ G ⊙ A is what attention carries.
TEST(ContributionsOfHeads, BalanceInEveryTokenOfAModelWithoutBiases) {
  test::TempFolder folder;
  const Architecture a = test::tiny_vit({32, 48}, 8, 48, 4);
  test::TinyTensors tensors = test::make_tiny_tensors(a, 11);
  for (auto& [name, tensor] : tensors) {
    if (name.ends_with(".bias")) std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
  }
  test::write_tiny_model(folder / "model", a, tensors);
  const auto model = VisionTransformer::load(folder / "model", {.precision = Precision::kF32});
  const Architecture& loaded = model->architecture();
  Session session(model, 1);
  ForwardRequest forward;
  forward.keep_for_gradients = true;
  std::vector<float> patches(loaded.grid().size() * loaded.patch_dim());
  patches = normal_floats(patches.size(), 3);
  const Logits logits = session.forward(patches, forward).front().logits;

  const std::size_t n = loaded.tokens();
  const TokenLayout layout = token_layout(loaded);
  Contributions contributions(layout);
  std::vector<std::vector<double>> held(loaded.depth);   // by block, [N]
  std::vector<std::vector<double>> gains(loaded.depth);  // likewise: what comes in less what goes out
  std::vector<double> came_in(loaded.depth);             // to the class token
  GradientRequest request;
  request.gradients = Gradients::kLibra;
  request.attention = [&](const AttentionView& attention, std::span<const float> gradient) {
    contributions.observe(attention, gradient);
    std::vector<double>& gain = gains[attention.block];
    gain.assign(n, 0);
    for (std::size_t at = 0; at < gradient.size(); ++at) {
      const double flow = double(attention.weights[at]) * double(gradient[at]);
      gain[at / n % n] += flow;
      gain[at % n] -= flow;
      if (at / n % n == 0) came_in[attention.block] += flow;
    }
  };
  request.score_terms = [&](const ScoreTerms& terms) {
    contributions.observe(terms);
    held[terms.block].assign(terms.tokens.begin(), terms.tokens.end());
    EXPECT_NEAR(terms.biases, 0, 1e-5);
  };
  session.gradients(ScoreSeed{{2, 1.0F}, {5, -1.0F}}, request);
  const double score = double(logits[2]) - double(logits[5]);
  for (std::size_t block = 0; block < loaded.depth; ++block) {
    double size = 0;
    for (const double value : held[block]) size += std::abs(value);
    for (std::size_t token = 0; token < n; ++token) {
      const double after = block + 1 < loaded.depth ? held[block + 1][token] : token == 0 ? score : 0;
      ASSERT_NEAR(held[block][token] + gains[block][token], after, 3e-5 * size) << "block " << block << ", " << token;
    }
  }
  const std::vector<BlockContributions> blocks = contributions.take();
  for (const BlockContributions& block : blocks) {
    double brought = 0;
    for (const float value : block.heads) brought += double(value);
    for (const double value : block.heads_prefix) brought += value;
    EXPECT_NEAR(brought, came_in[block.block], 1e-4 * (1 + std::abs(brought)));
  }
}

}  // namespace
}  // namespace fovea
