// RISE (Petsiuk et al. 2018): the model sees the picture through random soft masks. A patch's value is the average
// probability of the class while the patch was visible.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

constexpr std::size_t kCells = 7;  // cells on each side of the coarse grid, as in the paper
constexpr double kVisible = 0.5;   // share of cells that show the picture

std::size_t masks_of(const ExplainOptions& options) {
  return options.masks.value_or(1000);
}

/// One mask: a coarse grid of zeros and ones, enlarged bilinearly to one cell more than needed, then shifted.
class Mask {
 public:
  explicit Mask(Random& random)
      : cells_(random_cells(random)), shift_y_(random.uniform()), shift_x_(random.uniform()) {}

  /// @param y, x  position in the picture, 0..1
  [[nodiscard]] double at(double y, double x) const {
    const double row = y * (kCells - 1) + shift_y_;
    const double col = x * (kCells - 1) + shift_x_;
    const auto top = static_cast<std::size_t>(row);
    const auto left = static_cast<std::size_t>(col);
    const double down = row - std::floor(row);
    const double right = col - std::floor(col);
    const auto cell = [&](std::size_t r, std::size_t c) { return cells_[r * (kCells + 1) + c]; };
    return (1 - down) * ((1 - right) * cell(top, left) + right * cell(top, left + 1)) +
           down * ((1 - right) * cell(top + 1, left) + right * cell(top + 1, left + 1));
  }

 private:
  static std::vector<double> random_cells(Random& random) {
    std::vector<double> cells((kCells + 1) * (kCells + 1));
    for (double& cell : cells) cell = random.uniform() < kVisible ? 1 : 0;
    return cells;
  }

  std::vector<double> cells_;  // [8, 8]
  double shift_y_;             // cells
  double shift_x_;
};

class Rise final : public Explainer {
 public:
  Rise(const ExplainOptions& options, const TokenLayout& layout)
      : grid_(layout.grid), masks_(masks_of(options)), random_(options.seed) {}

  void rerun(std::span<const float> patches, std::size_t most, const RunAgain& run) override {
    std::vector<double> sums(grid_.size());
    std::vector<float> batch;
    std::vector<float> visible;  // [count, T]
    for (std::size_t first = 0; first < masks_; first += most) {
      const std::size_t count = std::min(most, masks_ - first);
      batch.resize(count * patches.size());
      visible.resize(count * grid_.size());
      for (std::size_t i = 0; i < count; ++i) {
        look_through(Mask(random_), patches, std::span(batch).subspan(i * patches.size(), patches.size()),
                     std::span(visible).subspan(i * grid_.size(), grid_.size()));
      }
      const std::vector<ClassScore> scores = run(batch);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t patch = 0; patch < sums.size(); ++patch) {
          sums[patch] += double{scores[i].probability} * double{visible[i * sums.size() + patch]};
        }
      }
    }
    map_.resize(sums.size());
    const double scale = 1 / (static_cast<double>(masks_) * kVisible);
    std::transform(sums.begin(), sums.end(), map_.begin(), [&](double sum) { return static_cast<float>(sum * scale); });
  }

  Heatmap heatmap() override {
    if (map_.empty())
      throw Error(ErrorCode::kShape, "rise: the model was not rerun, expected rerun() before heatmap()");
    return {grid_, map_};
  }

 private:
  /// @param patches, seen  [T, 3, P, P]; a mask hides a pixel by setting it to 0, the mean colour
  /// @param visible        [T] mean of the mask over each patch
  void look_through(const Mask& mask, std::span<const float> patches, std::span<float> seen,
                    std::span<float> visible) const {
    const std::size_t area = patches.size() / grid_.size() / 3;  // P·P
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(area))));
    const auto height = static_cast<double>(grid_.rows * side);
    const auto width = static_cast<double>(grid_.cols * side);
    std::vector<float> opacity(area);
    for (std::size_t patch = 0; patch < grid_.size(); ++patch) {
      const std::size_t top = patch / grid_.cols * side;
      const std::size_t left = patch % grid_.cols * side;
      double sum = 0;
      for (std::size_t i = 0; i < opacity.size(); ++i) {
        const std::size_t row = top + i / side;
        const std::size_t col = left + i % side;
        const double y = (static_cast<double>(row) + 0.5) / height;
        const double x = (static_cast<double>(col) + 0.5) / width;
        opacity[i] = static_cast<float>(mask.at(y, x));
        sum += double{opacity[i]};
      }
      visible[patch] = static_cast<float>(sum / static_cast<double>(opacity.size()));
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const std::size_t at = (patch * 3 + channel) * opacity.size();
        for (std::size_t i = 0; i < opacity.size(); ++i) seen[at + i] = patches[at + i] * opacity[i];
      }
    }
  }

  PatchGrid grid_;
  std::size_t masks_;
  Random random_;
  std::vector<float> map_;  // [T]
};

}  // namespace

ExplainMethod rise_method() {
  return {
      .name = "rise",
      .title = "RISE",
      .question = Question::kWhatIf,
      .shows =
          "Which patches keep the class probable while they are visible, over random masks. This control treats the "
          "model as a black box; it is noisy, and no finer than a mask's cells.",
      .costs = "one forward pass for each class and mask (--masks, 1000)",
      .reference =
          "Petsiuk, Das, Saenko 2018, RISE: Randomized Input Sampling for Explanation of Black-box Models, "
          "arXiv:1806.07421",
      .needs = {.reruns = true, .probabilities = true},
      .variant =
          [](const ExplainOptions& options) {
            return fmt::format("{} masks of {}x{} cells, seed {}", masks_of(options), kCells, kCells, options.seed);
          },
      .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
        return std::make_unique<Rise>(options, layout);
      },
      .reads = {"masks", "seed"}};
}

}  // namespace fovea
