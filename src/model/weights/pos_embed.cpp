#include "model/weights/pos_embed.hpp"

#include <Eigen/Dense>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>

#include "fovea/error.hpp"

namespace fovea {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Keys' cubic convolution kernel.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

/// torch.nn.functional.interpolate along one axis as a matrix [to, from], half-pixel centres.
/// @param scale  input steps for each output step; from / to unless a scale_factor was given
Matrix interpolation(std::size_t from, std::size_t to, double scale, PosEmbedResampling rule) {
  const auto in = static_cast<Eigen::Index>(from);
  Matrix weights = Matrix::Zero(static_cast<Eigen::Index>(to), in);
  const auto at_edge = [&](Eigen::Index i) { return std::clamp<Eigen::Index>(i, 0, in - 1); };
  for (Eigen::Index o = 0; o < weights.rows(); ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * scale;
    const bool bilinear = rule == PosEmbedResampling::kBilinear;
    if (bilinear || rule == PosEmbedResampling::kTimm || rule == PosEmbedResampling::kAntialiased) {
      // antialias=True: Pillow's filter, a = -0.5; what lies outside is left out and the rest scaled up.
      const double filter_scale = std::max(scale, 1.0);
      const double support = (bilinear ? 1.0 : 2.0) * filter_scale;
      const auto first = std::max<Eigen::Index>(static_cast<Eigen::Index>(std::floor(centre - support + 0.5)), 0);
      const auto last = std::min<Eigen::Index>(static_cast<Eigen::Index>(std::floor(centre + support + 0.5)), in);
      for (Eigen::Index i = first; i < last; ++i) {
        const double x = (static_cast<double>(i) - centre + 0.5) / filter_scale;
        weights(o, i) = bilinear ? std::max(1.0 - std::abs(x), 0.0) : cubic(x, -0.5);
      }
      weights.row(o) /= weights.row(o).sum();
    } else if (rule == PosEmbedResampling::kGoogle) {
      const double x = std::max(centre - 0.5, 0.0);
      const auto left = static_cast<Eigen::Index>(x);
      weights(o, at_edge(left)) += 1.0 - (x - static_cast<double>(left));
      weights(o, at_edge(left + 1)) += x - static_cast<double>(left);
    } else {
      // antialias=False: four taps, a = -0.75, edges repeated.
      const double x = centre - 0.5;
      const auto left = static_cast<Eigen::Index>(std::floor(x));
      for (Eigen::Index tap = left - 1; tap <= left + 2; ++tap) {
        weights(o, at_edge(tap)) += cubic(x - static_cast<double>(tap), -0.75);
      }
    }
  }
  return weights;
}

/// DINO and DINOv2 ask for a scale_factor of (to + 0.1) / from, whose inverse then maps coordinates.
double coordinate_scale(std::size_t from, std::size_t to, PosEmbedResampling rule) {
  const double offset = rule == PosEmbedResampling::kBicubicOffset ? 0.1 : 0.0;
  return static_cast<double>(from) / (static_cast<double>(to) + offset);
}

/// One axis of rotation angles: [patches along it, d/4].
/// @param reference  of the same axis
/// @param periods    [d/4], or empty
Matrix axis_angles(Rope rope, std::size_t count, std::size_t frequencies, const RopeSettings& settings,
                   std::optional<std::size_t> reference, std::span<const float> periods) {
  Matrix angles(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(frequencies));
  for (Eigen::Index position = 0; position < angles.rows(); ++position) {
    const double place = static_cast<double>(position) + settings.grid_offset;
    for (Eigen::Index f = 0; f < angles.cols(); ++f) {
      const double share = static_cast<double>(f) / static_cast<double>(frequencies);
      if (rope == Rope::kEva02) {
        const double scaled = reference ? place / static_cast<double>(count) * static_cast<double>(*reference) : place;
        angles(position, f) = scaled * std::pow(settings.temperature, -share);
      } else {
        const double centre = 2.0 * (place + 0.5) / static_cast<double>(count) - 1.0;
        const double period = periods.empty() ? std::pow(settings.temperature, share)
                                              : static_cast<double>(periods[static_cast<std::size_t>(f)]);
        angles(position, f) = 2.0 * std::numbers::pi * centre / period;
      }
    }
  }
  return angles;
}

}  // namespace

std::vector<float> resample_pos_embed(std::span<const float> pos_embed, PatchGrid from, PatchGrid to,
                                      PosEmbedResampling rule) {
  assert(from.size() > 0 && pos_embed.size() % from.size() == 0);
  if (from == to) return {pos_embed.begin(), pos_embed.end()};
  if (rule == PosEmbedResampling::kFixed) {
    throw Error(ErrorCode::kUsage, "position embeddings of this family have a fixed size",
                "leave out --image-size, or use a checkpoint of timm or transformers");
  }
  const std::size_t width = pos_embed.size() / from.size();  // D
  const Matrix rows = interpolation(from.rows, to.rows, coordinate_scale(from.rows, to.rows, rule), rule);
  const Matrix cols = interpolation(from.cols, to.cols, coordinate_scale(from.cols, to.cols, rule), rule);
  std::vector<float> result(to.size() * width);
  Matrix plane(static_cast<Eigen::Index>(from.rows), static_cast<Eigen::Index>(from.cols));
  for (std::size_t feature = 0; feature < width; ++feature) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      plane.data()[i] = static_cast<double>(pos_embed[i * width + feature]);
    }
    const Matrix resampled = rows * plane * cols.transpose();
    for (std::size_t i = 0; i < to.size(); ++i) {
      result[i * width + feature] = static_cast<float>(resampled.data()[i]);
    }
  }
  return result;
}

RopeSettings usual_rope_settings(Rope rope) {
  RopeSettings settings;
  if (rope == Rope::kEva02) settings.reference = PatchGrid{16, 16};  // 224 px of 14
  if (rope == Rope::kDinoV3) settings.temperature = 100.0;
  settings.rotate_half = rope == Rope::kDinoV3;
  settings.x_first = rope == Rope::kMixed;
  return settings;
}

void round_as_stored(StoredFloat type, std::span<float> values) {
  if (type == StoredFloat::kF32) return;
  const unsigned dropped = type == StoredFloat::kF16 ? 13 : 16;  // of 23 bits of the mantissa
  for (float& value : values) {
    constexpr float kLeastNormalF16 = 0x1p-14F;
    if (type == StoredFloat::kF16 && std::abs(value) < kLeastNormalF16) {
      value = std::nearbyint(value * 0x1p24F) * 0x1p-24F;  // subnormal numbers are multiples of this
      continue;
    }
    auto bits = std::bit_cast<std::uint32_t>(value);
    bits += (1U << (dropped - 1)) - 1 + ((bits >> dropped) & 1U);
    value = std::bit_cast<float>(bits & ~((1U << dropped) - 1));
  }
}

nn::RotaryTable rotary_table(Rope rope, PatchGrid grid, std::size_t head_dim, const RopeSettings& settings,
                             std::span<const float> periods) {
  const std::size_t quarter = head_dim / 4;
  const auto side = [&](std::size_t PatchGrid::*axis) {
    return settings.reference ? std::optional((*settings.reference).*axis) : std::nullopt;
  };
  const Matrix y = axis_angles(rope, grid.rows, quarter, settings, side(&PatchGrid::rows), periods);
  const Matrix x = axis_angles(rope, grid.cols, quarter, settings, side(&PatchGrid::cols), periods);
  nn::RotaryTable table;
  table.head_dim = head_dim;
  table.pairs = settings.rotate_half ? nn::RotaryPairs::kHalves : nn::RotaryPairs::kNeighbours;
  table.cos.reserve(grid.size() * head_dim);
  table.sin.reserve(grid.size() * head_dim);
  for (std::size_t patch = 0; patch < grid.size(); ++patch) {
    const auto row = static_cast<Eigen::Index>(patch / grid.cols);
    const auto col = static_cast<Eigen::Index>(patch % grid.cols);
    for (std::size_t i = 0; i < head_dim; ++i) {
      // The d/2 angles of a patch: first for y, then for x, or x first. Both features of a pair have the same angle.
      const std::size_t pair = settings.rotate_half ? i % (2 * quarter) : i / 2;
      const auto frequency = static_cast<Eigen::Index>(pair % quarter);
      const bool is_y = (pair < quarter) != settings.x_first;
      const double angle = is_y ? y(row, frequency) : x(col, frequency);
      table.cos.push_back(static_cast<float>(std::cos(angle)));
      table.sin.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return table;
}

nn::RotaryTable mixed_rotary_table(PatchGrid grid, std::size_t num_heads, bool x_first, std::span<const float> first,
                                   std::span<const float> second) {
  assert(first.size() == second.size() && first.size() % num_heads == 0);
  const std::size_t pairs = first.size() / num_heads;  // d/2
  nn::RotaryTable table;
  table.head_dim = 2 * pairs;
  table.num_heads = num_heads;
  table.cos.reserve(2 * first.size() * grid.size());
  table.sin.reserve(2 * first.size() * grid.size());
  for (std::size_t head = 0; head < num_heads; ++head) {
    for (std::size_t patch = 0; patch < grid.size(); ++patch) {
      const std::size_t above = patch / grid.cols;
      const auto row = static_cast<double>(above);
      const auto col = static_cast<double>(patch % grid.cols);
      for (std::size_t i = 0; i < table.head_dim; ++i) {  // both features of a pair have the same angle
        const std::size_t at = head * pairs + i / 2;
        const double angle = (x_first ? col : row) * static_cast<double>(first[at]) +
                             (x_first ? row : col) * static_cast<double>(second[at]);
        table.cos.push_back(static_cast<float>(std::cos(angle)));
        table.sin.push_back(static_cast<float>(std::sin(angle)));
      }
    }
  }
  return table;
}

}  // namespace fovea
