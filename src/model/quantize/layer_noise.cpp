#include "model/quantize/layer_noise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

/// Most noise over signal in the scores, by all layers in int8 that write to the tokens (36 dB). The noise of a layer's
/// own outputs says little: the cleanest fc2 of DeiT-tiny, the first block's, harms the scores most, four times the
/// next one. When layers of as many bits were chosen by their own noise, 20 % more noise was left in the logits.
constexpr double kMostScoreNoise = 2.5e-4;
/// Most noise over signal in the outputs of a layer after a norm (38 dB); layers of trained ViTs have 41 to 46 dB.
constexpr double kMostNoise = 1.6e-4;

double score_noise_for_its_size(const LayerNoise& layer) {
  return layer.of_scores.ratio() / static_cast<double>(layer.size.in * layer.size.out);
}

}  // namespace

double Noise::ratio() const noexcept {
  const double ratio = noise / signal;
  return std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
}

double Noise::snr_db() const noexcept {
  return 10.0 * std::log10(std::max(signal, 1e-300) / std::max(noise, 1e-300));
}

bool writes_tokens(BlockLayer layer) noexcept {
  return layer == BlockLayer::kProj || layer == BlockLayer::kFc2;
}

std::vector<Precision> choose_precisions(std::span<const LayerNoise> layers) {
  std::vector<Precision> chosen(layers.size(), Precision::kInt8);
  std::vector<std::size_t> writers;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const bool kept_out = keeps_out_of_int8(layers[i].block);
    if (!kept_out && writes_tokens(layers[i].kind)) {
      writers.push_back(i);
    } else if (kept_out || layers[i].own.ratio() > kMostNoise) {
      chosen[i] = Precision::kBf16;
    }
  }
  std::sort(writers.begin(), writers.end(), [&](std::size_t a, std::size_t b) {
    return score_noise_for_its_size(layers[a]) < score_noise_for_its_size(layers[b]);
  });
  double noise = 0;  // rounding errors of different layers are independent: their powers add up
  for (const std::size_t i : writers) {
    noise += layers[i].of_scores.ratio();
    if (noise > kMostScoreNoise) chosen[i] = Precision::kBf16;
  }
  return chosen;
}

void keep_tensors_whole(const Naming& naming, std::vector<Precision>& chosen) {
  const auto at = [&](std::size_t block, BlockLayer kind) -> Precision& {
    return chosen[block * kBlockLayers.size() + static_cast<std::size_t>(kind)];
  };
  const bool rows_shared = naming.rule(Role::kProj, Part::kWeight)->slice.has_value();
  for (std::size_t block = 0; block < chosen.size() / kBlockLayers.size(); ++block) {
    Precision& qkv = at(block, BlockLayer::kQkv);
    Precision& fc1 = at(block, BlockLayer::kFc1);
    if (qkv != fc1) qkv = fc1 = Precision::kBf16;
    if (rows_shared) at(block, BlockLayer::kProj) = at(block, BlockLayer::kFc2) = Precision::kBf16;
  }
}

}  // namespace fovea
