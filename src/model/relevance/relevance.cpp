// Relevance propagation through a whole model (Chefer, Gur & Wolf 2021), beside the gradients that it is combined with:
// forward from patches to logits in double, then backward from the logits to the attention of every block.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/process/interrupt.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/forward/vision_transformer.hpp"
#include "model/relevance/attention.hpp"
#include "model/relevance/layers.hpp"
#include "model/relevance/read_out.hpp"
#include "model/relevance/weights.hpp"

namespace fovea {
namespace {

using nn::MatrixF64;

/// x_mid = x + proj(attention(norm1(x))); the block's output is x_mid + fc2(act(fc1(norm2(x_mid)))). Norms that stand
/// after the sub-layers normalise what is added.
struct BlockTrace {
  MatrixF64 x;        // [N, D]
  MatrixF64 normed1;  // [N, D], what the attention reads
  AttentionF64 attention;
  MatrixF64 heads;      // [N, D], after their norm
  MatrixF64 projected;  // [N, D], after proj
  MatrixF64 attended;   // [N, D], what is added
  MatrixF64 x_mid;      // [N, D]
  MatrixF64 normed2;    // [N, D], what the MLP reads
  MatrixF64 wide;       // [N, F], before the activation
  MatrixF64 active;     // [N, F], after it
  MatrixF64 hidden;     // [N, F], after the MLP's norm
  MatrixF64 computed;   // [N, D], after fc2
  MatrixF64 mlp;        // [N, D], what is added
};

/// The norms before the sub-layers, and after them: of each pair one is none.
struct BlockNorms {
  BlockNorms(const Architecture& a, const BlockF64& weights)
      : before1(a.norm_after ? kNone : weights.norm1),
        before2(a.norm_after ? kNone : weights.norm2),
        after1(a.norm_after ? weights.norm1 : kNone),
        after2(a.norm_after ? weights.norm2 : kNone) {}
  inline static const NormF64 kNone;
  const NormF64& before1;
  const NormF64& before2;
  const NormF64& after1;
  const NormF64& after2;
};

MatrixF64 sum_of(MatrixF64 a, const MatrixF64& b) {
  add(a, b);
  return a;
}

BlockTrace run_block(const Architecture& a, const BlockF64& weights, MatrixF64 x) {
  const BlockNorms norms(a, weights);
  BlockTrace trace;
  trace.x = std::move(x);
  trace.normed1 = normalize(a, norms.before1, trace.x);
  trace.attention = attend(a.num_heads, linear(weights.qkv, trace.normed1), weights.attention_bias);
  trace.heads = normalize(a, weights.attention_norm, trace.attention.mixed);
  trace.projected = linear(weights.proj, trace.heads);
  trace.attended = normalize(a, norms.after1, trace.projected);
  trace.x_mid = sum_of(trace.x, trace.attended);
  trace.normed2 = normalize(a, norms.before2, trace.x_mid);
  trace.wide = linear(weights.fc1, trace.normed2);
  trace.active = activate(a.activation, trace.wide);
  trace.hidden = normalize(a, weights.mlp_norm, trace.active);
  trace.computed = linear(weights.fc2, trace.hidden);
  trace.mlp = normalize(a, norms.after2, trace.computed);
  return trace;
}

/// What a block's attention and the block's input received.
struct BlockBackward {
  MatrixF64 attention;  // [H·N, N]
  MatrixF64 x;          // [N, D]
};

/// @param dy  [N, D], of the block's output
BlockBackward block_gradient(const Architecture& a, const BlockF64& weights, const BlockTrace& trace, MatrixF64 dy) {
  const BlockNorms norms(a, weights);
  MatrixF64 dx = std::move(dy);
  const MatrixF64 d_computed = normalize_gradient(a, norms.after2, trace.computed, dx);
  MatrixF64 d_active = normalize_gradient(a, weights.mlp_norm, trace.active, linear_gradient(weights.fc2, d_computed));
  const MatrixF64 d_wide = activation_gradient(a.activation, trace.wide, std::move(d_active));
  add(dx, normalize_gradient(a, norms.before2, trace.x_mid, linear_gradient(weights.fc1, d_wide)));
  const MatrixF64 d_projected = normalize_gradient(a, norms.after1, trace.projected, dx);
  const MatrixF64 d_heads = linear_gradient(weights.proj, d_projected);
  AttentionBackwardF64 back = attention_gradient(
      trace.attention, normalize_gradient(a, weights.attention_norm, trace.attention.mixed, d_heads));
  add(dx, normalize_gradient(a, norms.before1, trace.x, linear_gradient(weights.qkv, back.qkv)));
  return {std::move(back.weights), std::move(dx)};
}

/// @param relevance  [N, D], of the block's output
BlockBackward block_relevance(const BlockF64& weights, const BlockTrace& trace, const MatrixF64& relevance) {
  const auto [past_mlp, of_mlp] = add_relevance(trace.x_mid, trace.mlp, relevance);
  const MatrixF64 of_hidden = linear_relevance(weights.fc2, trace.hidden, of_mlp);
  const MatrixF64 of_x_mid =
      clone_relevance(trace.x_mid, past_mlp, linear_relevance(weights.fc1, trace.normed2, of_hidden));
  const auto [past_attention, of_attended] = add_relevance(trace.x, trace.attended, of_x_mid);
  AttentionBackwardF64 back =
      attention_relevance(trace.attention, linear_relevance(weights.proj, trace.heads, of_attended));
  const MatrixF64 of_normed1 = linear_relevance(weights.qkv, trace.normed1, back.qkv);
  return {std::move(back.weights), clone_relevance(trace.x, past_attention, of_normed1)};
}

/// @param pos_embed  [T, D], or empty
/// Patches [T, 3·P·P] → tokens [N, D]: class and register tokens, then linear patches plus their position embedding.
MatrixF64 embed(const Architecture& a, const RelevanceWeights& weights, std::span<const float> pos_embed,
                std::span<const float> patches) {
  MatrixF64 pixels(a.grid().size(), a.patch_dim());
  std::copy(patches.begin(), patches.end(), pixels.values.begin());
  const MatrixF64 embedded = normalize(a, weights.embed_norm, linear(weights.patch_embed, pixels));
  MatrixF64 x(a.tokens(), a.embed_dim);
  std::copy(weights.prefix_tokens.values.begin(), weights.prefix_tokens.values.end(), x.values.begin());
  double* const patch_tokens = x.row(a.num_prefix_tokens);
  std::copy(embedded.values.begin(), embedded.values.end(), patch_tokens);
  for (std::size_t i = 0; i < pos_embed.size(); ++i) patch_tokens[i] += static_cast<double>(pos_embed[i]);
  return normalize(a, weights.norm_pre, x);
}

/// Adds what the class token after `block` received, where a head reads it beside the last block's class token.
void add_earlier_class_token(const Architecture& a, std::size_t block, const MatrixF64& earlier, MatrixF64& x) {
  const std::size_t first = a.depth - 1 - earlier.rows;
  if (block < first || block + 1 == a.depth) return;
  for (std::size_t i = 0; i < x.cols; ++i) x.row(0)[i] += earlier.row(block - first)[i];
}

/// The relevance of one score, propagated so far.
struct Propagation {
  ReadOutBackwardF64 read_out;
  MatrixF64 x;  // [N, D], of the output of the next block
};

MatrixF64 one_logit(const Architecture& a, const ScoreTerm& term) {
  MatrixF64 logits(1, a.num_classes);
  logits.values[term.class_index] = static_cast<double>(term.weight);
  return logits;
}

void require_fitting(const Architecture& a, std::span<const float> patches, const ScoreSeed& seed) {
  const std::size_t expected = a.grid().size() * a.patch_dim();
  if (patches.size() != expected) {
    throw Error(ErrorCode::kShape, fmt::format("patches: their number of values is {}, expected {} ([{}, {}])",
                                               patches.size(), expected, a.grid().size(), a.patch_dim()));
  }
  for (const ScoreTerm& term : seed) {
    if (term.class_index < a.num_classes) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("target: class {} is asked for, expected one of {}", term.class_index, a.num_classes),
                "classes are counted from 0");
  }
}

}  // namespace

void propagate_relevance(const VisionTransformer& model, std::span<const float> patches, const ScoreSeed& seed,
                         const RelevanceObserver& observe) {
  const Architecture& a = model.architecture();
  require_relevance_rules(a);
  require_fitting(a, patches, seed);
  require_one_size(model.info());
  const RelevanceWeights& weights = ModelAccess::impl(model).shared->relevance_weights();

  MatrixF64 x = embed(a, weights, ModelAccess::impl(model).pos_embed, patches);
  std::vector<BlockTrace> blocks;
  blocks.reserve(a.depth);
  for (std::size_t block = 0; block < a.depth; ++block) {
    stop_if_interrupted();
    blocks.push_back(run_block(a, weights.blocks[block], std::move(x)));
    x = sum_of(blocks[block].x_mid, blocks[block].mlp);
  }
  MatrixF64 earlier(a.read_out_blocks - 1, a.embed_dim);
  for (std::size_t i = 0; i < earlier.rows; ++i) {
    std::copy_n(blocks[a.depth - earlier.rows + i].x.row(0), a.embed_dim, earlier.row(i));
  }
  const ReadOutF64 read_out(a, weights, std::move(x), std::move(earlier));

  // The gradient of a sum is computed at once, its relevance term by term: relevance that adds up to 0, as for one
  // class against another, would be rescaled to nothing at the first residual connection.
  MatrixF64 d_logits(1, a.num_classes);
  std::vector<Propagation> terms;
  terms.reserve(seed.size());
  for (const ScoreTerm& term : seed) {
    const MatrixF64 logit = one_logit(a, term);
    add(d_logits, logit);
    ReadOutBackwardF64 start = read_out.relevance(logit);
    MatrixF64 of_x = start.x;
    terms.push_back({std::move(start), std::move(of_x)});
  }
  const ReadOutBackwardF64 d_read_out = read_out.gradient(d_logits);
  MatrixF64 d_x = d_read_out.x;
  for (std::size_t block = a.depth; block-- > 0;) {
    stop_if_interrupted();
    add_earlier_class_token(a, block, d_read_out.earlier, d_x);
    BlockBackward gradient = block_gradient(a, weights.blocks[block], blocks[block], std::move(d_x));
    d_x = std::move(gradient.x);
    MatrixF64 relevance(gradient.attention.rows, gradient.attention.cols);
    for (Propagation& term : terms) {
      stop_if_interrupted();
      add_earlier_class_token(a, block, term.read_out.earlier, term.x);
      BlockBackward back = block_relevance(weights.blocks[block], blocks[block], term.x);
      add(relevance, back.attention);
      term.x = std::move(back.x);
    }
    observe(block, gradient.attention.values, relevance.values);
    blocks.pop_back();
  }
}

}  // namespace fovea
