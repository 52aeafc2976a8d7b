#include "explain/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {

// A method receives only the evidence that it needs, so the other observers do nothing.
void Explainer::observe(const AttentionView& /*attention*/) {}
void Explainer::observe_pool(MatrixView<const float> /*weights*/) {}
void Explainer::observe_gradient(const AttentionView& /*attention*/, std::span<const float> /*gradient*/) {}
void Explainer::observe_pool_gradient(MatrixView<const float> /*weights*/, MatrixView<const float> /*gradient*/) {}
void Explainer::observe_layer_gradient(const AttentionView& /*attention*/, std::span<const float> /*gradient*/) {}
void Explainer::observe_features(MatrixView<const float> /*features*/, MatrixView<const float> /*gradient*/) {}
void Explainer::observe_score_terms(const ScoreTerms& /*terms*/) {}
void Explainer::observe_pixels(const MovedImage& /*moved*/) {}
void Explainer::observe_relevance(std::size_t /*block*/, std::span<const double> /*gradient*/,
                                  std::span<const double> /*relevance*/) {}
void Explainer::observe_tokens(std::size_t /*block*/, MatrixView<const float> /*tokens*/) {}
void Explainer::run_some(const RunSome& /*run*/) {}
void Explainer::rerun(std::span<const float> /*patches*/, std::size_t /*most*/, const RunAgain& /*run*/) {}

std::span<const ExplainMethod> explain_methods() {
  static const std::array kMethods{
#define FOVEA_EXPLAIN_METHOD(name) name##_method(),
#include "explain/methods.def"
#undef FOVEA_EXPLAIN_METHOD
  };
  return kMethods;
}

const ExplainMethod& explain_method(std::string_view name) {
  const auto methods = explain_methods();
  const auto found =
      std::find_if(methods.begin(), methods.end(), [&](const ExplainMethod& method) { return method.name == name; });
  if (found != methods.end()) return *found;
  std::vector<std::string> names;
  for (const ExplainMethod& method : methods) names.emplace_back(method.name);
  throw Error(ErrorCode::kUsage, fmt::format("method: '{}' is unknown, expected {}", name, fmt::join(names, " or ")),
              did_you_mean(name, names));
}

}  // namespace fovea
