// Grad-CAM (Selvaraju et al. 2017) on the input of the last block's attention, as pytorch-grad-cam does for ViTs:
//   F = patch rows of norm1's output, w_d = mean over patches of ∂score/∂F_d,  map = (Σ_d w_d F_d)+.
#include <fmt/format.h>

#include <Eigen/Core>
#include <utility>
#include <vector>

#include "explain/attention_stream.hpp"
#include "explain/registry.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Matrix = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

class GradCam final : public Explainer {
 public:
  explicit GradCam(TokenLayout layout) : layout_(std::move(layout)) {}

  void observe_features(MatrixView<const float> features, MatrixView<const float> gradient) override {
    const bool fits =
        features.rows() == layout_.tokens() && gradient.rows() == features.rows() && gradient.cols() == features.cols();
    if (!fits) {
      throw Error(ErrorCode::kShape,
                  fmt::format("grad-cam: features are [{}, {}], their gradient [{}, {}], expected "
                              "{} tokens in both",
                              features.rows(), features.cols(), gradient.rows(), gradient.cols(), layout_.tokens()));
    }
    const auto patches = static_cast<Eigen::Index>(layout_.grid.size());
    const auto rows = static_cast<Eigen::Index>(features.rows());
    const auto dim = static_cast<Eigen::Index>(features.cols());
    const Matrix f(features.values().data(), rows, dim);
    const Matrix g(gradient.values().data(), rows, dim);
    // The sum runs in double, because the products of one patch nearly cancel.
    const Eigen::VectorXd weights = g.bottomRows(patches).cast<double>().colwise().mean();  // [D]
    const Eigen::VectorXd sums = f.bottomRows(patches).cast<double>() * weights;            // [T]
    map_.resize(layout_.grid.size());
    Eigen::Map<Eigen::VectorXf>(map_.data(), patches) = sums.cwiseMax(0.0).cast<float>();
  }

  Heatmap heatmap() override {
    if (map_.empty()) throw Error(ErrorCode::kShape, "grad-cam: features were not observed, expected once");
    return {layout_.grid, map_};
  }

 private:
  TokenLayout layout_;
  std::vector<float> map_;  // [T]
};

}  // namespace

ExplainMethod grad_cam_method() {
  return {
      .name = "grad-cam",
      .title = "Grad-CAM",
      .question = Question::kWhy,
      .shows =
          "Where the features that the last block's attention reads point towards this class. The map shows one "
          "block only, is coarse, and is empty if the weighted features point away everywhere.",
      .costs = "a fraction of a backward pass for each class",
      .reference =
          "Selvaraju et al. 2017, Grad-CAM, arXiv:1610.02391; Gildenblat et al., pytorch-grad-cam (ViT: "
          "blocks[-1].norm1)",
      .needs = {.features = true},
      .variant =
          [](const ExplainOptions& options) { return "last block's norm1, positive part" + gradients_text(options); },
      .make = [](const ExplainOptions&, const TokenLayout& layout) -> std::unique_ptr<Explainer> {
        return std::make_unique<GradCam>(layout);
      }};
}

}  // namespace fovea
