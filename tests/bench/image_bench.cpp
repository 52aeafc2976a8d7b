// From decoded pixels to the model's input, on one thread.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/machine.hpp"
#include "image/preprocess/preprocess.hpp"
#include "model/recipe/recipe.hpp"

namespace fovea {
namespace {

Image picture(Size size) {
  Image image(size);
  std::uint32_t noise = 1;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < 3 * size.width; ++x) {
      noise = noise * 1664525U + 1013904223U;
      image.row(y)[x] = static_cast<std::uint8_t>(noise >> 24U);
    }
  }
  return image;
}

/// timm's recipe of 224 px, from a photograph of this size.
/// @param range  height, width
void preprocess_photograph(benchmark::State& state) {
  set_compute_threads(1);
  const Image image = picture({static_cast<int>(state.range(0)), static_cast<int>(state.range(1))});
  const PreprocessRecipe recipe = timm_recipe({224, 224}, 0.9);
  for (auto _ : state) benchmark::DoNotOptimize(preprocess(image, recipe));
  state.SetBytesProcessed(state.range(0) * state.range(1) * 3 * state.iterations());
}
BENCHMARK(preprocess_photograph)
    ->ArgNames({"height", "width"})
    ->Args({375, 500})
    ->Args({3000, 4000})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fovea
