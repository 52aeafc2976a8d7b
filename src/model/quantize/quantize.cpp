#include "model/quantize/quantize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "model/config/checkpoint_folder.hpp"
#include "model/forward/forward_pass.hpp"
#include "model/forward/vision_transformer.hpp"
#include "model/quantize/layer_noise.hpp"
#include "model/quantize/layer_visit.hpp"
#include "model/quantize/quantized_writer.hpp"
#include "model/quantize/rounded_model.hpp"
#include "model/quantize/rounding.hpp"
#include "model/weights/tensor_source.hpp"
#include "nn/kernels/int8_kernels.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {
namespace {

constexpr std::size_t kTraced = 8;  // pictures; each takes about as long as a dozen other pictures

/// What rounding costs is measured against float32, whatever this CPU would run a model in.
LoadOptions in_float32(const std::optional<Size>& image_size) {
  LoadOptions options;
  options.image_size = image_size;
  options.precision = Precision::kF32;
  return options;
}

/// What is known of a layer so far.
struct LayerState : LayerNoise {
  std::vector<float> largest;                 // [in] max |x_j| over the pictures, after a norm
  std::vector<float> smoothing;               // [in] s_j; empty: none
  RoundedWeight rounded;                      // of int8
  std::unique_ptr<nn::LinearWeights> packed;  // rounded, in float32, with the layer's bias and layer scale
};

}  // namespace

struct Quantizer::Impl {
  Impl(const std::filesystem::path& path, Precision wanted, const std::optional<Size>& image_size)
      : open(open_model(path, in_float32(image_size))),
        precision(wanted),
        model(VisionTransformer::load(path, in_float32(image_size))),
        source(checkpoint_source(*open.checkpoint, *open.naming, open.info.architecture)) {
    assert(precision == Precision::kInt8 || precision == Precision::kBf16);
    const Architecture& a = model->architecture();
    layers.reserve(a.depth * kBlockLayers.size());
    for (std::size_t block = 0; block < a.depth; ++block) {
      for (const BlockLayer kind : kBlockLayers) {
        LayerState& layer = layers.emplace_back();
        layer.block = block;
        layer.kind = kind;
        layer.size = size_of(kind, a);
        layer.largest.assign(layer.size.in, 0.0F);
      }
    }
  }

  LayerState& state(std::size_t block, BlockLayer kind) {
    return layers[block * kBlockLayers.size() + static_cast<std::size_t>(kind)];
  }

  [[nodiscard]] std::vector<float> read(Role role, Part part, std::size_t block, std::size_t count) const {
    std::vector<float> values(count);
    source->read(role, part, block, values);
    return values;
  }

  /// [out, in], as the checkpoint has it.
  [[nodiscard]] std::vector<float> weight_of(const LayerState& layer) const {
    std::vector<float> weight(layer.size.out * layer.size.in);
    for (const LayerPart& part : weight_parts(layer.kind, model->architecture(), *source)) {
      source->read(part.role, Part::kWeight, layer.block,
                   std::span(weight).subspan(part.first * layer.size.in, part.rows * layer.size.in));
    }
    return weight;
  }

  /// For all layers that read the same norm.
  /// @param weight  [out, in], the layer's own
  [[nodiscard]] std::vector<float> smoothing_for(const LayerState& layer, std::vector<float> weight) {
    if (!norm_before(layer.kind, model->architecture())) return {};
    if (model->architecture().parallel_mlp) {
      const BlockLayer beside = layer.kind == BlockLayer::kQkv ? BlockLayer::kFc1 : BlockLayer::kQkv;
      const std::vector<float> other = weight_of(state(layer.block, beside));
      weight.insert(weight.end(), other.begin(), other.end());
    }
    return smoothing_of(layer.largest, weight);
  }

  void round(LayerState& layer) {
    std::vector<float> weight = weight_of(layer);
    const std::size_t in = layer.size.in;
    if (precision == Precision::kBf16) {
      round_to_bf16(weight);
    } else {
      layer.smoothing = smoothing_for(layer, weight);
      for (std::size_t i = 0; i < weight.size() && !layer.smoothing.empty(); ++i) weight[i] *= layer.smoothing[i % in];
      layer.rounded = {std::vector<std::int8_t>(weight.size()), std::vector<float>(layer.size.out)};
      nn::quantize_rows(in, weight, layer.rounded.integers, layer.rounded.scales);
      weight = layer.rounded.values(in);
    }
    std::vector<float> bias(layer.size.out, 0.0F);
    for (const LayerPart& part : bias_parts(layer.kind, model->architecture(), *source)) {
      source->read(part.role, Part::kBias, layer.block, std::span(bias).subspan(part.first, part.rows));
    }
    if (const auto scale = layer_scale_of(layer.kind); scale && source->has(*scale, Part::kWeight)) {
      const std::vector<float> gamma = read(*scale, Part::kWeight, layer.block, layer.size.out);
      for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= gamma[i / in];
      for (std::size_t o = 0; o < bias.size(); ++o) bias[o] *= gamma[o];
    }
    layer.packed = nn::pack_linear(Precision::kF32, MatrixView<const float>(weight, layer.size.out, in), bias);
  }

  struct Outputs {
    std::vector<float> exact;  // [N, out], in float32
    std::vector<float> error;  // [N, out], what rounding adds
  };
  [[nodiscard]] Outputs outputs_of(const LayerState& layer, std::span<const float> x) {
    const nn::LinearShape shape{x.size() / layer.size.in, layer.size.in, layer.size.out};
    auto& linear = linears[{layer.kind, shape.rows}];
    if (!linear) linear = nn::make_linear(Precision::kF32, shape, workspace);
    const EncoderBlockWeights& block = ModelAccess::impl(*model).shared->weights.blocks[layer.block];
    Outputs outputs{std::vector<float>(shape.rows * shape.out_features), {}};
    (*linear)(linear_of(block, layer.kind), x, outputs.exact);
    std::vector<float> rounded_x(x.begin(), x.end());
    if (precision == Precision::kBf16) {
      round_to_bf16(rounded_x);
    } else {
      for (std::size_t i = 0; i < rounded_x.size() && !layer.smoothing.empty(); ++i) {
        rounded_x[i] /= layer.smoothing[i % layer.size.in];
      }
      round_rows(rounded_x, layer.size.in);
    }
    outputs.error.resize(outputs.exact.size());
    (*linear)(*layer.packed, rounded_x, outputs.error);
    for (std::size_t i = 0; i < outputs.error.size(); ++i) outputs.error[i] -= outputs.exact[i];
    return outputs;
  }

  /// What rounding adds to what the layer puts out, on the same input.
  void compare(LayerState& layer, std::span<const float> x) {
    const Outputs outputs = outputs_of(layer, x);
    for (std::size_t i = 0; i < outputs.exact.size(); ++i) {
      layer.own.add(static_cast<double>(outputs.exact[i]), static_cast<double>(outputs.error[i]));
    }
  }

  /// The pass that images of this size run through from here on.
  void use(const std::optional<Size>& fed) {
    const Size size = fed.value_or(model->architecture().image_size);
    if (!forward || forward->model().architecture().image_size != size) forward.emplace(model->at(size), 1);
  }

  /// All tokens of one image through some blocks.
  /// @param x  [N, D], updated in place
  void run_blocks(std::size_t first, std::size_t last, std::span<float> x, ForwardHook& hook) {
    BlockOptions options;
    options.all_tokens = true;
    (void)forward->run_blocks(first, last, x, options, hook);
  }

  /// Logits, or features of a model without a head.
  /// @param x  [N, D], after the last block
  [[nodiscard]] std::vector<float> scores(std::vector<float> x) {
    ForwardResult result = std::move(forward->read_out(1, x, false, no_hook).front());
    return std::move(result.logits.empty() ? result.features : result.logits);
  }

  /// What rounding adds to the model's scores, one layer at a time.
  /// @param entering  the tokens [N, D] that enter each block, and those after the last
  void trace(const std::vector<std::vector<float>>& entering) {
    const std::size_t depth = model->architecture().depth;
    const std::vector<float> exact = scores(entering.back());
    // What all scores have in common says nothing; a single score has no such part.
    const double sum = std::accumulate(exact.begin(), exact.end(), 0.0);
    const double mean = exact.size() > 1 ? sum / static_cast<double>(exact.size()) : 0.0;
    // Last block first: the class tokens of earlier blocks, which the read-out noted, stay those of the exact run.
    for (std::size_t first = depth; first-- > 0;) {
      for (const BlockLayer kind : {BlockLayer::kProj, BlockLayer::kFc2}) {
        LayerState& layer = state(first, kind);
        LayerVisit add_error([&](std::size_t, BlockLayer shown, std::span<const float> in, std::span<float> tokens) {
          if (shown != kind) return;
          const std::vector<float> error = outputs_of(layer, in).error;
          for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] += error[i];
        });
        std::vector<float> x = entering[first];
        run_blocks(first, first + 1, x, add_error);
        run_blocks(first + 1, depth, x, no_hook);
        const std::vector<float> rounded = scores(std::move(x));
        for (std::size_t c = 0; c < exact.size(); ++c) {
          layer.of_scores.add(static_cast<double>(exact[c]) - mean, static_cast<double>(rounded[c] - exact[c]));
        }
      }
    }
    ++traced;
  }

  /// What each layer is kept in.
  [[nodiscard]] std::vector<Precision> kept_in() const {
    if (precision == Precision::kBf16) return std::vector(layers.size(), precision);
    std::vector<Precision> chosen = choose_precisions(std::vector<LayerNoise>(layers.begin(), layers.end()));
    if (model->architecture().parallel_mlp) keep_tensors_whole(*open.naming, chosen);
    return chosen;
  }

  /// What is stored in another form than the checkpoint's.
  [[nodiscard]] std::vector<StoredTensor> tensors() const {
    const std::vector<Precision> kept = kept_in();
    std::vector<StoredLayer> stored;
    stored.reserve(kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const LayerState& layer = layers[i];
      stored.push_back({layer.block, layer.kind, layer.size, kept[i], layer.rounded.integers, layer.rounded.scales,
                        layer.smoothing});
    }
    return rounded_tensors(open, stored);
  }

  OpenModel open;
  Precision precision;
  std::shared_ptr<const VisionTransformer> model;
  std::unique_ptr<TensorSource> source;
  std::optional<ForwardPass> forward;  // of the last image's size
  ForwardHook no_hook;
  nn::Workspace workspace;
  std::map<std::pair<BlockLayer, std::size_t>, std::unique_ptr<nn::Linear>> linears;  // of float32, by rows
  std::vector<LayerState> layers;
  std::size_t traced = 0;  // pictures
};

Quantizer::Quantizer(const std::filesystem::path& model, Precision precision, const std::optional<Size>& image_size)
    : impl_(std::make_unique<Impl>(model, precision, image_size)) {
  if (!impl_->open.info.quantized) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: the model is quantised for {}, expected one as it was trained",
                          printable(impl_->open.info.path), name(*impl_->open.info.quantized)),
              "give the checkpoint that it was made from");
}
Quantizer::~Quantizer() = default;

const std::shared_ptr<const VisionTransformer>& Quantizer::model() const noexcept {
  return impl_->model;
}

void Quantizer::observe(std::span<const float> patches, const std::optional<Size>& fed) {
  impl_->use(fed);
  LayerVisit note_largest([&](std::size_t block, BlockLayer kind, std::span<const float> in, std::span<float>) {
    if (!norm_before(kind, impl_->model->architecture())) return;
    std::vector<float>& largest = impl_->state(block, kind).largest;
    for (std::size_t i = 0; i < in.size(); ++i) {
      float& most = largest[i % largest.size()];
      most = std::max(most, std::fabs(in[i]));
    }
  });
  impl_->run_blocks(0, impl_->model->architecture().depth, impl_->forward->embed(patches, impl_->no_hook),
                    note_largest);
}

void Quantizer::measure(std::span<const float> patches, const std::optional<Size>& fed) {
  impl_->use(fed);
  const std::size_t depth = impl_->model->architecture().depth;
  std::vector<std::vector<float>> entering;  // [depth + 1] of [N, D]
  entering.reserve(depth + 1);
  LayerVisit compare([&](std::size_t block, BlockLayer kind, std::span<const float> in, std::span<float>) {
    LayerState& layer = impl_->state(block, kind);
    if (!layer.packed) impl_->round(layer);
    impl_->compare(layer, in);
  });
  const std::span<float> x = impl_->forward->embed(patches, impl_->no_hook);
  entering.emplace_back(x.begin(), x.end());
  for (std::size_t block = 0; block < depth; ++block) {
    impl_->run_blocks(block, block + 1, x, compare);
    entering.emplace_back(x.begin(), x.end());
  }
  if (!all_finite(entering.back())) {
    throw Error(ErrorCode::kBackend, "calibration: a picture's tokens become NaN or infinite, expected finite numbers",
                "`fovea classify` with this model and picture names the layer");
  }
  if (impl_->precision == Precision::kInt8 && impl_->traced < kTraced) impl_->trace(entering);
}

std::vector<QuantizedLayer> Quantizer::layers() const {
  std::vector<QuantizedLayer> result;
  result.reserve(impl_->layers.size());
  const std::vector<Precision> kept = impl_->kept_in();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const LayerState& layer = impl_->layers[i];
    std::optional<double> score_snr_db;
    if (impl_->traced > 0 && writes_tokens(layer.kind)) score_snr_db = layer.of_scores.snr_db();
    result.push_back({layer.block, layer.kind, layer.own.snr_db(), score_snr_db, kept[i]});
  }
  return result;
}

std::shared_ptr<const VisionTransformer> Quantizer::rounded() const {
  return load_rounded(impl_->open, impl_->tensors(), impl_->precision);
}

void Quantizer::write(PendingFile& file, const std::optional<CascadeInfo>& cascade) const {
  write_quantized(impl_->open, impl_->tensors(), impl_->precision, cascade, file);
}

}  // namespace fovea
