#include "pipeline/truth/show_test.hpp"

#include <algorithm>
#include <utility>

#include "fovea/architecture.hpp"
#include "image/codec/encode.hpp"
#include "image/preprocess/patches_image.hpp"

namespace fovea {
namespace {

constexpr std::ptrdiff_t kMostShown = 8;
constexpr int kShownQuality = 85;  // JPEG

}  // namespace

void show_test(const ModelInfo& model, const MapPlan& plan, TestedCase tested,
               const std::function<double(std::size_t map)>& value, MethodTest& test) {
  const auto shown = std::count_if(test.shown.begin(), test.shown.end(),
                                   [&](const ShownTest& other) { return other.kind == tested.kind; });
  if (!test.shows || shown >= kMostShown) return;
  const Architecture& a = model.architecture;
  const Image image = image_of_patches(tested.patches, model.recipe, a.grid(), a.patch_size);
  ShownTest& kept = test.shown.emplace_back(ShownTest{
      tested.kind, std::move(tested.title), encode_jpeg(image, kShownQuality), a.grid(), std::move(tested.truth), {}});
  for (std::size_t m = 0; m < test.methods.size(); ++m) {
    const bool is_signed = m < plan.methods.size() && plan.methods[m]->is_signed;
    kept.maps.push_back({test.methods[m].name, tested.maps[m], is_signed, value(m)});
  }
}

}  // namespace fovea
