// From decoded pixels to the model's input, on one thread.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/machine.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
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

/// A smooth picture with some grain, as photographs have.
Image photograph(Size size) {
  Image image = picture(size);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < 3 * size.width; ++x) {
      image.row(y)[x] = static_cast<std::uint8_t>(image.row(y)[x] / 16 + (x / 3 + 2 * y) % 230);
    }
  }
  return image;
}

/// The map of 14x14 patches over such a picture, with its caption.
Image draw(const Image& image) {
  std::vector<float> map(196);
  for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(i * 37 % 101);
  const Size size = image.size();
  const CropGeometry geometry{size, size, {size.height, size.height}, 0, (size.width - size.height) / 2};
  return draw_overlay(image, {map, 14, 14}, geometry, {}, {"Egyptian cat", 0.447, "attention rollout", "mean heads"});
}

/// @param range  height, width
void draw_overlay_of_photograph(benchmark::State& state) {
  const Image image = photograph({static_cast<int>(state.range(0)), static_cast<int>(state.range(1))});
  for (auto _ : state) benchmark::DoNotOptimize(draw(image));
}
BENCHMARK(draw_overlay_of_photograph)->Args({375, 500})->Args({3000, 4000})->Unit(benchmark::kMillisecond);

/// @param range  height, width, format
void encode_overlay(benchmark::State& state) {
  const Image image = draw(photograph({static_cast<int>(state.range(0)), static_cast<int>(state.range(1))}));
  std::size_t bytes = 0;
  for (auto _ : state) bytes = encode_picture(image, static_cast<PictureFormat>(state.range(2)), {}).size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(encode_overlay)
    ->ArgNames({"height", "width", "format"})
    ->Args({375, 500, 0})
    ->Args({375, 500, 1})
    ->Args({375, 500, 2})
    ->Args({3000, 4000, 0})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fovea
