#include "model/forward/layer_cost.hpp"

#include <cstdint>
#include <utility>

#include "model/forward/encoder_block.hpp"
#include "model/forward/vision_transformer.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/precisions.hpp"

namespace fovea {
namespace {

constexpr double kFloat = sizeof(float);  // bytes

double packed_bytes(Precision precision) {  // of one weight
  if (precision == Precision::kInt8) return sizeof(std::int8_t);
  const std::size_t parts = nn::bf16_parts(precision);
  return parts == 0 ? kFloat : static_cast<double>(parts) * sizeof(std::uint16_t);
}

class Costs {
 public:
  Costs(const Architecture& architecture, const CostSetting& setting)
      : a_(architecture), setting_(setting), rows_(setting.batch * architecture.tokens()) {}

  std::vector<LayerCost> take() && { return std::move(costs_); }

  void patch_embed() {
    const std::size_t patches = a_.grid().size();
    LayerCost one = linear(LayerKind::kPatchEmbed, patches, {a_.embed_dim, a_.patch_dim()}, true, kPatchEmbedPrecision);
    one.products *= images();  // one image after the other
    one.bytes *= images();
    costs_.push_back(one);
  }

  void block(std::size_t index) {
    block_ = index;
    leading_only_ = false;
    if (!a_.norm_after) norm(rows_ * a_.embed_dim);
    block_linear(LayerKind::kQkv, BlockLayer::kQkv, rows_);
    if (a_.qk_norm || a_.rope != Rope::kNone) query_key();
    const std::size_t leading = EncoderBlock::leading_tokens(a_);
    leading_only_ = leading > 0 && !setting_.all_tokens && index + 1 == a_.depth;
    after_qkv(leading_only_ ? leading : a_.tokens());
  }

  void read_out() {
    const std::size_t leading = EncoderBlock::leading_tokens(a_);
    const std::size_t tokens = leading > 0 ? leading : a_.tokens();  // of each image
    const std::size_t heads = a_.read_out == ReadOut::kClassAndDistToken ? 2 : 1;
    const auto outputs = static_cast<double>(heads * a_.num_classes + a_.projection_dim);
    const auto width = static_cast<double>(a_.embed_dim);
    auto parameters = static_cast<double>(a_.pooled_dim()) * outputs;
    double products = 2 * parameters;
    if (a_.read_out == ReadOut::kAttentionPool) {  // one query, known beforehand, and an MLP for one row
      const auto seen = static_cast<double>(a_.grid().size() + (a_.pool_sees_prefix ? a_.num_prefix_tokens : 0));
      const double of_one_row = width * width + 2 * width * static_cast<double>(a_.pool_hidden_dim);
      parameters += 2 * width * width + of_one_row;
      products += seen * 4 * width * width + 4 * seen * width + 2 * of_one_row;
    }
    const double bytes = kFloat * (static_cast<double>(tokens) * width + outputs) +
                         packed_bytes(read_out_precision(setting_.precision)) * parameters;
    costs_.push_back({LayerKind::kReadOut, 0, images() * products, 0, images() * bytes});
  }

 private:
  [[nodiscard]] double images() const { return static_cast<double>(setting_.batch); }
  [[nodiscard]] LayerKind kind(LayerKind layer) const { return cost_kind(layer, leading_only_); }

  [[nodiscard]] LayerCost linear(LayerKind layer, std::size_t rows, LayerSize size, bool accumulate,
                                 Precision packed) const {
    const std::size_t outputs = rows * size.out;
    const std::size_t values = rows * size.in + size.out + outputs + (accumulate ? outputs : 0);
    return {layer, block_, 2 * static_cast<double>(rows * size.in * size.out), 0,
            packed_bytes(packed) * static_cast<double>(size.in * size.out) + kFloat * static_cast<double>(values)};
  }

  void block_linear(LayerKind layer, BlockLayer weights, std::size_t rows) {
    const bool accumulate = !a_.norm_after && (weights == BlockLayer::kProj || weights == BlockLayer::kFc2);
    const Precision packed = setting_.packed_in ? setting_.packed_in(block_, weights) : setting_.precision;
    costs_.push_back(linear(kind(layer), rows, size_of(weights, a_), accumulate, packed));
  }

  [[nodiscard]] double norm_operations(std::size_t values) const {
    return (a_.rms_norm ? 4.0 : 8.0) * static_cast<double>(values);
  }
  void norm(std::size_t values) {
    costs_.push_back(
        {kind(LayerKind::kNorm), block_, 0, norm_operations(values), 2 * kFloat * static_cast<double>(values)});
  }

  void query_key() {
    const auto values = static_cast<double>(2 * rows_ * a_.embed_dim);  // of q and k
    const double norms = a_.qk_norm ? norm_operations(2 * rows_ * a_.embed_dim) : 0;
    const double rotation = a_.rope != Rope::kNone ? 3 * values : 0;
    costs_.push_back({LayerKind::kQueryKey, block_, 0, norms + rotation, 2 * kFloat * values});
  }

  /// q·kᵀ and a·v; k and v of all tokens, q and the heads' outputs of the queries.
  void attention(std::size_t queries) {
    const std::size_t values = setting_.batch * 2 * (a_.tokens() + queries) * a_.embed_dim;
    const std::size_t biases = a_.relative_position_bias ? a_.num_heads * queries * a_.tokens() : 0;
    costs_.push_back({kind(LayerKind::kAttention), block_,
                      4 * static_cast<double>(setting_.batch * queries * a_.tokens() * a_.embed_dim), 0,
                      kFloat * static_cast<double>(values + biases)});
  }

  /// @param tokens  of each image: all, or in the last block those that are read. These are one kind of their own: a
  ///                few rows against all weights are bound by other things than matrices.
  void after_qkv(std::size_t tokens) {
    const std::size_t rows = setting_.batch * tokens;
    attention(tokens);
    if (a_.attention_norm || a_.differential_attention) norm(rows * a_.embed_dim);
    block_linear(LayerKind::kProj, BlockLayer::kProj, rows);
    if (!a_.parallel_mlp) norm(rows * a_.embed_dim);  // before the MLP, or after the attention
    block_linear(LayerKind::kFc1, BlockLayer::kFc1, rows);
    const auto hidden = static_cast<double>(rows * a_.mlp_hidden_dim);
    if (a_.gated_mlp) costs_.push_back({kind(LayerKind::kGate), block_, 0, 4 * hidden, 3 * kFloat * hidden});
    if (a_.mlp_norm) norm(rows * a_.mlp_hidden_dim);
    block_linear(LayerKind::kFc2, BlockLayer::kFc2, rows);
    if (a_.norm_after) norm(rows * a_.embed_dim);
  }

  const Architecture& a_;
  const CostSetting& setting_;
  std::size_t rows_;  // n·N
  std::size_t block_ = 0;
  bool leading_only_ = false;  // whether the layers are those of the leading tokens only
  std::vector<LayerCost> costs_;
};

}  // namespace

std::vector<LayerCost> layer_cost(const Architecture& a, const CostSetting& setting) {
  Costs costs(a, setting);
  costs.patch_embed();
  for (std::size_t block = 0; block < a.depth; ++block) costs.block(block);
  costs.read_out();
  return std::move(costs).take();
}

std::vector<LayerCost> layer_cost(const VisionTransformer& model, std::size_t batch) {
  const std::vector<EncoderBlockWeights>& blocks = ModelAccess::impl(model).shared->weights.blocks;
  return layer_cost(model.architecture(),
                    {batch, model.info().precision, false,
                     [&](std::size_t block, BlockLayer layer) { return linear_of(blocks[block], layer).precision(); }});
}

double gflop_per_image(const Architecture& a) {
  double products = 0;
  for (const LayerCost& layer : layer_cost(a, {})) products += layer.products;
  return 1e-9 * products;
}

LayerKind cost_kind(LayerKind kind, bool leading_only) noexcept {
  return leading_only ? LayerKind::kLastBlock : kind;
}

std::string name(LayerKind kind, const Architecture& a) {
  switch (kind) {
    case LayerKind::kPatchEmbed: return "patch embedding";
    case LayerKind::kNorm: return "norms";
    case LayerKind::kQkv: return "qkv";
    case LayerKind::kQueryKey: return a.rope == Rope::kNone ? "q and k norms" : "rotation of q and k";
    case LayerKind::kAttention: return "attention";
    case LayerKind::kProj: return "proj";
    case LayerKind::kTokenReduction: return "token reduction";
    case LayerKind::kFc1: return a.gated_mlp ? "fc1" : "fc1, " + std::string(name(a.activation));
    case LayerKind::kGate: return "gate";
    case LayerKind::kFc2: return "fc2";
    case LayerKind::kLastBlock: return "last block's class token";
    case LayerKind::kReadOut: return "read-out";
  }
  return {};
}

}  // namespace fovea
