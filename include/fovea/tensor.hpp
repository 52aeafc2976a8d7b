// Non-owning views on the numbers that pass between layers.
#pragma once

#include <cassert>
#include <cstddef>
#include <optional>
#include <span>

namespace fovea {

/// [rows, cols], row-major, non-owning.
template <typename T>
class MatrixView {
 public:
  MatrixView() = default;
  MatrixView(std::span<T> values, std::size_t rows, std::size_t cols) : values_(values), rows_(rows), cols_(cols) {
    assert(values.size() == rows * cols);
  }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t cols() const noexcept { return cols_; }
  [[nodiscard]] std::span<T> row(std::size_t r) const { return values_.subspan(r * cols_, cols_); }
  [[nodiscard]] std::span<T> values() const noexcept { return values_; }

 private:
  std::span<T> values_;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
};

enum class HeadFusion { kMean, kMax, kMin };

/// How much of the attention an observer needs: less detail costs less time. An observer may be shown more than it
/// needs.
struct AttentionDetail {
  std::optional<HeadFusion> fused;  // heads fused this way are enough, shown as one head; none: every head
  /// Whether rows of the last block are needed for tokens that the read-out ignores: what those tokens attend to
  /// reaches no output. If false, these rows may be zero.
  bool unread_rows = true;
};

/// What the backward pass differentiates.
enum class Gradients {
  kTrue,  // everything
  /// LibraGrad (Mehri et al. 2025): attention weights, the deviations of norms and the gates of activations are held
  /// constant, and products of gated MLPs are halved. For each block, the products of its input and of this gradient
  /// sum to the score, up to what biases contribute.
  kLibra,
};

/// The attention of one block for one image: [num_heads, tokens, tokens], rows are queries.
struct AttentionView {
  std::size_t block = 0;
  std::size_t num_heads = 0;
  std::size_t tokens = 0;
  std::span<const float> weights;  // each row sums to 1

  /// [tokens, tokens]
  [[nodiscard]] std::span<const float> head(std::size_t h) const {
    return weights.subspan(h * tokens * tokens, tokens * tokens);
  }
};

/// What a score is made of at the input of one block, for one image (LibraGrad): Σ tokens + biases + earlier_read_outs
/// is the score.
struct ScoreTerms {
  std::size_t block = 0;
  std::span<const double> tokens;  // [N] Σ_d x · ∂score/∂x of each token x; valid only during the call
  double biases = 0;               // what the biases of this block and of what follows contribute
  double earlier_read_outs = 0;    // what class tokens contribute that a head reads before this block
};

}  // namespace fovea
