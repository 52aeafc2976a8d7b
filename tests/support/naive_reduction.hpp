// Token reduction (hard attention) as plain loops in double, written from the papers; each token knows its sources.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/session.hpp"

namespace fovea::test {

/// Follows one image. Random selection has no naive twin.
class NaiveReduction {
 public:
  using Rows = std::vector<std::vector<double>>;
  NaiveReduction(const Architecture& architecture, const TokenReduction& reduction);

  /// The factor of token j in proportional attention.
  [[nodiscard]] double size(std::size_t j) const { return reduction_.merge > 0 ? double(tokens_[j].size()) : 1.0; }
  /// [H, N', N'] → [H, N, N]
  [[nodiscard]] std::vector<double> unmerged(const std::vector<double>& attention) const;
  /// The tokens after the attention of this block.
  /// @param qkv        [N', 3D]
  /// @param attention  [H, N', N']
  [[nodiscard]] Rows stage(std::size_t block, const Rows& x, const Rows& qkv, const std::vector<double>& attention);

  [[nodiscard]] const std::vector<std::size_t>& counts() const { return counts_; }  // tokens left by each stage

 private:
  using Sources = std::vector<std::pair<std::size_t, double>>;  // tokens of the full model and their shares
  [[nodiscard]] Rows keep(const Rows& x, const std::vector<double>& attention);
  [[nodiscard]] Rows merge(const Rows& x, const Rows& qkv);

  Architecture a_;
  TokenReduction reduction_;
  std::vector<Sources> tokens_;  // [N']
  std::vector<std::size_t> counts_;
};

}  // namespace fovea::test
