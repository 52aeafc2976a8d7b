#include "model/relevance/read_out.hpp"

#include <algorithm>
#include <utility>

namespace fovea {

using nn::MatrixF64;

namespace {

MatrixF64 one_row(const MatrixF64& matrix, std::size_t row) {
  MatrixF64 result(1, matrix.cols);
  std::copy_n(matrix.row(row), matrix.cols, result.row(0));
  return result;
}

/// What the (first) head reads: a class token, the mean patch, or class tokens of several blocks beside the mean patch.
MatrixF64 pool(const Architecture& a, const MatrixF64& normed, const MatrixF64& normed_earlier) {
  MatrixF64 pooled(1, a.pooled_dim());
  double* place = pooled.row(0);
  if (a.read_out != ReadOut::kPatchMean) {
    place = std::copy(normed_earlier.values.begin(), normed_earlier.values.end(), place);
    place = std::copy_n(normed.row(0), a.embed_dim, place);
  }
  if (a.read_out == ReadOut::kClassToken || a.read_out == ReadOut::kClassAndDistToken) return pooled;
  for (std::size_t token = a.first_mean_token(); token < a.tokens(); ++token) {
    for (std::size_t i = 0; i < a.embed_dim; ++i) {
      place[i] += normed.row(token)[i] / static_cast<double>(a.mean_tokens());
    }
  }
  return pooled;
}

/// Gives the tokens what the pooled features received; `spread` shares out the part of the mean patch.
template <typename Spread>
ReadOutBackwardF64 unpool(const Architecture& a, const MatrixF64& of_pooled, Spread&& spread) {
  ReadOutBackwardF64 back{MatrixF64(a.tokens(), a.embed_dim), MatrixF64(a.read_out_blocks - 1, a.embed_dim)};
  const double* from = of_pooled.row(0);
  if (a.read_out != ReadOut::kPatchMean) {
    std::copy_n(from, back.earlier.values.size(), back.earlier.values.begin());
    from += back.earlier.values.size();
    std::copy_n(from, a.embed_dim, back.x.row(0));
    from += a.embed_dim;
  }
  if (a.read_out == ReadOut::kPatchMean || a.read_out == ReadOut::kClassAndPatchMean) {
    spread(std::span(from, a.embed_dim), back.x);
  }
  return back;
}

/// The half of each of two heads whose logits are averaged.
MatrixF64 halved(MatrixF64 matrix) {
  for (double& value : matrix.values) value /= 2.0;
  return matrix;
}

}  // namespace

ReadOutF64::ReadOutF64(const Architecture& a, const RelevanceWeights& weights, MatrixF64 x, MatrixF64 earlier)
    : a_(a),
      weights_(weights),
      x_(std::move(x)),
      earlier_(std::move(earlier)),
      normed_(normalize(a, weights.norm, x_)),
      pooled_(pool(a, normed_, normalize(a, weights.norm, earlier_))),
      head_in_(normalize(a, weights.fc_norm, pooled_)),
      head_dist_in_(a.read_out == ReadOut::kClassAndDistToken ? one_row(normed_, 1) : MatrixF64()) {}

ReadOutBackwardF64 ReadOutF64::gradient(const MatrixF64& d_logits) const {
  const bool two_heads = a_.read_out == ReadOut::kClassAndDistToken;
  const MatrixF64 d_head = two_heads ? halved(d_logits) : d_logits;
  const MatrixF64 d_pooled = normalize_gradient(a_, weights_.fc_norm, pooled_, linear_gradient(weights_.head, d_head));
  ReadOutBackwardF64 back = unpool(a_, d_pooled, [&](std::span<const double> d_mean, MatrixF64& d_normed) {
    for (std::size_t token = a_.first_mean_token(); token < a_.tokens(); ++token) {
      for (std::size_t i = 0; i < d_mean.size(); ++i) {
        d_normed.row(token)[i] += d_mean[i] / static_cast<double>(a_.mean_tokens());
      }
    }
  });
  if (two_heads) std::ranges::copy(linear_gradient(weights_.head_dist, d_head).values, back.x.row(1));
  back.x = normalize_gradient(a_, weights_.norm, x_, back.x);
  back.earlier = normalize_gradient(a_, weights_.norm, earlier_, back.earlier);
  return back;
}

ReadOutBackwardF64 ReadOutF64::relevance(const MatrixF64& relevance) const {
  const bool two_heads = a_.read_out == ReadOut::kClassAndDistToken;
  const MatrixF64 of_head = two_heads ? halved(relevance) : relevance;
  const MatrixF64 of_pooled = linear_relevance(weights_.head, head_in_, of_head);
  ReadOutBackwardF64 back = unpool(a_, of_pooled, [&](std::span<const double> of_mean, MatrixF64& of_normed) {
    add_mean_relevance(normed_, a_.first_mean_token(), of_mean, of_normed);
  });
  if (two_heads) std::ranges::copy(linear_relevance(weights_.head_dist, head_dist_in_, of_head).values, back.x.row(1));
  return back;
}

}  // namespace fovea
