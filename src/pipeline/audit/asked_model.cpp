#include "pipeline/audit/asked_model.hpp"

#include <utility>

#include "fovea/error.hpp"

namespace fovea {

AskedModel::AskedModel(std::shared_ptr<const VisionTransformer> model, std::vector<std::size_t> of_class,
                       std::size_t threads, std::size_t batch, std::size_t budget)
    : engine_(std::move(model)), of_class_(std::move(of_class)), threads_(threads), batch_(batch), budget_(budget) {}

std::vector<std::vector<double>> AskedModel::operator()(std::span<const Image> pictures) {
  std::vector<Input> inputs(pictures.size());
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    inputs[i].path = "a changed picture";
    inputs[i].pixels = &pictures[i];
  }
  std::vector<std::vector<double>> probabilities(pictures.size());
  const std::vector<std::size_t> todo = every(inputs.size());
  engine_.run(inputs, todo, PictureOptions{}, schedule(todo.size()), [&](PictureOutcome outcome) {
    if (outcome.record.failure) {
      throw Error(outcome.record.failure->code, outcome.record.failure->message, outcome.record.failure->hint);
    }
    std::vector<double>& row = probabilities[outcome.record.index];
    for (const std::size_t of : of_class_) row.push_back(double{outcome.probabilities[of]});
  });
  passes_ += pictures.size();
  return probabilities;
}

}  // namespace fovea
