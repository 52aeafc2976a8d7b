#include "model/forward/encoder_block.hpp"

#include <algorithm>
#include <functional>

#include "base/parallel.hpp"
#include "model/forward/norm.hpp"
#include "nn/attention/differential.hpp"
#include "nn/kernels/activation.hpp"
#include "nn/kernels/rows.hpp"

namespace fovea {
namespace {

/// Copies on all threads: a block's attention is megabytes.
void save(std::span<const float> values, AlignedBuffer<float>& place) {
  constexpr std::size_t kPiece = 4096;
  for_each_piece((values.size() + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t first = piece * kPiece;
    std::copy_n(values.data() + first, std::min(kPiece, values.size() - first), place.data() + first);
  });
}

}  // namespace

SavedBlock::SavedBlock(const Architecture& a)
    : x_in(a.tokens() * a.embed_dim),
      raw_qkv(a.qk_norm ? 3 * x_in.size() : 0),
      qkv(3 * x_in.size()),
      attention(a.num_heads * a.tokens() * a.tokens()),
      heads(a.attention_norm || a.differential_attention ? x_in.size() : 0),
      attended(a.norm_after ? x_in.size() : 0),
      x_mid(x_in.size()),
      wide(a.tokens() * a.fc1_dim()),
      hidden(a.mlp_norm ? a.tokens() * a.mlp_hidden_dim : 0),
      mlp(a.norm_after ? x_in.size() : 0) {}

EncoderBlock::Rows::Rows(const Architecture& a, Precision precision, std::size_t num_rows, nn::Workspace& workspace)
    : count(num_rows),
      proj(nn::make_linear(precision, {num_rows, a.embed_dim, a.embed_dim, !a.norm_after}, workspace)),
      fc1(nn::make_linear(precision, {num_rows, a.embed_dim, a.fc1_dim()}, workspace)),
      fc2(nn::make_linear(precision, {num_rows, a.mlp_hidden_dim, a.embed_dim, !a.norm_after}, workspace)) {}

EncoderBlock::EncoderBlock(const Architecture& a, Precision precision, std::size_t batch, std::size_t tokens,
                           nn::Workspace& workspace)
    : a_(a),
      batch_(batch),
      tokens_(tokens),
      qkv_(nn::make_linear(precision, {batch * tokens, a.embed_dim, 3 * a.embed_dim}, workspace)),
      attention_({tokens, a.num_heads, a.head_dim()}, attention_precision(precision)),
      all_rows_(a, precision, batch * tokens, workspace),
      leading_rows_(leading_tokens(a) > 0 ? std::make_unique<Rows>(a, precision, batch * leading_tokens(a), workspace)
                                          : nullptr) {}

std::size_t EncoderBlock::leading_tokens(const Architecture& a) noexcept {
  if (a.read_out == ReadOut::kClassToken) return 1;
  return a.read_out == ReadOut::kClassAndDistToken ? 2 : 0;
}

std::span<float> EncoderBlock::attention_residual(const BlockCall& call, std::span<float> x) {
  const BlockActivations& own = call.activations;
  if (own.saved != nullptr) save(x, own.saved->x_in);
  const std::span<float> read = a_.norm_after ? x : own.normed;
  if (a_.norm_after) {
    qkv_->pack(*call.weights.qkv, read);
  } else {
    const LayerCall norm1 = call.begin(LayerKind::kNorm, x, read, false);
    norm_forward(a_, call.weights.norm1, x, read, qkv_->packer(*call.weights.qkv, read));
    call.hook.after(norm1);
  }

  const LayerCall qkv = call.begin(LayerKind::kQkv, read, own.qkv, false);
  qkv_->multiply(*call.weights.qkv, read, own.qkv, {});  // [n·N, D] → [n·N, 3D]
  call.hook.after(qkv);

  for (std::size_t image = 0; image < batch_; ++image) attend(call, image);

  if (call.leading_only) x = gather_leading(x);
  if (call.leading_only && a_.parallel_mlp) (void)gather_leading(own.normed);  // the MLP reads it
  const std::span<float> heads = call.leading_only ? gather_leading(own.mixed) : own.mixed;
  nn::Linear& linear = *rows_of(call).proj;
  normalize_mixed(call, heads);
  linear.pack(*call.weights.proj, heads);
  const std::span<float> written = a_.norm_after ? own.normed.first(x.size()) : x;
  const LayerCall proj = call.begin(LayerKind::kProj, heads, written, call.leading_only);
  linear.multiply(*call.weights.proj, heads, written, {});  // [rows, D] → [rows, D], added to x
  call.hook.after(proj);
  if (a_.norm_after) {
    if (own.saved != nullptr) save(written, own.saved->attended);
    add_normed(call, call.weights.norm1, x, false);
  }
  if (own.saved != nullptr) save(x, own.saved->x_mid);
  return x;
}

/// The norms between the attention and its projection: of each head, or of all heads side by side.
/// @param heads  [rows, H, d]
void EncoderBlock::normalize_mixed(const BlockCall& call, std::span<float> heads) {
  const EncoderBlockWeights& weights = call.weights;
  if (!weights.attention_norm && !weights.sub_norm) return;
  if (call.activations.saved != nullptr) save(heads, call.activations.saved->heads);
  const LayerCall norm = call.begin(LayerKind::kNorm, heads, heads, call.leading_only);
  normalize_heads(sub_norm_shape(a_, heads.size() / a_.embed_dim), weights.sub_norm, heads, a_.embed_dim);
  norm_forward(a_, weights.attention_norm, heads, heads);
  call.hook.after(norm);
}

/// x ← x + norm(what the sub-layer has computed).
void EncoderBlock::add_normed(const BlockCall& call, const NormWeights& norm, std::span<float> x,
                              bool ends_block) const {
  const std::span<float> computed = call.activations.normed.first(x.size());
  const LayerCall layer = call.begin(LayerKind::kNorm, computed, x, call.leading_only, 0, ends_block);
  norm_forward(a_, norm, computed, computed, [&](std::size_t first, std::size_t count) {
    const std::span<float> rows = nn::rows_of(x, a_.embed_dim, first, count);
    const std::span<const float> normed = nn::rows_of(computed, a_.embed_dim, first, count);
    std::transform(rows.begin(), rows.end(), normed.begin(), rows.begin(), std::plus<>());
  });
  call.hook.after(layer);
}

/// One image at a time: its attention stays in cache, and an observer sees it at once.
void EncoderBlock::attend(const BlockCall& call, std::size_t image) {
  const BlockActivations& own = call.activations;
  const EncoderBlockWeights& weights = call.weights;
  const std::size_t size = tokens_ * a_.embed_dim;                           // N·D
  const std::span<float> qkv = own.qkv.subspan(image * 3 * size, 3 * size);  // [N, 3, H, d]
  if (own.saved != nullptr && weights.q_norm) save(qkv, own.saved->raw_qkv);
  if (weights.q_norm || weights.k_norm || call.rotary != nullptr) {
    const LayerCall query_key = call.begin(LayerKind::kQueryKey, qkv, qkv, false, image);
    const nn::NormShape of_head = norm_shape(a_, tokens_, a_.head_dim());
    normalize_heads(of_head, weights.q_norm, qkv, 3 * a_.embed_dim);
    normalize_heads(of_head, weights.k_norm, qkv.subspan(a_.embed_dim), 3 * a_.embed_dim);
    if (call.rotary != nullptr) nn::rotate(*call.rotary, a_.num_prefix_tokens, a_.num_heads, qkv);
    call.hook.after(query_key);
  }
  const std::span<const float> bias = own.log_sizes.empty() ? std::span<const float>(weights.attention_bias)
                                                            : own.log_sizes.subspan(image * tokens_, tokens_);
  const bool all_queries = !call.leading_only || (!own.weights.empty() && own.detail.unread_rows);
  const std::span<float> mixed = own.mixed.subspan(image * size, size);  // [N, H, d]
  LayerCall attention = call.begin(LayerKind::kAttention, qkv, mixed, call.leading_only, image);
  const std::size_t queries = all_queries ? tokens_ : leading_tokens(a_);
  if (a_.differential_attention) {
    nn::attend_differentially({tokens_, a_.num_heads, a_.head_dim()}, weights.lambda, qkv, queries, mixed, own.weights);
  } else {
    attention_(qkv, queries, bias, mixed, own.weights, own.detail.fused);
  }
  attention.attention = own.weights;
  call.hook.after(attention);
}

/// Each head's q, k, or output.
/// @param first_head  from the first value of the first head on
/// @param stride      from token to token
void EncoderBlock::normalize_heads(const nn::NormShape& shape, const NormWeights& norm, std::span<float> first_head,
                                   std::size_t stride) const {
  if (!norm) return;
  for (std::size_t head = 0; head < a_.num_heads; ++head) {
    float* const values = first_head.data() + head * a_.head_dim();
    nn::normalize(shape, norm.weight, norm.bias, {values, stride}, {values, stride});
  }
}

/// The leading rows of each image move together: [n, N, D] → [n, leading, D].
std::span<float> EncoderBlock::gather_leading(std::span<float> rows) const {
  const std::size_t kept = leading_tokens(a_) * a_.embed_dim;
  for (std::size_t image = 1; image < batch_; ++image) {
    std::copy_n(rows.data() + image * tokens_ * a_.embed_dim, kept, rows.data() + image * kept);
  }
  return rows.first(batch_ * kept);
}

void EncoderBlock::mlp_residual(const BlockCall& call, std::span<float> x) {
  const EncoderBlockWeights& weights = call.weights;
  SavedBlock* const saved = call.activations.saved;
  Rows& rows = rows_of(call);
  const std::size_t features = a_.mlp_hidden_dim;  // F
  const std::span<float> normed = a_.norm_after ? x : call.activations.normed.first(x.size());
  const std::span<float> own = call.activations.wide.first(rows.count * a_.fc1_dim());
  // The backward pass reads what entered the activation.
  const std::span<float> wide = saved != nullptr ? saved->wide.first(own.size()) : own;  // [rows, F or 2F]
  const std::span<float> hidden = a_.gated_mlp ? call.activations.gated.first(rows.count * features) : own;

  if (a_.norm_after || a_.parallel_mlp) {  // what fc1 reads is there already
    rows.fc1->pack(*weights.fc1, normed);
  } else {
    const LayerCall norm2 = call.begin(LayerKind::kNorm, x, normed, call.leading_only);
    norm_forward(a_, weights.norm2, x, normed, rows.fc1->packer(*weights.fc1, normed));
    call.hook.after(norm2);
  }

  // The last operation before fc2 packs rows for fc2 while they are in the core's own cache.
  const nn::RowsDone pack = rows.fc2->packer(*weights.fc2, hidden);
  const nn::RowsDone pack_unless_norm = weights.mlp_norm ? nn::RowsDone() : pack;
  const LayerCall fc1 = call.begin(LayerKind::kFc1, normed, a_.gated_mlp ? wide : hidden, call.leading_only);
  if (a_.gated_mlp) {
    rows.fc1->multiply(*weights.fc1, normed, wide, {});  // [rows, D] → [rows, 2F]
  } else {
    const Precision reader = weights.fc2->precision();
    rows.fc1->multiply(*weights.fc1, normed, wide, [&](std::size_t first, std::size_t count) {  // → [rows, F]
      nn::activate(a_.activation, reader, nn::rows_of(wide, features, first, count),
                   nn::rows_of(hidden, features, first, count));
      if (pack_unless_norm) pack_unless_norm(first, count);
    });
  }
  call.hook.after(fc1);
  if (a_.gated_mlp) {
    const LayerCall gate = call.begin(LayerKind::kGate, wide, hidden, call.leading_only);
    nn::silu_gate(rows.count, features, wide, hidden, pack_unless_norm);  // [rows, 2F] → [rows, F]
    call.hook.after(gate);
  }
  if (weights.mlp_norm) {
    if (saved != nullptr) save(hidden, saved->hidden);
    const LayerCall mlp_norm = call.begin(LayerKind::kNorm, hidden, hidden, call.leading_only);
    norm_forward(a_, weights.mlp_norm, hidden, hidden, pack);
    call.hook.after(mlp_norm);
  }
  const std::span<float> written = a_.norm_after ? call.activations.normed.first(x.size()) : x;
  const LayerCall fc2 = call.begin(LayerKind::kFc2, hidden, written, call.leading_only, 0, !a_.norm_after);
  rows.fc2->multiply(*weights.fc2, hidden, written, {});  // [rows, F] → [rows, D], added to x
  call.hook.after(fc2);
  if (!a_.norm_after) return;
  if (saved != nullptr) save(written, saved->mlp);
  add_normed(call, weights.norm2, x, true);
}

}  // namespace fovea
