// Measures how far a map can be trusted: how the score changes as patches are removed or inserted in the map's order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/faithfulness.hpp"

namespace fovea {

/// Patches sorted by value, highest first; equal ones keep their order.
[[nodiscard]] std::vector<std::size_t> patch_order(std::span<const float> values);
/// Patches sorted by distance from the middle, nearest first. Any map that decreases from there, such as a Gaussian,
/// gives this order.
[[nodiscard]] std::vector<std::size_t> centre_order(PatchGrid grid);
[[nodiscard]] std::vector<std::size_t> random_order(std::size_t patches, std::uint64_t seed);

/// How many patches are removed or inserted at once, so that there are about 14 steps.
[[nodiscard]] std::size_t perturbation_step(std::size_t patches);

/// (Σ y - y_0/2 - y_n/2) / n over n + 1 values: the trapezoid rule over shares of the picture (RISE, section 4.2).
[[nodiscard]] double area_under(std::span<const float> probabilities);

/// Deletion and insertion (Petsiuk, Das, Saenko 2018, RISE) in whole patches, for one image and one class.
class Perturbation {
 public:
  virtual ~Perturbation() = default;

  [[nodiscard]] PerturbationAreas areas(const std::vector<std::size_t>& order);
  /// The same with the area of deletion in the opposite order.
  [[nodiscard]] PerturbationAreas areas_both_ways(const std::vector<std::size_t>& order);
  [[nodiscard]] virtual Substrate substrate() const noexcept = 0;

 private:
  /// The class's probability from the whole picture, step by step, to none of its patches.
  [[nodiscard]] virtual std::vector<float> deletion(const std::vector<std::size_t>& order) = 0;
  /// The other way: from none of its patches to the whole picture.
  [[nodiscard]] virtual std::vector<float> insertion(const std::vector<std::size_t>& order) = 0;
};

/// A deleted patch becomes 0, the mean colour; insertion begins with the blurred image.
class Painting final : public Perturbation {
 public:
  /// Runs the model on the images at the ends of the curves. The arguments must outlive this object.
  /// @param patches  [T, 3·P·P], normalised
  /// @param blurred  [T, 3·P·P]
  /// @param most     the most images that `run` accepts at once
  Painting(std::span<const float> patches, std::span<const float> blurred, std::size_t num_patches, std::size_t most,
           const RunAgain& run);
  Painting(const Painting&) = delete;
  Painting& operator=(const Painting&) = delete;
  [[nodiscard]] Substrate substrate() const noexcept override { return Substrate::kPaint; }

 private:
  struct Scored {
    std::span<const float> patches;
    float probability = 0;
  };
  [[nodiscard]] std::vector<float> deletion(const std::vector<std::size_t>& order) override;
  [[nodiscard]] std::vector<float> insertion(const std::vector<std::size_t>& order) override;
  [[nodiscard]] float score(std::span<const float> patches) const;
  [[nodiscard]] std::vector<float> between(const std::vector<std::size_t>& order, const Scored& from, const Scored& to);

  std::vector<float> empty_;
  std::size_t num_patches_;
  std::size_t most_;
  const RunAgain& run_;
  Scored whole_;
  Scored nothing_;
  Scored blurred_;
};

/// The tokens of deleted patches are left out; insertion begins without any patch.
class Dropping final : public Perturbation {
 public:
  /// @param run  outlives this object
  Dropping(std::size_t num_patches, const RunSome& run) : num_patches_(num_patches), run_(run) {}
  [[nodiscard]] Substrate substrate() const noexcept override { return Substrate::kDrop; }

 private:
  [[nodiscard]] std::vector<float> deletion(const std::vector<std::size_t>& order) override;
  [[nodiscard]] std::vector<float> insertion(const std::vector<std::size_t>& order) override;
  [[nodiscard]] float score(std::span<const std::size_t> kept) const;

  std::size_t num_patches_;
  const RunSome& run_;
};

/// The areas that a class's maps are compared with; the same for all maps of the class.
struct PerturbationBaselines {
  std::vector<PerturbationAreas> random;
  PerturbationAreas centre;
};
[[nodiscard]] PerturbationBaselines perturbation_baselines(Perturbation& perturbation, PatchGrid grid,
                                                           std::uint64_t seed);

/// @param substrate  of all these areas
[[nodiscard]] Faithfulness judge(const PerturbationAreas& map, const PerturbationBaselines& baselines,
                                 std::size_t num_patches, Substrate substrate = Substrate::kPaint);

/// The share of patch tokens whose norm is an outlier: more than five robust standard deviations (1.4826 times the
/// median absolute deviation) above the median. Such tokens hold global information instead of their patch's, and
/// attract attention for it (Darcet et al. 2024, Vision Transformers Need Registers).
/// @param tokens  [N, D] after the last block
[[nodiscard]] float outlier_share(MatrixView<const float> tokens, std::size_t num_prefix);

/// The patches whose tokens are such outliers and at least four times as long as the median one, which no token of
/// DeiT-tiny or of the default model is on any photograph that was looked at (2.6 times at most).
/// @param tokens  [N, D] as they enter the last block
[[nodiscard]] std::vector<std::size_t> outlier_patches(MatrixView<const float> tokens, std::size_t num_prefix);
/// None where no patch stands out so far.
[[nodiscard]] std::optional<OutlierTokens> outlier_tokens(MatrixView<const float> tokens, std::size_t num_prefix);

}  // namespace fovea
