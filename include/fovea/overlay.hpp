// How a map is drawn over its picture.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fovea {

enum class MapStyle {
  kHeat,     // the map's colours over the picture
  kContour,  // lines around half, a quarter and a tenth of the patches, over the picture as it is
  kMask,     // the picture where the map is high, dark elsewhere
};

struct OverlayStyle {
  MapStyle style = MapStyle::kHeat;
  std::string colormap = "auto";  // one of colormap_names(); auto: coolwarm for signed maps, else inferno
  double mask_threshold = 0.5;    // kMask: the share of the map's range from which a value counts as high
  double alpha = 0.55;            // kHeat: 0 shows only the picture, 1 only the map
  bool side_by_side = false;      // the original to the left
  int longest_side = 0;           // px: a larger picture is shrunk to it before it is drawn on; 0: none is
  bool caption = true;            // a strip below with label, probability, method and scale
};

[[nodiscard]] std::span<const std::string_view> colormap_names();

}  // namespace fovea
