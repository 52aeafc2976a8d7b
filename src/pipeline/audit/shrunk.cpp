#include "pipeline/audit/shrunk.hpp"

#include <algorithm>
#include <cstddef>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/error.hpp"
#include "image/codec/codec.hpp"
#include "image/overlay/overlay.hpp"
#include "image/preprocess/resample.hpp"
#include "pipeline/archive/archive_inputs.hpp"

namespace fovea {
namespace {

/// The square of one picture. A JPEG is decoded as small as the square allows.
Image square_of(const Input& input) {
  PreprocessRecipe recipe;
  recipe.resize = ResizeRule::kExact;
  recipe.resize_size = {kMarkSide, kMarkSide};
  DecodeOptions decode;
  decode.mode = DecodeMode::kFast;
  const Image picture = decode_image(read_input_file(input), printable(input.path), decode, recipe).image;
  return resample(picture, {kMarkSide, kMarkSide}, {.filter = Interpolation::kBox});
}

}  // namespace

ShrunkPictures shrink_all(std::span<const Input> inputs, std::span<const std::size_t> chosen, LostPictures& lost) {
  learn::SmallPictures all{kMarkSide, {}};
  all.rgb.resize(chosen.size() * all.bytes());
  std::vector<std::string> why(chosen.size());
  constexpr std::size_t kAtATime = 16;  // pictures for one thread
  for_each_parallel((chosen.size() + kAtATime - 1) / kAtATime, [&](std::size_t piece) {
    stop_if_interrupted();
    for (std::size_t i = piece * kAtATime; i < std::min(chosen.size(), (piece + 1) * kAtATime); ++i) {
      try {
        const Image square = square_of(inputs[chosen[i]]);
        std::ranges::copy(square.pixels(), all.rgb.begin() + static_cast<std::ptrdiff_t>(i * all.bytes()));
      } catch (const Error& error) {
        why[i] = error.what();
      }
    }
  });
  ShrunkPictures shrunk{{kMarkSide, {}}, {}};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (!why[i].empty()) {
      lost.emplace(i, why[i]);
      continue;
    }
    shrunk.rows.push_back(i);
    const auto picture = all.picture(i);
    shrunk.small.rgb.insert(shrunk.small.rgb.end(), picture.begin(), picture.end());
  }
  return shrunk;
}

Image picture_for_experiment(const Input& input) {
  const Image picture = decode_image(read_input_file(input), printable(input.path), DecodeOptions{});
  const Size size = picture.size();
  return std::max(size.height, size.width) <= kExperimentSide ? picture : thumbnail(picture, kExperimentSide);
}

}  // namespace fovea
