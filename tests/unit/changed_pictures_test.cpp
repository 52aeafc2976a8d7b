// What experiments show the model: hidden, pasted and tinted pictures.
#include "pipeline/audit/changed_pictures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/random.hpp"

namespace fovea {
namespace {

using learn::RelativeBox;

Image random_image(Size size, std::uint64_t seed) {
  Image image(size);
  Random random(seed);
  for (std::uint8_t& level : image.pixels()) level = static_cast<std::uint8_t>(random.below(256));
  return image;
}

bool lies_in(const RelativeBox& box, Size size, int y, int x) {
  return y >= box.top * size.height && y < box.bottom * size.height && x >= box.left * size.width &&
         x < box.right * size.width;
}

TEST(ChangedPictures, HideTheRegionAndNothingElse) {
  const Size size{40, 80};
  const Image picture = random_image(size, 1);
  const std::array region{RelativeBox{0.25, 0.5, 0.75, 1}, RelativeBox{0, 0, 0.25, 0.25}};
  for (const Hiding hiding : {Hiding::kMean, Hiding::kBlur}) {
    const Image changed = hidden(picture, region, hiding);
    std::size_t differing = 0;
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        const bool inside = lies_in(region[0], size, y, x) || lies_in(region[1], size, y, x);
        const bool same = std::equal(picture.row(y) + 3 * x, picture.row(y) + 3 * x + 3, changed.row(y) + 3 * x);
        EXPECT_TRUE(inside || same) << y << " " << x;
        if (inside && !same) ++differing;
      }
    }
    EXPECT_GT(differing, 900U);  // of 1,000 pixels of noise
  }
}

TEST(ChangedPictures, AreOfTheMeanColourWhereTheyAreHiddenUnderIt) {
  Image picture({10, 10});
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 10; ++x) picture.row(y)[3 * x] = y < 5 ? 200 : 100;
  }
  const Image changed = hidden(picture, std::array{RelativeBox{0, 0, 0.2, 0.2}}, Hiding::kMean);
  EXPECT_EQ(changed.row(1)[3], 150);
  EXPECT_EQ(changed.row(2)[3 * 2], 200);
}

TEST(ChangedPictures, TakeTheRegionFromAnotherPictureOfAnySize) {
  const Image picture = random_image({40, 40}, 2);
  const RelativeBox corner{0.5, 0.5, 1, 1};
  const Image other = random_image({40, 40}, 3);
  const Image changed = pasted(picture, other, std::array{corner});
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 40; ++x) {
      const Image& from = lies_in(corner, {40, 40}, y, x) ? other : picture;
      EXPECT_EQ(changed.row(y)[3 * x + 1], from.row(y)[3 * x + 1]);
    }
  }
  Image red({90, 20});
  for (std::size_t i = 0; i < red.pixels().size(); i += 3) red.pixels()[i] = 255;
  const Image scaled = pasted(picture, red, std::array{corner});
  EXPECT_EQ(scaled.row(39)[3 * 39], 255);
  EXPECT_EQ(scaled.row(39)[3 * 39 + 1], 0);
}

TEST(ChangedPictures, AreTintedWithinTheLevelsThatThereAre) {
  Image picture({1, 2});
  std::ranges::copy(std::array<std::uint8_t, 6>{10, 100, 250, 0, 128, 255}, picture.pixels().begin());
  const Image changed = tinted(picture, {-20, 5.4, 20});
  EXPECT_EQ((std::vector<std::uint8_t>(changed.pixels().begin(), changed.pixels().end())),
            (std::vector<std::uint8_t>{0, 105, 255, 0, 133, 255}));
}

TEST(ChangedPictures, AreComparedWithABoxOfTheSameAreaWithinThePicture) {
  for (const double area : {0.01, 0.1, 0.5, 0.9}) {
    for (const RelativeBox& like : {RelativeBox{0, 0, 1, 0.1}, RelativeBox{0.2, 0.2, 0.4, 0.4}}) {
      for (const double at : {0.0, 0.3, 1.0}) {
        const RelativeBox box = box_of_area(area, like, at, 1 - at);
        EXPECT_NEAR(area_of(std::array{box}), area, 1e-9);
        EXPECT_GE(box.top, -1e-9);
        EXPECT_LE(box.bottom, 1 + 1e-9);
        EXPECT_GE(box.left, -1e-9);
        EXPECT_LE(box.right, 1 + 1e-9);
      }
    }
  }
  EXPECT_DOUBLE_EQ(overlap_of({0, 0, 0.5, 0.5}, {0.25, 0.25, 1, 1}), 0.25);
  EXPECT_DOUBLE_EQ(overlap_of({0, 0, 0.5, 0.5}, {0.5, 0.5, 1, 1}), 0);
}

}  // namespace
}  // namespace fovea
