#include "model/weights/tensor_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/numerics.hpp"
#include "base/random.hpp"
#include "fovea/error.hpp"
#include "model/learned/learned_file.hpp"
#include "model/quantize/quantized_file.hpp"
#include "model/weights/stored_part.hpp"

namespace fovea {
namespace {

/// @throws Error  kCheckpoint, naming the tensor.
void require_finite(const TensorView& tensor, std::span<const float> values) {
  if (all_finite(values)) return;
  const auto bad = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  throw Error(
      ErrorCode::kCheckpoint,
      fmt::format("tensor '{}': value {} is {}, expected finite numbers", tensor.name, bad - values.begin(), *bad),
      "the file is damaged, or its training diverged: get the checkpoint anew, or an earlier one");
}

void read_finite(const TensorView& tensor, std::span<float> values) {
  to_float(tensor, values);
  require_finite(tensor, values);
}

class CheckpointSource final : public TensorSource {
 public:
  CheckpointSource(const Checkpoint& checkpoint, const Naming& naming, const Architecture& architecture)
      : checkpoint_(checkpoint),
        naming_(naming),
        a_(architecture),
        quantized_(checkpoint.metadata().contains(std::string(kQuantizedKey))),
        temperature_(learned_temperature(checkpoint, "the checkpoint")) {}

  [[nodiscard]] bool has(Role role, Part part) const override { return naming_.rule(role, part) != nullptr; }

  void read(Role role, Part part, std::size_t block, std::span<float> values) const override {
    read_stored(role, part, block, values);
    if (is_heated(role)) {
      for (float& value : values) value = static_cast<float>(static_cast<double>(value) / temperature_);
    }
    if (role != Role::kQkv || part != Part::kBias || !has(Role::kQkvBiasMask, Part::kWeight)) return;
    std::vector<float> mask(values.size());
    read_stored(Role::kQkvBiasMask, Part::kWeight, block, mask);
    for (std::size_t i = 0; i < mask.size(); ++i) values[i] *= mask[i];
  }

  [[nodiscard]] std::span<const float> in_place(Role role, Part part, std::size_t block) const override {
    const TensorRule* rule = naming_.rule(role, part);
    if (rule->layout != Layout::kOutIn || is_heated(role) || stored_part(*rule, a_, block)) return {};
    const TensorView* tensor = tensor_of(role, part, block);
    const std::span<const float> values = floats_in_place(*tensor);
    require_finite(*tensor, values);
    return values;
  }

  void forget() const noexcept override { checkpoint_.forget(); }

  [[nodiscard]] std::optional<Precision> stored_in(Role role, std::size_t block) const override {
    if (!quantized_) return std::nullopt;
    const DType type = tensor_of(role, Part::kWeight, block)->dtype;
    return type == DType::kI8 ? Precision::kInt8 : type == DType::kBF16 ? Precision::kBf16 : Precision::kF32;
  }

  void read_integers(Role role, std::size_t block, std::span<std::int8_t> integers,
                     std::span<float> scales) const override {
    const TensorView* tensor = tensor_of(role, Part::kWeight, block);
    assert(tensor->dtype == DType::kI8);
    const TensorView* scale = checkpoint_.find(tensor->name + std::string(kScaleSuffix));
    const TensorRule* rule = naming_.rule(role, Part::kWeight);
    const auto some = stored_part(*rule, a_, block);
    assert(scale != nullptr && (some || scale->numel() == scales.size()));
    if (some) {
      gather<float>({some->rows, 0}, to_float(*scale), 1, scales);
    } else {
      to_float(*scale, scales);
    }
    if (!std::all_of(scales.begin(), scales.end(), [](float s) { return s >= 0.0F && std::isfinite(s); })) {
      throw Error(
          ErrorCode::kCheckpoint,
          fmt::format("tensor '{}' holds a number that is no scale, expected finite ones from 0 on", scale->name),
          "the file is damaged: `fovea quantize` writes it anew from the model's own checkpoint");
    }
    std::vector<std::int8_t> stored;
    stored.reserve(tensor->numel());
    visit_bytes(*tensor, [&](std::span<const std::byte> run) {
      for (const std::byte byte : run) stored.push_back(static_cast<std::int8_t>(byte));
    });
    if (some) {
      gather<std::int8_t>(*some, stored, stored.size() / tensor->shape[0], integers);
    } else if (rule->layout == Layout::kOutIn) {
      std::copy(stored.begin(), stored.end(), integers.begin());
    } else {
      transpose<std::int8_t>(stored, stored.size() / scales.size(), scales.size(), integers);
    }
  }

 private:
  /// Scores divided by a temperature are those of a head that is: so every pass computes the same.
  [[nodiscard]] bool is_heated(Role role) const {
    return temperature_ != 1 && (role == Role::kHead || role == Role::kHeadDist);
  }

  void read_stored(Role role, Part part, std::size_t block, std::span<float> values) const {
    const TensorRule* rule = naming_.rule(role, part);
    const TensorView* tensor = tensor_of(role, part, block);
    if (tensor->dtype == DType::kI8) return read_scaled(role, block, values);
    if (const auto some = stored_part(*rule, a_, block)) {
      const std::vector<float> whole = to_float(*tensor);
      gather<float>(*some, whole, whole.size() / tensor->shape[0], values);
      return require_finite(*tensor, values);
    }
    assert(tensor->numel() == values.size());
    if (rule->layout == Layout::kOutIn) return read_finite(*tensor, values);
    std::vector<float> stored(values.size());
    read_finite(*tensor, stored);
    const std::vector<std::size_t>& shape = tensor->shape;
    if (rule->layout == Layout::kOutHwi) {
      // [D, P·P, 3] → [D, 3, P·P]
      const std::size_t pixels = shape[1] / 3;
      for (std::size_t filter = 0; filter < shape[0]; ++filter) {
        transpose<float>(std::span(stored).subspan(filter * shape[1], shape[1]), pixels, 3,
                         values.subspan(filter * shape[1], shape[1]));
      }
      return;
    }
    if (rule->layout == Layout::kHwio) {
      // [P, P, 3, D] → [P·P, 3, D]: of each of the three colours [P·P, D] → [D, 3, P·P]
      const std::size_t pixels = shape[0] * shape[1];
      const std::size_t colors = shape[2];
      const std::size_t out = shape[3];
      for (std::size_t i = 0; i < stored.size(); ++i) {
        const std::size_t pixel = i / (colors * out);
        const std::size_t color = i / out % colors;
        values[(i % out * colors + color) * pixels + pixel] = stored[i];
      }
      return;
    }
    const std::size_t out = out_features(naming_, *rule, shape);
    transpose<float>(stored, values.size() / out, out, values);
  }

  [[nodiscard]] const TensorView* tensor_of(Role role, Part part, std::size_t block) const {
    const TensorRule* rule = naming_.rule(role, part);
    assert(rule != nullptr);
    const TensorView* tensor = checkpoint_.find(naming_.tensor_name(*rule, block));
    assert(tensor != nullptr);
    return tensor;
  }

  void read_scaled(Role role, std::size_t block, std::span<float> values) const {
    const TensorView* tensor = tensor_of(role, Part::kWeight, block);
    const TensorView* scale = checkpoint_.find(tensor->name + std::string(kScaleSuffix));
    assert(scale != nullptr);
    const auto some = stored_part(*naming_.rule(role, Part::kWeight), a_, block);
    std::vector<std::int8_t> integers(values.size());
    std::vector<float> scales(some ? some->rows.size() : scale->numel());
    read_integers(role, block, integers, scales);
    const std::size_t in = values.size() / scales.size();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(integers[i]) * scales[i / in];
  }

  const Checkpoint& checkpoint_;
  const Naming& naming_;
  const Architecture& a_;
  bool quantized_;
  double temperature_;
};

class RandomSource final : public TensorSource {
 public:
  RandomSource(Architecture architecture, std::uint64_t seed) : a_(std::move(architecture)), seed_(seed) {}

  [[nodiscard]] bool has(Role role, Part part) const override {
    using enum Role;
    const bool pool = a_.read_out == ReadOut::kAttentionPool;
    const bool distilled = a_.read_out == ReadOut::kClassAndDistToken;
    const bool norm_part = part == Part::kWeight || !a_.rms_norm;
    switch (role) {
      case kClassToken: return a_.num_prefix_tokens > a_.num_register_tokens;
      case kDistToken:
      case kHeadDist: return distilled;
      case kRegisterTokens: return a_.num_register_tokens > 0;
      case kPosEmbed: return a_.pos_embed;
      case kEmbedNorm: return a_.embed_norm && norm_part;
      case kNormPre: return a_.norm_pre && norm_part;
      case kQNorm:
      case kKNorm: return a_.qk_norm && norm_part;
      case kRopeFrequencies: return a_.rope == Rope::kMixed;
      case kRelativePosition: return a_.relative_position_bias && a_.rel_pos_hidden_dim == 0;
      case kRelPosFc1:
      case kRelPosFc2: return a_.rel_pos_hidden_dim > 0;
      case kLambdaQ1:
      case kLambdaK1:
      case kLambdaQ2:
      case kLambdaK2: return a_.differential_attention;
      case kSubNorm: return a_.differential_attention && part == Part::kWeight;
      case kAttentionNorm: return a_.attention_norm && norm_part;
      case kMlpNorm: return a_.mlp_norm && norm_part;
      case kNorm: return a_.final_norm && norm_part;
      case kFcNorm: return a_.fc_norm && norm_part;
      case kNorm1: return norm_part;
      case kNorm2: return !a_.parallel_mlp && norm_part;
      case kPoolNorm: return pool && norm_part;
      case kPoolLatent:
      case kPoolQuery:
      case kPoolKeyValue:
      case kPoolProj:
      case kPoolFc1:
      case kPoolFc2: return pool;
      case kHead: return a_.num_classes > 0;
      case kProjection: return a_.projection_dim > 0 && part == Part::kWeight;
      case kPatchEmbed:
      case kQkv:
      case kProj:
      case kFc1:
      case kFc2: return true;
      default: return false;
    }
  }

  void read(Role role, Part part, std::size_t block, std::span<float> values) const override {
    using enum Role;
    constexpr std::array kNorms{kEmbedNorm,     kNormPre, kNorm1,   kQNorm, kKNorm,    kSubNorm,
                                kAttentionNorm, kNorm2,   kMlpNorm, kNorm,  kPoolNorm, kFcNorm};
    const bool norm = std::find(kNorms.begin(), kNorms.end(), role) != kNorms.end();
    const float centre = norm && part == Part::kWeight ? 1.0F : 0.0F;
    constexpr float kSpread = 0.035F;  // uniform in ±0.035: a standard deviation of 0.02, as ViTs are initialised
    const std::uint64_t tensor =
        (2 * static_cast<std::uint64_t>(role) + static_cast<std::uint64_t>(part)) * 1009U + block;
    Random random(seed_ * 1'000'003U + tensor);  // a stream for each tensor from one seed
    for (float& value : values) {
      const auto unit = static_cast<float>(random.bits() >> 40U) * 0x1p-24F;  // [0, 1)
      value = centre + kSpread * (2.0F * unit - 1.0F);
    }
  }

 private:
  Architecture a_;
  std::uint64_t seed_;
};

}  // namespace

std::span<const float> TensorSource::in_place(Role /*role*/, Part /*part*/, std::size_t /*block*/) const {
  return {};
}

std::optional<Precision> TensorSource::stored_in(Role /*role*/, std::size_t /*block*/) const {
  return std::nullopt;
}

void TensorSource::read_integers(Role /*role*/, std::size_t /*block*/, std::span<std::int8_t> /*integers*/,
                                 std::span<float> /*scales*/) const {
  assert(false && "only of weights that stored_in() says are integers");
}

std::vector<float> read_values(const TensorSource& source, Role role, Part part, std::size_t block, std::size_t count) {
  if (!source.has(role, part)) return {};
  std::vector<float> values(count);
  source.read(role, part, block, values);
  return values;
}

std::unique_ptr<TensorSource> checkpoint_source(const Checkpoint& checkpoint, const Naming& naming,
                                                const Architecture& architecture) {
  return std::make_unique<CheckpointSource>(checkpoint, naming, architecture);
}

std::unique_ptr<TensorSource> random_source(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<RandomSource>(architecture, seed);
}

}  // namespace fovea
