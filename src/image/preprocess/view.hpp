// Other parts of a picture than its middle, and mirror images.
#pragma once

#include <cstddef>
#include <vector>

namespace fovea {

/// Where the recipe's crop lies within the resized picture, and whether left and right are swapped after it.
struct View {
  int down = 0;   // -1: at the top edge, 0: in the middle, as the recipe says, 1: at the bottom edge
  int right = 0;  // -1: at the left edge, 1: at the right edge
  bool mirrored = false;

  bool operator==(const View&) const = default;
};

/// 1: the middle; 2: and its mirror image; 10: the middle, the four corners, and the mirror images of all
/// (Krizhevsky, Sutskever, Hinton 2012). The first is always the middle.
[[nodiscard]] inline std::vector<View> views_of(std::size_t count) {
  std::vector<View> views{{}};
  if (count == 10) views.insert(views.end(), {{-1, -1}, {-1, 1}, {1, -1}, {1, 1}});
  if (count == 1) return views;
  const std::size_t crops = views.size();
  for (std::size_t i = 0; i < crops; ++i) views.push_back({views[i].down, views[i].right, true});
  return views;
}

}  // namespace fovea
