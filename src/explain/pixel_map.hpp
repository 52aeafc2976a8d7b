// Maps that are finer than a patch: what each pixel contributes, averaged over moves of the image.
#pragma once

#include <cstddef>
#include <vector>

#include "fovea/explain.hpp"

namespace fovea {

/// px between two neighbouring moves, so that `shifts` of them meet all parts of a patch.
[[nodiscard]] int shift_step(std::size_t shifts, std::size_t patch_size);

/// The sum of a map of pixels over each patch; a map of patches as it is.
/// @param grid  of the patches
[[nodiscard]] Heatmap patch_sums(const Heatmap& map, PatchGrid grid);
/// What is drawn of a map of pixels: its sums over cells of about a quarter of a patch's side, as single pixels are
/// noise. A map of patches as it is.
/// @param grid  of the patches
[[nodiscard]] Heatmap drawn_map(const Heatmap& map, PatchGrid grid);

/// Σ over channels of pixel ⊙ gradient, each moved image's map moved back, and their mean (the averaging of DAVE, 2026,
/// arXiv:2602.06613). A patch's border lies elsewhere in each of them, so the grid of patches does not show. What was
/// moved out of an image counts as 0 there.
class PixelMap final : public Explainer {
 public:
  explicit PixelMap(const TokenLayout& layout) : grid_(layout.grid) {}

  void observe_pixels(const MovedImage& moved) override;
  Heatmap heatmap() override;

 private:
  PatchGrid grid_;           // of patches
  PatchGrid pixels_;         // height and width
  std::size_t images_ = 0;   // that were observed
  std::vector<double> map_;  // [height, width], their sum
};

}  // namespace fovea
