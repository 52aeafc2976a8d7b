// Hard attention in one forward pass: which tokens go on, and how they are shown as if all had.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/forward/token_stages.hpp"

namespace fovea {

/// @throws Error  kUsage, naming what the model has or what the reduction asks for, and what is supported.
void require_reducible(const ModelInfo& model, const TokenReduction& reduction);

/// Where the tokens of one image went.
class TokenMap {
 public:
  TokenMap(std::size_t prefix, std::size_t patches);

  void apply(const TokenStage& stage);
  /// [N'] of how many patches, or prefix tokens, a token is made.
  [[nodiscard]] std::span<const float> sizes() const noexcept { return sizes_; }
  /// [N] the token that a token of the whole model is part of.
  [[nodiscard]] std::span<const std::size_t> token_of() const noexcept { return token_of_; }
  [[nodiscard]] ReducedTokens seen_after(std::size_t block) const;

  /// Attention among the tokens that are left, shown among all: rows are copied, columns shared out.
  /// @param attention  [H, N', N'], each row sums to 1
  /// @param whole      [H, N, N], likewise
  void unmerge_attention(std::size_t num_heads, std::span<const float> attention, std::span<float> whole) const;
  /// @param tokens  [N', D]
  /// @param whole   [N, D]
  void unmerge_tokens(std::size_t embed_dim, std::span<const float> tokens, std::span<float> whole) const;

 private:
  std::size_t prefix_;
  std::vector<std::size_t> token_of_;  // [N]
  std::vector<float> share_;           // [N]
  std::vector<std::uint8_t> kept_;     // [N]
  std::vector<float> sizes_;           // [N']
};

/// The tokens of a batch. All images go on with equally many, but not with the same.
class TokenReducer {
 public:
  TokenReducer(Architecture architecture, const TokenReduction& reduction, std::size_t batch);

  /// n.
  [[nodiscard]] std::size_t images() const noexcept { return maps_.size(); }
  /// N' at present.
  [[nodiscard]] std::size_t tokens() const noexcept { return tokens_; }
  /// N' after this block's attention: less than tokens() where the block has a stage.
  [[nodiscard]] std::size_t left_after(std::size_t block) const;
  [[nodiscard]] const TokenMap& map(std::size_t image) const { return maps_[image]; }
  /// What is added to the attention logits of each key: the logarithm of its size.
  /// @return  [n·N'], empty where all are 0
  [[nodiscard]] std::span<const float> log_sizes() const noexcept { return log_sizes_; }

  /// The stage between the attention and the MLP of this block, which has one.
  /// @param qkv    [n·N', 3, H, d], as the attention read it
  /// @param x      [n·N', D], becomes [n·N'', D]
  /// @param room   [n·N', D], overwritten
  void reduce_after(std::size_t block, std::span<const float> qkv, std::span<float> x, std::span<float> room);

  /// Each token of the whole model as the token that it is part of.
  /// @param x  [n·N', D]
  /// @return   [n·N, D]
  [[nodiscard]] std::vector<float> unmerge_tokens(std::span<const float> x) const;

 private:
  [[nodiscard]] TokenStage stage_of(std::size_t image, std::size_t block, std::size_t left,
                                    std::span<const float> qkv) const;
  [[nodiscard]] TokenStage keep(std::size_t block, std::size_t left, std::span<const float> qkv) const;
  [[nodiscard]] TokenStage merge(std::size_t image, std::size_t left, std::span<const float> qkv) const;
  void update_log_sizes();

  Architecture a_;
  TokenReduction reduction_;
  std::size_t tokens_;            // N'
  std::vector<TokenMap> maps_;    // of each image
  std::vector<float> log_sizes_;  // [n·N'], of merged tokens
};

}  // namespace fovea
