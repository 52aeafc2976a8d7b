// Layers in double: forward, gradient, and the rules of layer-wise relevance propagation (LRP, alpha 1, beta 0) of
// Chefer, Gur & Wolf 2021, Transformer Interpretability Beyond Attention Visualization, section 3, as the authors'
// modules/layers_ours.py has them. What has no rule here passes relevance on unchanged: norms, activations, softmax.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "fovea/architecture.hpp"
#include "model/relevance/weights.hpp"
#include "nn/linear/matmul_f64.hpp"

namespace fovea {

/// numerator / (denominator + 1e-9), and 0 where the denominator is 0.
[[nodiscard]] double safe_divide(double numerator, double denominator);
/// Value by value.
[[nodiscard]] nn::MatrixF64 safe_divide(const nn::MatrixF64& numerator, nn::MatrixF64 denominator);

/// y += x
void add(nn::MatrixF64& y, const nn::MatrixF64& x);

/// x Wᵀ + b.
/// @param x  [rows, in]
[[nodiscard]] nn::MatrixF64 linear(const LinearF64& layer, const nn::MatrixF64& x);
/// dx = dy W.
[[nodiscard]] nn::MatrixF64 linear_gradient(const LinearF64& layer, const nn::MatrixF64& dy);
/// With x⁺, x⁻, W⁺, W⁻ the positive and negative parts: Z = x⁺W⁺ᵀ + x⁻W⁻ᵀ, S = R / Z, and the inputs receive
/// x⁺ ⊙ (S W⁺) + x⁻ ⊙ (S W⁻). The bias receives nothing.
/// @param relevance  [rows, out]
/// @return           [rows, in]
[[nodiscard]] nn::MatrixF64 linear_relevance(const LinearF64& layer, const nn::MatrixF64& x,
                                             const nn::MatrixF64& relevance);

/// Layer norm, or RMSNorm where the model has it; x itself where there is no such norm.
[[nodiscard]] nn::MatrixF64 normalize(const Architecture& architecture, const NormF64& norm, const nn::MatrixF64& x);
[[nodiscard]] nn::MatrixF64 normalize_gradient(const Architecture& architecture, const NormF64& norm,
                                               const nn::MatrixF64& x, const nn::MatrixF64& dy);

[[nodiscard]] nn::MatrixF64 activate(Activation activation, const nn::MatrixF64& x);
/// dy ⊙ act'(x).
[[nodiscard]] nn::MatrixF64 activation_gradient(Activation activation, const nn::MatrixF64& x, nn::MatrixF64 dy);

/// The rule for a + b: each summand receives its share of the relevance of every value, a/(a+b) and b/(a+b), rescaled
/// so that the two totals are as |Σ a's shares| to |Σ b's shares| and add up to Σ R.
[[nodiscard]] std::pair<nn::MatrixF64, nn::MatrixF64> add_relevance(const nn::MatrixF64& a, const nn::MatrixF64& b,
                                                                    const nn::MatrixF64& relevance);

/// The rule for x where two branches read it: the sum of what both received, as x ⊙ (a/x + b/x). It differs from a + b
/// by the stabilizer of the two divisions, which takes relevance out where x is small and moves a map by up to 1e-3.
[[nodiscard]] nn::MatrixF64 clone_relevance(const nn::MatrixF64& x, const nn::MatrixF64& a, const nn::MatrixF64& b);

/// The rule for the mean of some rows, a linear layer with weights 1/n: each row receives x⁺ / Σ x⁺ of its column's
/// relevance.
/// @param x          [N, D]; rows from `first` on were averaged
/// @param relevance  [D]
/// @param result     [N, D], added to
void add_mean_relevance(const nn::MatrixF64& x, std::size_t first, std::span<const double> relevance,
                        nn::MatrixF64& result);

}  // namespace fovea
