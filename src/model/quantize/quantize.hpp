// A model's checkpoint with fewer bits a weight: int8 after SmoothQuant, or bfloat16.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/pending_file.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "model/weights/block_layers.hpp"

namespace fovea {

/// What became of one linear layer of a block.
struct QuantizedLayer {
  std::size_t block = 0;
  BlockLayer layer = BlockLayer::kQkv;
  double snr_db = 0;  // 10 log10(power of its outputs / power of what rounding adds to them), over all pictures
  /// The same for the model's scores (logits, or features without a head) when this layer alone is rounded to int8,
  /// over the first few pictures. Only of layers whose outputs are added to the tokens.
  std::optional<double> score_snr_db;
  Precision precision = Precision::kInt8;  // that it is kept in
};

/// In three steps: observe() the calibration pictures, measure() them, write(). For int8, activations' outliers are
/// moved into the weights where a norm stands before the layer (Xiao et al. 2023, SmoothQuant, arXiv:2211.10438): the
/// norm's channel j is divided by s_j = max|x_j|^α / max|w_j|^(1-α), and the layer's weights for j are multiplied by
/// it. The layers that then harm the model's scores most stay in bfloat16, with the weights that they had.
class Quantizer {
 public:
  /// @param precision   kInt8 or kBf16
  /// @param image_size  px, of the calibration pictures; none: as the model's files say
  /// @throws Error      as VisionTransformer::load; kUsage for a model that is quantised already.
  Quantizer(const std::filesystem::path& model, Precision precision, const std::optional<Size>& image_size = {});
  ~Quantizer();
  Quantizer(const Quantizer&) = delete;
  Quantizer& operator=(const Quantizer&) = delete;

  /// The model as it is, in float32.
  [[nodiscard]] const std::shared_ptr<const VisionTransformer>& model() const noexcept;
  /// Notes the largest value in each channel of what norms put out.
  /// @param patches  [T, 3·P·P], of one image
  /// @param fed      px, what the image was fed at; none: a model of one size is fed at that
  void observe(std::span<const float> patches, const std::optional<Size>& fed = {});
  /// Compares each layer, rounded, with the exact one on the same input. For the first few pictures also finds what
  /// each layer's rounding adds to the model's scores. Not before all pictures are observed.
  /// @param patches, fed  as observe()
  void measure(std::span<const float> patches, const std::optional<Size>& fed = {});
  /// In the order of the forward pass. Not before a picture is measured.
  [[nodiscard]] std::vector<QuantizedLayer> layers() const;
  /// The model that write() writes. Int8 only after measure(), which decides what stays in bfloat16.
  /// @throws Error  as require_precision().
  [[nodiscard]] std::shared_ptr<const VisionTransformer> rounded() const;
  /// One safetensors file with all that the model's folder says; int8 as rounded().
  /// @param cascade  what was measured of rounded(): the file then holds the model's own weights, too
  /// @throws Error   kOutput.
  void write(PendingFile& file, const std::optional<CascadeInfo>& cascade = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fovea
