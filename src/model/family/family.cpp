#include "model/family/family.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "fovea/error.hpp"

namespace fovea {
namespace {

void replace_mark(std::string& text, std::string_view mark, std::string_view by) {
  if (const std::size_t at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), by);
}

std::string spelled_out(std::string name, std::string_view prefix, std::size_t block) {
  replace_mark(name, "@", prefix);
  replace_mark(name, "{}", std::to_string(block));
  return name;
}

/// Reads sizes from the tensors.
class SizeReader {
 public:
  SizeReader(const Naming& naming, const Checkpoint& checkpoint, std::string_view file)
      : naming_(naming), checkpoint_(checkpoint), file_(file) {}

  /// The size along the axis on which the rule of `role` has `dim`; 0 if the model has no such tensor, or axis.
  [[nodiscard]] std::size_t size(Role role, Dim dim, std::size_t block = 0) const {
    const TensorRule* rule = naming_.rule(role, Part::kWeight);
    if (rule == nullptr) return 0;
    const auto axis = std::find(rule->shape.begin(), rule->shape.end(), dim) - rule->shape.begin();
    if (static_cast<std::size_t>(axis) == rule->shape.size()) return 0;
    const std::string name = naming_.tensor_name(*rule, block);
    const TensorView* tensor = checkpoint_.find(name);
    if (tensor == nullptr) {
      throw Error(
          ErrorCode::kCheckpoint,
          fmt::format("{}: tensor '{}' is missing, expected in a checkpoint of {}", file_, name, naming_.family().name),
          "`fovea inspect -v` lists a checkpoint's tensors");
    }
    if (tensor->shape.size() != rule->shape.size()) {
      throw Error(ErrorCode::kCheckpoint,
                  fmt::format("{}: tensor '{}' is {}, expected {} sizes", file_, name, shape_text(tensor->shape),
                              rule->shape.size()),
                  "the file may hold another kind of model");
    }
    return tensor->shape[static_cast<std::size_t>(axis)];
  }

  [[nodiscard]] std::size_t blocks() const {
    const TensorRule* rule = naming_.rule(Role::kNorm1, Part::kWeight);
    assert(rule != nullptr);
    std::size_t count = 0;
    while (checkpoint_.find(naming_.tensor_name(*rule, count)) != nullptr) ++count;
    return count;
  }

 private:
  const Naming& naming_;
  const Checkpoint& checkpoint_;
  std::string_view file_;
};

/// The number of heads, if a tensor has an axis for them (Google, BEiT, RoPE-ViT) or is as wide as one of them; else 0.
std::size_t infer_heads(const SizeReader& reader, std::size_t embed_dim) {
  for (const Role role : {Role::kQuery, Role::kRelativePosition, Role::kRelPosFc2, Role::kRopeFrequencies}) {
    if (const std::size_t heads = reader.size(role, Dim::kHeads)) return heads;
  }
  const std::size_t head_dim =
      std::max(reader.size(Role::kQNorm, Dim::kHeadDim), 2 * reader.size(Role::kLambdaQ1, Dim::kHalfHeadDim));
  return head_dim > 0 ? embed_dim / head_dim : 0;
}

/// Empty if each head has keys and values of its own in every block.
std::vector<std::size_t> infer_kv_dims(const SizeReader& reader, const Architecture& a) {
  std::vector<std::size_t> widths;
  for (std::size_t block = 0; block < a.depth; ++block) {
    const std::size_t width = reader.size(Role::kKey, Dim::kKeyValue, block);
    if (width == 0) return {};
    widths.push_back(width);
  }
  const bool shared =
      std::any_of(widths.begin(), widths.end(), [&](std::size_t width) { return width != a.embed_dim; });
  return shared ? widths : std::vector<std::size_t>();
}

/// The width of the MLP, which a tensor may have beside qkv's.
std::size_t infer_mlp_hidden_dim(const SizeReader& reader, std::size_t embed_dim) {
  if (const std::size_t width = reader.size(Role::kFc2, Dim::kMlpHidden)) return width;
  const std::size_t both = reader.size(Role::kFc1, Dim::kMlpAndThreeEmbed);
  return both - std::min(both, 3 * embed_dim);
}

/// The read-out, as far as the tensors reveal it.
ReadOut infer_read_out(const Naming& naming, const Architecture& a) {
  if (naming.rule(Role::kHeadDist, Part::kWeight) != nullptr) return ReadOut::kClassAndDistToken;
  if (naming.rule(Role::kPoolLatent, Part::kWeight) != nullptr) return ReadOut::kAttentionPool;
  const Conventions& conventions = naming.family().conventions;
  const ReadOut usual = a.num_classes > 0 ? conventions.read_out_with_head : conventions.read_out;
  const bool needs_class_token = usual != ReadOut::kPatchMean;
  const bool has_class_token = naming.rule(Role::kClassToken, Part::kWeight) != nullptr;
  return a.fc_norm || (needs_class_token && !has_class_token) ? ReadOut::kPatchMean : usual;
}

}  // namespace

Naming::Naming(const Family& family, std::string prefix, const Checkpoint& checkpoint)
    : family_(&family), prefix_(std::move(prefix)) {
  for (const TensorRule& rule : family_->rules) {
    // The first block decides for all. If an option's tensors are in one block only, the error names the others.
    if (rule.options.empty() || checkpoint.find(tensor_name(rule)) == nullptr) continue;
    options_.insert(rule.options.begin(), rule.options.end());
  }
}

const TensorRule* Naming::rule(Role role, Part part) const {
  const auto& rules = family_->rules;
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const TensorRule& rule) {
    return rule.role == role && rule.part == part && in_use(rule);
  });
  return found == rules.end() ? nullptr : &*found;
}

std::string Naming::tensor_name(const TensorRule& rule, std::size_t block) const {
  return spelled_out(rule.name, prefix_, block);
}

bool Naming::in_use(const TensorRule& rule) const {
  return std::includes(options_.begin(), options_.end(), rule.options.begin(), rule.options.end());
}

std::optional<Naming> recognise_family(const Checkpoint& checkpoint, bool has_config) {
  for (const Family& family : families()) {
    if (has_config ? family.only_without_config : family.only_with_config) continue;
    for (const std::string& prefix : family.prefixes) {
      const auto present = [&](const std::string& name) {
        return checkpoint.find(spelled_out(name, prefix, 0)) != nullptr;
      };
      if (std::all_of(family.has.begin(), family.has.end(), present) &&
          std::none_of(family.has_not.begin(), family.has_not.end(), present)) {
        return Naming(family, prefix, checkpoint);
      }
    }
  }
  return std::nullopt;
}

Architecture infer_architecture(const Naming& naming, const Checkpoint& checkpoint, Architecture known,
                                std::string_view file) {
  const SizeReader reader(naming, checkpoint, file);
  const Family& family = naming.family();
  Architecture& a = known;
  a.family = family.name;
  a.norm_eps = family.conventions.norm_eps;
  a.activation = family.conventions.activation;
  a.embed_dim = reader.size(Role::kPatchEmbed, Dim::kEmbed);
  a.patch_size = reader.size(Role::kPatchEmbed, Dim::kPatch);
  a.depth = reader.blocks();
  a.num_heads = infer_heads(reader, a.embed_dim);
  a.mlp_hidden_dim = infer_mlp_hidden_dim(reader, a.embed_dim);
  a.num_classes = reader.size(Role::kHead, Dim::kClasses);
  a.num_register_tokens = reader.size(Role::kRegisterTokens, Dim::kRegisters);
  const auto has = [&](Role role) { return naming.rule(role, Part::kWeight) != nullptr; };
  a.num_prefix_tokens = (has(Role::kClassToken) ? 1U : 0U) + (has(Role::kDistToken) ? 1U : 0U) + a.num_register_tokens;

  a.rms_norm = !naming.has(Option::kNormBias);
  a.embed_norm = has(Role::kEmbedNorm);
  a.norm_pre = has(Role::kNormPre);
  a.parallel_mlp = !has(Role::kNorm2);  // the MLP has no norm of its own: it reads what the attention reads
  a.qk_norm = has(Role::kQNorm);
  a.attention_norm = has(Role::kAttentionNorm);
  a.differential_attention = has(Role::kLambdaQ1);
  a.kv_dims = infer_kv_dims(reader, a);
  a.mlp_norm = has(Role::kMlpNorm);
  a.rel_pos_hidden_dim = reader.size(Role::kRelPosFc1, Dim::kRelPosHidden);
  a.relative_position_bias = has(Role::kRelativePosition) || a.rel_pos_hidden_dim > 0;
  if (has(Role::kRopeFrequencies)) a.rope = Rope::kMixed;
  a.final_norm = has(Role::kNorm);
  a.fc_norm = has(Role::kFcNorm);
  a.pos_embed = has(Role::kPosEmbed);
  // The gate is a tensor of its own, or the first layer is twice as wide as the second layer's input.
  const std::size_t fc1 = reader.size(Role::kFc1, has(Role::kFc1Gate) ? Dim::kMlpHidden : Dim::kFc1Width);
  a.gated_mlp = has(Role::kFc1Gate) || (a.mlp_hidden_dim > 0 && fc1 == 2 * a.mlp_hidden_dim);
  a.pool_hidden_dim = reader.size(Role::kPoolFc1, Dim::kPoolHidden);
  a.projection_dim = reader.size(Role::kProjection, Dim::kProjectionWidth);
  a.read_out = infer_read_out(naming, a);
  if (a.read_out == ReadOut::kClassAndPatchMean && a.embed_dim > 0) {
    // DINOv2's heads read the class tokens of the last one or four blocks.
    const std::size_t widths = reader.size(Role::kHead, Dim::kPooled) / a.embed_dim;
    a.read_out_blocks = std::max<std::size_t>(widths, 2) - 1;
  }
  a.pos_embed_resampling = family.conventions.pos_embed_resampling;
  const bool dinov2 = a.family.find("DINOv2") != std::string::npos;
  if (dinov2 && a.num_register_tokens > 0) a.pos_embed_resampling = PosEmbedResampling::kAntialiased;
  return known;
}

std::size_t out_features(const Naming& naming, const TensorRule& rule, std::span<const std::size_t> shape) {
  if (rule.layout == Layout::kOutIn) return shape.front();
  const TensorRule* bias = naming.rule(rule.role, Part::kBias);
  const std::size_t out_axes = bias == nullptr ? 1 : bias->shape.size();
  std::size_t out = 1;
  for (const std::size_t size : shape.last(out_axes)) out *= size;
  return out;
}

std::size_t count_pos_embeddings(const Naming& naming, const Checkpoint& checkpoint) {
  const TensorRule* rule = naming.rule(Role::kPosEmbed, Part::kWeight);
  const TensorView* tensor = rule == nullptr ? nullptr : checkpoint.find(naming.tensor_name(*rule));
  return tensor == nullptr || tensor->shape.size() != rule->shape.size() ? 0 : tensor->shape[tensor->shape.size() - 2];
}

}  // namespace fovea
