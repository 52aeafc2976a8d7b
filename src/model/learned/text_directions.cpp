#include "model/learned/text_directions.hpp"

#include <fmt/format.h>

#include <span>

#include "fovea/error.hpp"
#include "model/weights/tensor_source.hpp"

namespace fovea {
namespace {

/// From pooled features to the space that pictures and texts share.
struct Projection {
  std::size_t width = 0;      // of the shared space
  std::vector<float> weight;  // [width, pooled_dim]; empty: nothing is projected
  std::vector<float> bias;    // [width]; may be empty
};

/// timm's CLIP has its projection as the head.
Projection projection_of(const OpenModel& model, std::size_t text_width) {
  const Architecture& a = model.info.architecture;
  Projection projection{text_width, {}, {}};
  const bool is_head = text_width != a.feature_dim();
  if (!is_head && a.projection_dim == 0) return projection;
  Naming naming = *model.naming;
  naming.expect(is_head ? Option::kHead : Option::kProjection);
  const Role role = is_head ? Role::kHead : Role::kProjection;
  const TensorRule* const rule = naming.rule(role, Part::kWeight);
  const TensorView* const weight =
      rule == nullptr ? nullptr : model.checkpoint->find(naming.tensor_name(*rule));
  if (weight == nullptr || (is_head && a.num_classes != text_width)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the text embeddings are {} wide, expected {}, the width of {}'s image features", text_width,
                            a.feature_dim(), model.info.name),
                "text and image tower have to come from the same checkpoint");
  }
  projection.weight = to_float(*weight);
  if (rule->layout == Layout::kInOut) {
    const std::vector<float> stored = projection.weight;  // [pooled_dim, width]
    transpose<float>(stored, stored.size() / text_width, text_width, projection.weight);
  }
  const TensorRule* const bias_rule = naming.rule(role, Part::kBias);
  const TensorView* const bias =
      bias_rule == nullptr ? nullptr : model.checkpoint->find(naming.tensor_name(*bias_rule));
  if (bias != nullptr) projection.bias = to_float(*bias);
  return projection;
}

}  // namespace

TextDirections text_directions(const OpenModel& model, const TextEmbeddings& text, std::span<const std::size_t> rows) {
  const Projection projection = projection_of(model, text.width);
  const std::size_t pooled = model.info.architecture.pooled_dim();
  const TextEmbeddings unit_rows = with_unit_rows(text);
  TextDirections directions;
  for (const std::size_t row : rows) {
    const std::span<const float> values = std::span(unit_rows.rows).subspan(row * text.width, text.width);
    const std::vector<double> unit(values.begin(), values.end());
    std::vector<double> sums(pooled);
    double bias = 0;
    for (std::size_t j = 0; j < unit.size(); ++j) {
      if (projection.weight.empty()) {
        sums[j] = unit[j];
        continue;
      }
      const std::span<const float> to = std::span(projection.weight).subspan(j * pooled, pooled);
      for (std::size_t i = 0; i < pooled; ++i) sums[i] += unit[j] * static_cast<double>(to[i]);
      if (!projection.bias.empty()) bias += unit[j] * static_cast<double>(projection.bias[j]);
    }
    for (const double sum : sums) directions.weight.push_back(static_cast<float>(sum));
    directions.bias.push_back(static_cast<float>(bias));
  }
  return directions;
}

}  // namespace fovea
