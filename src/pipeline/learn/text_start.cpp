#include "pipeline/learn/text_start.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "pipeline/eval/class_match.hpp"

namespace fovea {
namespace {

using learn::Examples;
using learn::Matrix;

constexpr std::array kWeights{0.0, 1.0, 2.0, 4.0, 8.0, 16.0};

/// The root of the mean square by which scores differ from their picture's mean.
double spread_of(const Matrix& scores) {
  double squares = 0;
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const auto row = scores.row(i);
    const double mean = std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size());
    for (const double score : row) squares += (score - mean) * (score - mean);
  }
  return std::sqrt(squares / static_cast<double>(std::max<std::size_t>(scores.values.size(), 1)));
}

Matrix multiplied(Matrix matrix, double factor) {
  for (double& value : matrix.values) value *= factor;
  return matrix;
}

double least_loss(Examples examples, const std::vector<learn::Split>& splits, const Matrix& scores, double weight) {
  examples.offsets = multiplied(scores, weight);
  const learn::CrossValidation found = learn::cross_validate(examples, splits);
  return std::ranges::min_element(found.path, {}, &learn::PathPoint::loss)->loss;
}

}  // namespace

TextDirections texts_of(const std::filesystem::path& model, const std::filesystem::path& file,
                        std::span<const std::string> classes) {
  const TextEmbeddings text = read_text_embeddings(file, {});
  const MatchedClasses matched = match_classes(classes, text.labels, file, "each class needs a text of its name");
  return text_directions(open_model(model), text, matched.of_label);
}

TextStart choose_text_start(const Examples& examples, const std::vector<learn::Split>& splits,
                            const TextDirections& texts) {
  TextStart start;
  start.head = {{examples.num_classes, examples.features.cols, {texts.weight.begin(), texts.weight.end()}},
                {texts.bias.begin(), texts.bias.end()}};
  start.scores = learn::scores_of(start.head, examples.features);
  const double spread = spread_of(start.scores);
  if (spread > 0) {
    start.scores = multiplied(std::move(start.scores), 1 / spread);
    start.head.weight = multiplied(std::move(start.head.weight), 1 / spread);
    for (double& bias : start.head.bias) bias /= spread;
  }
  if (splits.size() < 2) {  // nothing can be held out
    start.weight = 1;
    return start;
  }
  std::array<double, kWeights.size()> losses{};
  for (std::size_t i = 0; i < losses.size(); ++i) losses[i] = least_loss(examples, splits, start.scores, kWeights[i]);
  start.weight = kWeights[static_cast<std::size_t>(std::ranges::min_element(losses) - losses.begin())];
  return start;
}

Matrix offsets_of(const TextStart& start) {
  return multiplied(start.scores, start.weight);
}

learn::LinearHead with_texts(learn::LinearHead head, const TextStart& start) {
  for (std::size_t i = 0; i < head.weight.values.size(); ++i) {
    head.weight.values[i] += start.weight * start.head.weight.values[i];
  }
  for (std::size_t c = 0; c < head.bias.size(); ++c) head.bias[c] += start.weight * start.head.bias[c];
  return head;
}

}  // namespace fovea
