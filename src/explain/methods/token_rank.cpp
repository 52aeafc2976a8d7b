// TokenRank (Erel et al. 2025): attention as a Markov chain. Its stationary vector π = π·F is where a random walk along
// the attention ends up, and rates tokens globally instead of from one query.
#include <fmt/format.h>

#include <Eigen/Core>
#include <memory>
#include <string>
#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/head_fusion.hpp"
#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int kMostSteps = 10000;
constexpr double kConverged = 1e-10;  // change of π in a step, as the sum of absolute values

/// Power iteration from the uniform vector. The chain is made lazy (half of each step stays in place), which keeps π
/// and prevents periodic chains from alternating forever.
Eigen::RowVectorXd stationary(const Matrix& transitions) {
  const Eigen::Index size = transitions.rows();
  Eigen::RowVectorXd rank = Eigen::RowVectorXd::Constant(size, 1.0 / static_cast<double>(size));
  for (int step = 0; step < kMostSteps; ++step) {
    Eigen::RowVectorXd next = 0.5 * (rank + rank * transitions);
    next /= next.sum();
    const double change = (next - rank).cwiseAbs().sum();
    rank.swap(next);
    if (change < kConverged) return rank;
  }
  throw Error(ErrorCode::kBackend, fmt::format("token-rank: the chain has not settled after {} steps", kMostSteps));
}

class TokenRank final : public Explainer {
 public:
  TokenRank(const ExplainOptions& options, const TokenLayout& layout)
      : stream_("token-rank", layout), options_(options), block_(options.block.value_or(stream_.last_block())) {}

  void observe(const AttentionView& attention) override {
    stream_.accept(attention);
    if (attention.block != block_) return;
    std::vector<float> fused(attention.tokens * attention.tokens);
    fuse_heads(heads_of(attention, options_.head), options_.head_fusion, 0, fused);
    const auto size = static_cast<Eigen::Index>(attention.tokens);
    Matrix transitions = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                             fused.data(), size, size)
                             .cast<double>();
    transitions.array().colwise() /= transitions.rowwise().sum().array();  // maximum and minimum over heads need it
    const Eigen::RowVectorXf rank = stationary(transitions).cast<float>();
    row_.assign(rank.begin(), rank.end());
  }

  void observe_pool(MatrixView<const float> weights) override { stream_.accept_pool(weights); }

  Heatmap heatmap() override {
    stream_.require_complete();
    return stream_.patches_of(row_);
  }

 private:
  AttentionStream stream_;
  ExplainOptions options_;
  std::size_t block_;
  std::vector<float> row_;  // [N], sums to 1
};

std::string token_rank_variant(const ExplainOptions& options) {
  const std::string block = options.block ? fmt::format("block {}", *options.block) : "last block";
  return block + ", " + heads_text(options);
}

std::unique_ptr<Explainer> make_token_rank(const ExplainOptions& options, const TokenLayout& layout) {
  if (options.block) require_block("token-rank", "block", *options.block, layout);
  require_head("token-rank", options, layout.num_heads);
  return std::make_unique<TokenRank>(options, layout);
}

}  // namespace

ExplainMethod token_rank_method() {
  return {.name = "token-rank",
          .title = "TokenRank",
          .question = Question::kWhere,
          .shows =
              "Which patches the whole of one block attends to, directly and through other tokens, rather than the "
              "read-out alone. Tokens that serve as registers stand out, and the map is the same for every class.",
          .costs = "nothing beyond the forward pass",
          .reference = "Erel et al. 2025, Attention (as Discrete-Time Markov) Chains, arXiv:2507.17657",
          .needs = {.attention = true},
          .variant = token_rank_variant,
          .make = make_token_rank,
          .reads = {"head-fusion", "block", "head"}};
}

}  // namespace fovea
