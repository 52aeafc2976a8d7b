// Position embeddings against loops over every output value, in double, written from PyTorch's definitions
// (aten/src/ATen/native/UpSample.h, cpu/UpSampleKernel.cpp) and timm's embedding code.
#include "model/weights/pos_embed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <utility>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "model/weights/relative_positions.hpp"
#include "support/golden_family.hpp"
#include "support/normal_values.hpp"
#include "support/renamed_tensors.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

constexpr std::size_t kWidth = 3;

/// Keys' cubic convolution (1981), whose free parameter the libraries choose differently.
double keys(double distance, double a) {
  const double x = std::fabs(distance);
  if (x <= 1) return (a + 2) * x * x * x - (a + 3) * x * x + 1;
  if (x < 2) return a * x * x * x - 5 * a * x * x + 8 * a * x - 4 * a;
  return 0;
}

/// The weight of input `i` in output `o` along one axis.
double naive_weight(int o, int i, int from, int to, PosEmbedResampling rule) {
  if (rule == PosEmbedResampling::kTimm || rule == PosEmbedResampling::kAntialiased) {
    const double scale = double(from) / to;
    const double stretch = scale > 1 ? scale : 1;
    const double centre = scale * (o + 0.5);
    const int first = std::max(int(centre - 2 * stretch + 0.5), 0);
    const int last = std::min(int(centre + 2 * stretch + 0.5), from);
    double sum = 0;
    for (int tap = first; tap < last; ++tap) sum += keys((tap - centre + 0.5) / stretch, -0.5);
    return i < first || i >= last ? 0 : keys((i - centre + 0.5) / stretch, -0.5) / sum;
  }
  // A scale_factor is inverted to map coordinates, whatever the output's size.
  const double scale_factor = (to + (rule == PosEmbedResampling::kBicubicOffset ? 0.1 : 0.0)) / from;
  double x = (o + 0.5) / scale_factor - 0.5;
  if (rule == PosEmbedResampling::kGoogle) x = std::max(x, 0.0);
  const int left = int(std::floor(x));
  double weight = 0;
  for (int tap = left - 1; tap <= left + 2; ++tap) {
    const double of_tap =
        rule == PosEmbedResampling::kGoogle ? std::max(0.0, 1 - std::fabs(x - tap)) : keys(x - tap, -0.75);
    if (std::clamp(tap, 0, from - 1) == i) weight += of_tap;
  }
  return weight;
}

double naive_value(const std::vector<float>& stored, PatchGrid from, PatchGrid to, std::size_t row, std::size_t col,
                   std::size_t feature, PosEmbedResampling rule) {
  double sum = 0;
  for (std::size_t y = 0; y < from.rows; ++y) {
    for (std::size_t x = 0; x < from.cols; ++x) {
      sum += naive_weight(int(row), int(y), int(from.rows), int(to.rows), rule) *
             naive_weight(int(col), int(x), int(from.cols), int(to.cols), rule) *
             double(stored[(y * from.cols + x) * kWidth + feature]);
    }
  }
  return sum;
}

const std::map<std::string, PosEmbedResampling> kRules{{"timm", PosEmbedResampling::kTimm},
                                                       {"google", PosEmbedResampling::kGoogle},
                                                       {"bicubic", PosEmbedResampling::kBicubic},
                                                       {"bicubic_offset", PosEmbedResampling::kBicubicOffset},
                                                       {"antialiased", PosEmbedResampling::kAntialiased}};
const std::vector<std::pair<PatchGrid, PatchGrid>> kGrids{{{4, 4}, {6, 6}}, {{7, 7}, {4, 4}}, {{4, 4}, {3, 7}},
                                                          {{5, 3}, {3, 5}}, {{4, 4}, {4, 5}}, {{1, 1}, {3, 2}},
                                                          {{3, 4}, {1, 1}}, {{2, 9}, {11, 2}}};

class PosEmbedRule : public testing::TestWithParam<std::string> {};

TEST_P(PosEmbedRule, EqualsItsNaiveTwinUpAndDownAndBetweenUnequalSides) {
  const PosEmbedResampling rule = kRules.at(GetParam());
  for (const auto& [from, to] : kGrids) {
    SCOPED_TRACE(testing::Message() << from.rows << "x" << from.cols << " to " << to.rows << "x" << to.cols);
    const auto stored = test::some_tensor({from.size(), kWidth}).values;
    const auto resampled = resample_pos_embed(stored, from, to, rule);
    ASSERT_EQ(resampled.size(), to.size() * kWidth);
    for (std::size_t i = 0; i < resampled.size(); ++i) {
      const std::size_t patch = i / kWidth;
      ASSERT_NEAR(double(resampled[i]),
                  naive_value(stored, from, to, patch / to.cols, patch % to.cols, i % kWidth, rule), 1e-6)
          << "value " << i;
    }
  }
}

TEST_P(PosEmbedRule, EqualsTorch) {
  const auto golden = test::read_tensors(test::source_dir() / "tests/golden/pos_embed.safetensors");
  std::size_t compared = 0;
  for (const auto& [name, wanted] : golden) {  // "timm/4x4/6x6": [rows, cols, D]; its input is "4x4"
    const std::string prefix = GetParam() + "/";
    if (!name.starts_with(prefix)) continue;
    const auto& stored = golden.at(name.substr(prefix.size(), name.rfind('/') - prefix.size()));
    const auto resampled = resample_pos_embed(stored.values, {stored.shape[0], stored.shape[1]},
                                              {wanted.shape[0], wanted.shape[1]}, kRules.at(GetParam()));
    ASSERT_EQ(resampled.size(), wanted.values.size()) << name;
    for (std::size_t i = 0; i < resampled.size(); ++i) {
      ASSERT_NEAR(double(resampled[i]), double(wanted.values[i]), 2e-6) << name << ", value " << i;
    }
    ++compared;
  }
  EXPECT_GE(compared, 6U);
}

TEST_P(PosEmbedRule, LeavesTheOwnGridAsItIs) {
  const auto stored = test::some_tensor({12, kWidth}).values;
  EXPECT_EQ(resample_pos_embed(stored, {3, 4}, {3, 4}, kRules.at(GetParam())), stored);
}

INSTANTIATE_TEST_SUITE_P(All, PosEmbedRule,
                         testing::Values("timm", "google", "bicubic", "bicubic_offset", "antialiased"),
                         [](const auto& chosen) { return chosen.param; });

/// "4x4" as a grid.
PatchGrid grid_named(const std::string& name) {
  const std::size_t cross = name.find('x');
  return {std::stoul(name.substr(0, cross)), std::stoul(name.substr(cross + 1))};
}

TEST(RelativePositions, OfAnotherGridAreThoseOfEachLibrary) {
  const auto golden = test::read_tensors(test::source_dir() / "tests/golden/relative_positions.safetensors");
  std::map<std::string, std::size_t> compared;
  for (const auto& [name, wanted] : golden) {  // "timm/4x4/6x6": its input is "4x4"
    const std::size_t first = name.find('/');
    if (first == std::string::npos) continue;
    const std::size_t second = name.find('/', first + 1);
    const std::string source = name.substr(first + 1, second - first - 1);
    const auto& table = golden.at(source);
    const bool timm = name.starts_with("timm");
    const PatchGrid grid = grid_named(name.substr(second + 1));
    const std::size_t heads = table.shape[1];
    const auto resampled = resample_relative_positions(table.values, grid_named(source), grid, heads,
                                                       timm ? PosEmbedResampling::kTimm : PosEmbedResampling::kBicubic);
    const auto actual = timm ? resampled : expand_relative_positions(grid, heads, 1, resampled);
    ASSERT_EQ(actual.size(), wanted.values.size()) << name;
    for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], wanted.values[i], 2e-6F) << name << " " << i;
    ++compared[timm ? "timm" : "transformers"];
  }
  EXPECT_EQ(compared["timm"], 6U);
  EXPECT_EQ(compared["transformers"], 8U);
}

TEST(PosEmbed, OfAFixedFamilyTakesNoOtherGrid) {
  const auto stored = test::some_tensor({4, kWidth}).values;
  EXPECT_EQ(resample_pos_embed(stored, {2, 2}, {2, 2}, PosEmbedResampling::kFixed), stored);
  EXPECT_THROW((void)resample_pos_embed(stored, {2, 2}, {2, 3}, PosEmbedResampling::kFixed), Error);
}

/// The angle of feature `i` at a patch: eva.py's RotaryEmbeddingCat gives each frequency to two neighbours,
/// DINOv3's gives it to i and i + d/2; in both the first half of the frequencies is for y, the second for x.
double naive_angle(Rope rope, PatchGrid grid, std::size_t patch, std::size_t i, std::size_t head_dim) {
  const std::size_t pairs = head_dim / 2;
  const std::size_t pair = rope == Rope::kEva02 ? i / 2 : i % pairs;
  const bool along_y = pair < pairs / 2;
  const auto place = double(along_y ? patch / grid.cols : patch % grid.cols);
  const auto count = double(along_y ? grid.rows : grid.cols);
  const auto step = double(pair % (pairs / 2));
  if (rope == Rope::kEva02) return place / count * 16.0 / std::pow(10000.0, step / (double(head_dim) / 4.0));
  const double coordinate = 2.0 * ((place + 0.5) / count) - 1.0;
  const double period = std::pow(100.0, 2.0 * step / (double(head_dim) / 2.0));
  return 2.0 * std::numbers::pi * coordinate / period;
}

TEST(RotaryTable, EqualsItsNaiveTwin) {
  for (const Rope rope : {Rope::kEva02, Rope::kDinoV3}) {
    for (const PatchGrid grid : {PatchGrid{4, 4}, PatchGrid{3, 5}, PatchGrid{16, 16}, PatchGrid{1, 7}}) {
      for (const std::size_t head_dim : {4U, 12U, 64U}) {
        const nn::RotaryTable table = rotary_table(rope, grid, head_dim, usual_rope_settings(rope));
        EXPECT_EQ(table.pairs, rope == Rope::kEva02 ? nn::RotaryPairs::kNeighbours : nn::RotaryPairs::kHalves);
        ASSERT_EQ(table.cos.size(), grid.size() * head_dim);
        ASSERT_EQ(table.sin.size(), grid.size() * head_dim);
        for (std::size_t at = 0; at < table.cos.size(); ++at) {
          const double angle = naive_angle(rope, grid, at / head_dim, at % head_dim, head_dim);
          ASSERT_NEAR(double(table.cos[at]), std::cos(angle), 1e-6) << at;
          ASSERT_NEAR(double(table.sin[at]), std::sin(angle), 1e-6) << at;
        }
      }
    }
  }
}

TEST(RelativePositions, EqualTheirNaiveTwin) {
  // timm/models/beit.py gen_relative_position_index: all offsets (dy, dx) in reading order from the most negative on,
  // then class token to patches, patches to class token, class token to itself.
  constexpr std::size_t kHeads = 2;
  for (const PatchGrid grid : {PatchGrid{3, 3}, PatchGrid{2, 4}, PatchGrid{4, 1}}) {
    const std::size_t offsets = (2 * grid.rows - 1) * (2 * grid.cols - 1);
    const auto table = test::some_tensor({offsets + 3, kHeads}).values;
    const auto bias = expand_relative_positions(grid, kHeads, 1, table);
    const std::size_t tokens = grid.size() + 1;
    ASSERT_EQ(bias.size(), kHeads * tokens * tokens);
    for (std::size_t at = 0; at < bias.size(); ++at) {
      const std::size_t head = at / (tokens * tokens);
      const std::size_t query = at / tokens % tokens;
      const std::size_t key = at % tokens;
      std::size_t entry = 0;
      if (query > 0 && key > 0) {
        const int dy = int((query - 1) / grid.cols) - int((key - 1) / grid.cols);
        const int dx = int((query - 1) % grid.cols) - int((key - 1) % grid.cols);
        for (int y = 1 - int(grid.rows); y < int(grid.rows); ++y) {
          for (int x = 1 - int(grid.cols); x < int(grid.cols); ++x) entry += (y < dy || (y == dy && x < dx)) ? 1U : 0U;
        }
      } else {
        entry = offsets + (query == 0 ? (key == 0 ? 2U : 0U) : 1U);
      }
      ASSERT_EQ(bias[at], table[entry * kHeads + head]) << "head " << head << ", " << query << " to " << key;
    }
  }
}

/// The nearest of all values that the 5 or 8 bits of an exponent and the 10 or 7 of a mantissa make.
float nearest_stored(StoredFloat type, float value) {
  const int mantissa = type == StoredFloat::kF16 ? 10 : 7;
  const int least = type == StoredFloat::kF16 ? -14 : -126;
  int exponent = 0;
  (void)std::frexp(value, &exponent);
  const double step = std::ldexp(1.0, std::max(exponent - 1, least) - mantissa);
  return static_cast<float>(std::nearbyint(double(value) / step) * step);  // ties to even
}

TEST(RoundAsStored, GivesTheNearestValueOfTheType) {
  std::vector<float> values{0.0F,     -0.0F,      1.0F,     1.00048828125F, 1.00146484375F,
                            0x1p-14F, 0x1.8p-24F, 0x1p-25F, 60000.0F};
  for (const float value : test::normal_values(2000, 7)) {
    values.insert(values.end(), {value, value * 1e-4F, value * 1e-6F, value * 300.0F});
  }
  for (const StoredFloat type : {StoredFloat::kF16, StoredFloat::kBf16}) {
    std::vector<float> rounded = values;
    round_as_stored(type, rounded);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(rounded[i], nearest_stored(type, values[i])) << values[i];
  }
  std::vector<float> same = values;
  round_as_stored(StoredFloat::kF32, same);
  EXPECT_EQ(same, values);
}

}  // namespace
}  // namespace fovea
