#include "image/preprocess/resample.hpp"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <vector>

#include "fovea/error.hpp"
#include "image/preprocess/resample_kernels.hpp"
#include "support/forced_target.hpp"
#include "support/naive_resample.hpp"
#include "support/peak_rss.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

using test::ForcedTarget;

constexpr std::array kFilters{Interpolation::kBox, Interpolation::kBilinear, Interpolation::kHamming,
                              Interpolation::kBicubic, Interpolation::kLanczos};

/// Every way to resample but the nearest ones.
std::vector<Resampling> all_ways() {
  std::vector<Resampling> ways;
  for (const Interpolation filter : kFilters) {
    ways.push_back({filter, Resampler::kPillow, 13});
    ways.push_back({filter, Resampler::kPillow, 12});
  }
  for (const Interpolation filter : {Interpolation::kBilinear, Interpolation::kBicubic, Interpolation::kLanczos}) {
    ways.push_back({filter, Resampler::kAten, 13});
  }
  return ways;
}

bool same(const Image& a, const Image& b) {
  return a.size() == b.size() && std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin(), b.pixels().end());
}

Image cut(const Image& image, Region region) {
  Image out(region.size);
  for (int y = 0; y < region.size.height; ++y) {
    std::copy_n(image.row(region.top + y) + 3 * region.left, out.row_bytes(), out.row(y));
  }
  return out;
}

TEST(Resample, EqualsThePlainLoopsOnEverySizeThatIsAwkwardForVectors) {
  const std::array sizes{1, 2, 3, 5, 15, 16, 17, 31, 32, 33, 64, 65};
  const std::vector<Resampling> ways = all_ways();
  unsigned seed = 0;
  for (const int from : sizes) {
    for (const int to : sizes) {
      // Sides are paired so that every combination of wider, narrower, higher and lower comes up.
      const Image image = test::random_image({from, sizes[seed % sizes.size()]}, seed);
      const Size target{to, sizes[(seed * 7 + 3) % sizes.size()]};
      const Resampling& how = ways[seed % ways.size()];
      EXPECT_TRUE(same(resample(image, target, how), test::naive_resample(image, target, how)))
          << from << "x" << image.size().width << " to " << to << "x" << target.width;
      ++seed;
    }
  }
}

TEST(Resample, GivesTheSameBytesOnEveryInstructionSet) {
  const Image image = test::random_image({97, 131}, 1);
  const std::vector<std::int64_t> targets = resample_targets();
  ASSERT_GE(targets.size(), 2U);
  for (const Resampling& how : all_ways()) {
    for (const Size to : {Size{48, 64}, Size{48, 2}, Size{1, 1}, Size{97, 64}, Size{48, 131}, Size{200, 333}}) {
      const Image expected = test::naive_resample(image, to, how);
      for (const std::int64_t target : targets) {
        if ((hwy::SupportedTargets() & target) == 0) continue;  // not on this machine
        const ForcedTarget forced(target);
        EXPECT_TRUE(same(resample(image, to, how), expected))
            << hwy::TargetName(target) << " to " << to.height << "x" << to.width;
      }
    }
  }
}

TEST(Resample, TorchsWeightsHaveAsManyBitsAsFitInto16) {
  // Enlarged by whole numbers a weight of 1 comes up (14 bits); the further reduced, the smaller are the weights.
  EXPECT_EQ(make_axis_taps(10, 30, 0, 30, {Interpolation::kBicubic, Resampler::kAten}).precision_bits, 14);
  EXPECT_EQ(make_axis_taps(500, 224, 0, 224, {Interpolation::kBicubic, Resampler::kAten}).precision_bits, 16);
  EXPECT_EQ(make_axis_taps(4000, 224, 0, 224, {Interpolation::kBicubic, Resampler::kAten}).precision_bits, 19);
  EXPECT_EQ(make_axis_taps(1'000'000, 1, 0, 1, {Interpolation::kBilinear, Resampler::kAten}).precision_bits, 22);
}

TEST(Resample, TheBitsComeFromTheWholeAxisWhateverTheRegion) {
  // Only the middle output of three lies on a sample; the outer ones alone would take 15 bits.
  const AxisTaps part = make_axis_taps(9, 27, 2, 1, {Interpolation::kBilinear, Resampler::kAten});
  EXPECT_EQ(part.precision_bits, 14);
}

TEST(Resample, TorchHasNoBoxAndNoHamming) {
  const Image image = test::random_image({8, 8}, 6);
  for (const Interpolation filter : {Interpolation::kBox, Interpolation::kHamming}) {
    try {
      static_cast<void>(resample(image, {4, 4}, {filter, Resampler::kAten}));
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
    }
  }
}

TEST(Resample, TorchsNearestTakesTheSampleUnderTheMiddle) {
  EXPECT_EQ(nearest_exact_sources(4, 2, 0, 2), (std::vector<int>{1, 3}));
  EXPECT_EQ(nearest_exact_sources(3, 5, 0, 5), (std::vector<int>{0, 0, 1, 2, 2}));
  EXPECT_EQ(nearest_exact_sources(3, 5, 2, 2), (std::vector<int>{1, 2}));
}

TEST(Resample, ARegionIsThatPartOfTheWhole) {
  const Image image = test::random_image({60, 45}, 2);
  const std::array<Size, 4> targets{Size{31, 33}, Size{100, 70}, Size{60, 20}, Size{7, 44}};
  for (const Size to : targets) {
    for (const Resampling& how :
         {Resampling{Interpolation::kNearest}, Resampling{Interpolation::kBicubic}, Resampling{Interpolation::kLanczos},
          Resampling{Interpolation::kNearest, Resampler::kAten},
          Resampling{Interpolation::kBicubic, Resampler::kAten}}) {
      const Image whole = resample(image, to, how);
      for (const Region region : {Region{0, 0, {1, 1}}, Region{to.height - 1, to.width - 1, {1, 1}},
                                  Region{2, 3, {to.height / 2, to.width / 2}}, Region{1, 0, {5, to.width}}}) {
        EXPECT_TRUE(same(resample(image, to, how, region), cut(whole, region)));
      }
    }
  }
}

TEST(Resample, ARegionOutsideOfTheResultIsRefused) {
  const Image image = test::random_image({8, 8}, 3);
  for (const Region region :
       {Region{0, 0, {9, 8}}, Region{-1, 0, {2, 2}}, Region{0, 7, {1, 2}}, Region{0, 0, {0, 1}}}) {
    EXPECT_THROW(static_cast<void>(resample(image, {8, 8}, {Interpolation::kBicubic}, region)), Error);
  }
  EXPECT_THROW(static_cast<void>(resample(Image(), {8, 8}, {Interpolation::kBicubic})), Error);
}

TEST(Resample, AnUnchangedSizeReturnsThePictureItself) {
  const Image image = test::random_image({13, 17}, 4);
  for (const Interpolation filter : kFilters) EXPECT_TRUE(same(resample(image, image.size(), {filter}), image));
  EXPECT_TRUE(same(resample(image, image.size(), {Interpolation::kNearest}), image));
}

TEST(Resample, AFlatPictureStaysFlat) {
  Image image({50, 70});
  std::fill(image.pixels().begin(), image.pixels().end(), std::uint8_t{200});
  for (const Interpolation filter : kFilters) {
    const Image out = resample(image, {33, 99}, {filter});
    EXPECT_TRUE(std::all_of(out.pixels().begin(), out.pixels().end(), [](std::uint8_t v) { return v == 200; }));
  }
}

TEST(Resample, ALongThinPictureCostsOnlyWhatTheCropNeeds) {
  const long before = test::peak_rss_kb();
  const Image image = test::random_image({5000, 3}, 5);
  const Region crop{206554, 12, {224, 224}};
  const Image out = resample(image, {413333, 248}, {Interpolation::kBicubic}, crop);
  EXPECT_EQ(out.size(), (Size{224, 224}));
  const Image torch = resample(image, {413333, 248}, {Interpolation::kBicubic, Resampler::kAten}, crop);
  EXPECT_EQ(torch.size(), (Size{224, 224}));
  EXPECT_LT(test::peak_rss_kb() - before, 100'000) << "the whole result has 307 million pixels";
}

}  // namespace
}  // namespace fovea
