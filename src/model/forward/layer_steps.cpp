#include "model/forward/layer_steps.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "fovea/precision.hpp"
#include "model/forward/encoder_block.hpp"
#include "model/forward/pooling.hpp"
#include "model/forward/vision_transformer.hpp"
#include "nn/kernels/activation.hpp"
#include "nn/kernels/rows.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea {
namespace {

constexpr double kFloat = sizeof(float);  // bytes

double packed_bytes(Precision precision) {  // of one weight
  if (precision == Precision::kInt8) return sizeof(std::int8_t);
  const std::size_t parts = nn::bf16_parts(precision);
  return parts == 0 ? kFloat : static_cast<double>(parts) * sizeof(std::uint16_t);
}

/// A linear layer and what one run of it costs.
struct LinearLayer {
  LinearLayer(Precision precision, const nn::LinearShape& linear_shape, nn::Workspace& workspace)
      : layer(nn::make_linear(precision, linear_shape, workspace)), shape(linear_shape) {}
  [[nodiscard]] double flops() const noexcept {
    return 2 * static_cast<double>(shape.rows * shape.in_features * shape.out_features);
  }
  /// Of a model in int8 the layers' precisions differ: each is packed in its own.
  [[nodiscard]] double bytes(const nn::LinearWeights& weights) const noexcept {
    const std::size_t outputs = shape.rows * shape.out_features;
    const std::size_t values = shape.rows * shape.in_features + shape.out_features + outputs;
    return packed_bytes(weights.precision()) * static_cast<double>(shape.in_features * shape.out_features) +
           kFloat * static_cast<double>(values + (shape.accumulate ? outputs : 0));
  }
  std::unique_ptr<nn::Linear> layer;
  nn::LinearShape shape;
};

/// The linear layers of a block behind its attention.
struct AfterAttention {
  AfterAttention(const Architecture& a, Precision precision, std::size_t rows, nn::Workspace& workspace)
      : proj(precision, {rows, a.embed_dim, a.embed_dim, true}, workspace),
        fc1(precision, {rows, a.embed_dim, a.fc1_dim()}, workspace),
        fc2(precision, {rows, a.mlp_hidden_dim, a.embed_dim, true}, workspace) {}
  LinearLayer proj;
  LinearLayer fc1;
  LinearLayer fc2;
};

double norm_flops(const Architecture& a, std::size_t values) {
  return (a.rms_norm ? 4.0 : 8.0) * static_cast<double>(values);
}

}  // namespace

std::string name(LayerKind kind, const Architecture& a) {
  switch (kind) {
    case LayerKind::kPatchEmbed: return "patch embedding";
    case LayerKind::kNorm: return "norms";
    case LayerKind::kQkv: return "qkv";
    case LayerKind::kQueryKey: return a.rope == Rope::kNone ? "q and k norms" : "rotation of q and k";
    case LayerKind::kAttention: return "attention";
    case LayerKind::kProj: return "proj";
    case LayerKind::kFc1: return a.gated_mlp ? "fc1" : "fc1, " + std::string(name(a.activation));
    case LayerKind::kGate: return "gate";
    case LayerKind::kFc2: return "fc2";
    case LayerKind::kLastBlock: return "last block's class token";
    case LayerKind::kReadOut: return "read-out";
  }
  return {};
}

struct LayerSteps::Impl {
  Impl(std::shared_ptr<const VisionTransformer> transformer, std::span<const float> pixels)
      : model(std::move(transformer)),
        a(model->architecture()),
        weights(model->impl().weights),
        precision(model->info().precision),
        patches(pixels),
        batch(pixels.size() / (a.grid().size() * a.patch_dim())),
        rows(batch * a.tokens()),
        leading(EncoderBlock::leading_tokens(a)),
        x(rows * a.embed_dim),
        normed(x.size()),
        shared(rows * std::max(4 * a.embed_dim, a.fc1_dim() + (a.gated_mlp ? a.mlp_hidden_dim : 0))),
        patch_embed(patch_embed_precision(precision), {a.grid().size(), a.patch_dim(), a.embed_dim, true}, workspace),
        qkv(precision, {rows, a.embed_dim, 3 * a.embed_dim}, workspace),
        attention({a.tokens(), a.num_heads, a.head_dim()}, attention_precision(precision)),
        all_tokens(a, precision, rows, workspace),
        pooling(a, precision, workspace),
        results(batch) {
    if (leading > 0) class_tokens = std::make_unique<AfterAttention>(a, precision, batch * leading, workspace);
    add_patch_embed();
    for (std::size_t block = 0; block < a.depth; ++block) add_block(block);
    add_read_out();
  }

  void add(LayerKind kind, double flops, double bytes, std::function<void()> run) {
    steps.push_back({kind, flops, bytes, std::move(run)});
  }

  /// Of what was handed over.
  void add_linear(LayerKind kind, const LinearLayer& linear, const nn::LinearWeights& own, std::span<const float> in,
                  std::span<float> out) {
    add(kind, linear.flops(), linear.bytes(own),
        [&layer = *linear.layer, &own, in, out] { layer.multiply(own, in, out, {}); });
  }

  void normalize(const NormWeights& norm, std::span<const float> in, std::span<float> out,
                 const nn::RowsDone& done) const {
    const std::size_t features = norm.weight.size();
    nn::normalize(norm_shape(a, in.size() / features, features), norm.weight, norm.bias, {in.data(), features},
                  {out.data(), features}, done);
  }

  /// And what it hands over to the layer behind it.
  void add_norm(LayerKind kind, const NormWeights& norm, std::span<const float> in, std::span<float> out,
                nn::Linear& next, const nn::LinearWeights& of_next) {
    add(kind, norm_flops(a, in.size()), 2 * kFloat * static_cast<double>(in.size()),
        [this, &norm, in, out, &next, &of_next] { normalize(norm, in, out, next.packer(of_next, out)); });
  }

  /// Of one image: patches [T, 3·P·P] → tokens [N, D], as Session does.
  void embed(std::size_t image) {
    const std::size_t pixels = a.grid().size() * a.patch_dim();
    const std::span<float> tokens = x.span().subspan(image * a.tokens() * a.embed_dim, a.tokens() * a.embed_dim);
    std::copy(weights.prefix_tokens.begin(), weights.prefix_tokens.end(), tokens.begin());
    const std::span<float> of_patches = tokens.subspan(weights.prefix_tokens.size());
    if (weights.pos_embed.empty()) std::fill(of_patches.begin(), of_patches.end(), 0.0F);
    std::copy(weights.pos_embed.begin(), weights.pos_embed.end(), of_patches.begin());
    (*patch_embed.layer)(*weights.patch_embed, patches.subspan(image * pixels, pixels), of_patches);
    if (weights.norm_pre) normalize(weights.norm_pre, tokens, tokens, {});
  }

  void add_patch_embed() {
    const auto images = static_cast<double>(batch);
    add(LayerKind::kPatchEmbed, images * patch_embed.flops(), images * patch_embed.bytes(*weights.patch_embed), [this] {
      pooling.begin(batch);
      for (std::size_t image = 0; image < batch; ++image) embed(image);
    });
  }

  void add_block(std::size_t block) {
    const EncoderBlockWeights& own = weights.blocks[block];
    add_norm(LayerKind::kNorm, own.norm1, x.span(), normed.span(), *qkv.layer, *own.qkv);
    add_linear(LayerKind::kQkv, qkv, *own.qkv, normed.span(), shared.first(3 * x.size()));
    if (own.q_norm || own.k_norm || weights.rotary) add_query_key(own);
    const bool last = block + 1 == a.depth && leading > 0;
    add_behind_qkv(own, last ? *class_tokens : all_tokens, last ? leading : a.tokens());
    if (a.read_out_blocks > 1) {
      add(LayerKind::kReadOut, 0, 0, [this, block] { pooling.note_class_tokens(block, x.span()); });
    }
  }

  /// x += proj(attention), x += mlp(norm(x)) for the first tokens of each image: all, or in the last block those that
  /// are read. These are one kind of their own: a few rows against all weights are bound by other things than matrices.
  /// @param tokens  of each image
  void add_behind_qkv(const EncoderBlockWeights& own, const AfterAttention& layers, std::size_t tokens) {
    const auto kind_of = [&](LayerKind kind) { return tokens < a.tokens() ? LayerKind::kLastBlock : kind; };
    const std::size_t some = batch * tokens;                   // rows
    const std::span<float> y = x.first(some * a.embed_dim);    // [some, D]
    const std::span<float> y_normed = normed.first(y.size());  // [some, D]
    const std::span<float> mixed = shared.span().subspan(3 * x.size(), y.size());
    const std::span<float> wide = shared.first(some * a.fc1_dim());  // [some, F or 2F]
    const std::span<float> hidden =                                  // [some, F]
        a.gated_mlp ? shared.span().subspan(rows * a.fc1_dim(), some * a.mlp_hidden_dim) : wide;
    add(kind_of(LayerKind::kAttention), attention_flops(tokens), attention_bytes(own, tokens),
        [this, &own, tokens] { attend(own, tokens); });
    add(kind_of(LayerKind::kProj), layers.proj.flops(), layers.proj.bytes(*own.proj),
        [&layer = *layers.proj.layer, &own, mixed, y] { layer(*own.proj, mixed, y); });
    add_norm(kind_of(LayerKind::kNorm), own.norm2, y, y_normed, *layers.fc1.layer, *own.fc1);
    nn::Linear& fc2 = *layers.fc2.layer;
    add(kind_of(LayerKind::kFc1), layers.fc1.flops(), layers.fc1.bytes(*own.fc1),
        [this, &layer = *layers.fc1.layer, &fc2, &own, y_normed, wide] {
          if (a.gated_mlp) return layer.multiply(*own.fc1, y_normed, wide, {});
          const nn::RowsDone hand_over = fc2.packer(*own.fc2, wide);
          layer.multiply(*own.fc1, y_normed, wide, [&](std::size_t first, std::size_t count) {
            const std::span<float> rows_done = nn::rows_of(wide, a.mlp_hidden_dim, first, count);
            nn::activate(a.activation, own.fc2->precision(), rows_done, rows_done);
            if (hand_over && !own.mlp_norm) hand_over(first, count);
          });
        });
    if (a.gated_mlp) {
      const auto values = static_cast<double>(hidden.size());
      add(kind_of(LayerKind::kGate), 4 * values, 3 * kFloat * values, [this, &fc2, &own, some, wide, hidden] {
        nn::silu_gate(some, a.mlp_hidden_dim, wide, hidden);
        if (!own.mlp_norm) fc2.pack(*own.fc2, hidden);
      });
    }
    if (own.mlp_norm) add_norm(kind_of(LayerKind::kNorm), own.mlp_norm, hidden, hidden, fc2, *own.fc2);
    add_linear(kind_of(LayerKind::kFc2), layers.fc2, *own.fc2, hidden, y);
  }

  void add_query_key(const EncoderBlockWeights& own) {
    const auto values = static_cast<double>(2 * x.size());  // of q and k
    const double norms = own.q_norm ? norm_flops(a, 2 * x.size()) : 0;
    add(LayerKind::kQueryKey, norms + (weights.rotary ? 3 * values : 0), 2 * kFloat * values, [this, &own] {
      for (std::size_t image = 0; image < batch; ++image) {
        const std::span<float> of_image = qkv_of(image);
        normalize_heads(own.q_norm, of_image);
        normalize_heads(own.k_norm, of_image.subspan(a.embed_dim));
        if (weights.rotary) nn::rotate(*weights.rotary, a.num_prefix_tokens, a.num_heads, of_image);
      }
    });
  }

  /// @param first_head  from the first value of the first head on; tokens lie 3D apart
  void normalize_heads(const NormWeights& norm, std::span<float> first_head) const {
    if (!norm) return;
    for (std::size_t head = 0; head < a.num_heads; ++head) {
      float* values = first_head.data() + head * a.head_dim();
      nn::normalize(norm_shape(a, a.tokens(), a.head_dim()), norm.weight, norm.bias, {values, 3 * a.embed_dim},
                    {values, 3 * a.embed_dim});
    }
  }

  [[nodiscard]] std::span<float> qkv_of(std::size_t image) {
    const std::size_t size = 3 * a.tokens() * a.embed_dim;
    return shared.span().subspan(image * size, size);
  }

  /// The heads' outputs, and x, of the first `queries` tokens of each image move together.
  void attend(const EncoderBlockWeights& own, std::size_t queries) {
    const std::size_t size = a.tokens() * a.embed_dim;
    const std::size_t kept = queries * a.embed_dim;
    const std::span<float> mixed = shared.span().subspan(3 * x.size(), x.size());
    for (std::size_t image = 0; image < batch; ++image) {
      attention(qkv_of(image), queries, own.attention_bias, mixed.subspan(image * size, size), {});
    }
    if (queries == a.tokens()) return;
    for (const std::span<float> moved : {x.span(), mixed}) {  // [n, N, D] → [n, queries, D]
      for (std::size_t image = 1; image < batch; ++image) {
        std::copy_n(moved.data() + image * size, kept, moved.data() + image * kept);
      }
    }
  }

  /// q·kᵀ and a·v.
  [[nodiscard]] double attention_flops(std::size_t queries) const {
    return 4 * static_cast<double>(batch * queries * a.tokens() * a.embed_dim);
  }
  /// k and v of all tokens, q and the heads' outputs of the queries.
  [[nodiscard]] double attention_bytes(const EncoderBlockWeights& own, std::size_t queries) const {
    const std::size_t values = batch * 2 * (a.tokens() + queries) * a.embed_dim;
    const std::size_t biases = own.attention_bias.empty() ? 0 : a.num_heads * queries * a.tokens();
    return kFloat * static_cast<double>(values + biases);
  }

  void add_read_out() {
    const std::size_t tokens = leading > 0 ? leading : a.tokens();  // of each image
    const std::size_t heads = a.read_out == ReadOut::kClassAndDistToken ? 2 : 1;
    const auto outputs = static_cast<double>(heads * a.num_classes + a.projection_dim);
    const auto seen = static_cast<double>(a.grid().size() + (a.pool_sees_prefix ? a.num_prefix_tokens : 0));
    const auto width = static_cast<double>(a.embed_dim);
    auto parameters = static_cast<double>(a.pooled_dim() * (heads * a.num_classes + a.projection_dim));
    double flops = 2 * parameters;
    double bytes = kFloat * (static_cast<double>(tokens) * width + outputs);
    if (a.read_out == ReadOut::kAttentionPool) {
      const double of_one_row = width * width + 2 * width * static_cast<double>(a.pool_hidden_dim);
      parameters += 2 * width * width + of_one_row;
      flops += seen * 4 * width * width + 4 * seen * width + 2 * of_one_row;
    }
    bytes += packed_bytes(read_out_precision(precision)) * parameters;
    add(LayerKind::kReadOut, static_cast<double>(batch) * flops, static_cast<double>(batch) * bytes, [this, tokens] {
      const std::size_t values = tokens * a.embed_dim;
      for (std::size_t image = 0; image < batch; ++image) {
        results[image] = pooling(weights, image, x.span().subspan(image * values, values), {});
      }
    });
  }

  std::shared_ptr<const VisionTransformer> model;
  const Architecture& a;
  const ModelWeights& weights;
  Precision precision;
  std::span<const float> patches;
  std::size_t batch;            // n
  std::size_t rows;             // n·N
  std::size_t leading;          // tokens of each image that are read out behind the last block; 0: all
  AlignedBuffer<float> x;       // [n·N, D]
  AlignedBuffer<float> normed;  // [n·N, D]
  AlignedBuffer<float> shared;  // qkv [n·N, 3D] and mixed [n·N, D], then the MLP's hidden layers
  nn::Workspace workspace;
  LinearLayer patch_embed;
  LinearLayer qkv;
  nn::Attention attention;
  AfterAttention all_tokens;
  std::unique_ptr<AfterAttention> class_tokens;
  Pooling pooling;
  std::vector<ForwardResult> results;
  std::vector<LayerStep> steps;
};

LayerSteps::LayerSteps(std::shared_ptr<const VisionTransformer> model, std::span<const float> patches)
    : impl_(std::make_unique<Impl>(std::move(model), patches)) {}
LayerSteps::~LayerSteps() = default;

std::span<const LayerStep> LayerSteps::steps() const noexcept {
  return impl_->steps;
}

std::span<const ForwardResult> LayerSteps::results() const noexcept {
  return impl_->results;
}

}  // namespace fovea
