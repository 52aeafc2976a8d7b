// Occlusion (Zeiler & Fergus 2014): a window of patches is painted in the mean colour at every position. A patch's
// value is the loss of score, averaged over the windows that hid it.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

class Occlusion final : public Explainer {
 public:
  Occlusion(const ExplainOptions& options, const TokenLayout& layout)
      : grid_(layout.grid),
        rows_(std::min(options.occlusion_window, grid_.rows)),
        cols_(std::min(options.occlusion_window, grid_.cols)) {}

  void rerun(std::span<const float> patches, std::size_t most, const RunAgain& run) override {
    const float whole = run(patches).front().score;
    std::vector<double> lost(grid_.size());
    std::vector<double> hidden(grid_.size());
    const std::size_t across = grid_.cols - cols_ + 1;
    const std::size_t positions = (grid_.rows - rows_ + 1) * across;
    std::vector<float> batch;
    for (std::size_t first = 0; first < positions; first += most) {
      const std::size_t count = std::min(most, positions - first);
      batch.clear();
      for (std::size_t i = 0; i < count; ++i) {
        batch.insert(batch.end(), patches.begin(), patches.end());
        hide(std::span(batch).last(patches.size()), (first + i) / across, (first + i) % across);
      }
      const std::vector<ClassScore> scores = run(batch);
      for (std::size_t i = 0; i < count; ++i) {
        for_each_hidden((first + i) / across, (first + i) % across, [&](std::size_t patch) {
          lost[patch] += double{whole} - double{scores[i].score};
          hidden[patch] += 1;
        });
      }
    }
    map_.resize(grid_.size());
    for (std::size_t patch = 0; patch < map_.size(); ++patch) {
      map_[patch] = static_cast<float>(lost[patch] / hidden[patch]);
    }
  }

  Heatmap heatmap() override {
    if (map_.empty())
      throw Error(ErrorCode::kShape, "occlusion: the model was not rerun, expected rerun() before heatmap()");
    return {grid_, map_};
  }

 private:
  template <typename Visit>
  void for_each_hidden(std::size_t top, std::size_t left, Visit visit) const {
    for (std::size_t row = top; row < top + rows_; ++row) {
      for (std::size_t col = left; col < left + cols_; ++col) visit(row * grid_.cols + col);
    }
  }

  /// @param image  [T, 3·P·P]; 0 is the mean colour
  void hide(std::span<float> image, std::size_t top, std::size_t left) const {
    const std::size_t dim = image.size() / grid_.size();
    for_each_hidden(top, left, [&](std::size_t patch) {
      std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(patch * dim), dim, 0.0F);
    });
  }

  PatchGrid grid_;
  std::size_t rows_;  // the window's size, in patches
  std::size_t cols_;
  std::vector<float> map_;  // [T]
};

}  // namespace

ExplainMethod occlusion_method() {
  return {.name = "occlusion",
          .title = "occlusion",
          .question = Question::kWhatIf,
          .shows =
              "How much the class's score falls when a patch is painted over. This control needs no attention, but it "
              "finds only what one window can hide, and the paint is itself evidence.",
          .costs = "one forward pass for each class and position of the window (144 for 14x14 patches)",
          .reference = "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks, arXiv:1311.2901",
          .needs = {.reruns = true},
          .variant =
              [](const ExplainOptions& options) {
                return fmt::format("{0}x{0} patches in the mean colour, score lost", options.occlusion_window);
              },
          .make = [](const ExplainOptions& options, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
            return std::make_unique<Occlusion>(options, layout);
          },
          .reads = {"window"}};
}

}  // namespace fovea
