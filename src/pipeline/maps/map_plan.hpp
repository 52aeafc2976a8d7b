// Which maps are made of every picture, and whether the model can give them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/zero_shot.hpp"
#include "pipeline/predictions.hpp"

namespace fovea {

/// Images that a method which runs the model again gives it at once.
inline constexpr std::size_t kRerunBatch = 8;

/// Which maps are made of every picture.
struct MapPlan {
  std::vector<const ExplainMethod*> methods;  // none: no maps
  ExplainOptions options;
  TokenReduction reduction;
  std::size_t draws = 1;  // of random tokens: passes whose results are averaged
  bool faithfulness = false;
  std::shared_ptr<const ZeroShotHead> zero_shot;  // whose classes are explained, in place of the model's own head's

  /// Whether some method needs this.
  [[nodiscard]] bool needs(bool Evidence::*evidence) const noexcept;
  /// Whether some method needs a pass back through the model.
  [[nodiscard]] bool backward() const noexcept;
  /// Whether some method is about one class.
  [[nodiscard]] bool class_specific() const noexcept;
  /// What a session has to take at once, for batches of `batch`.
  [[nodiscard]] std::size_t session_batch(std::size_t batch) const noexcept;
};

[[nodiscard]] TokenLayout token_layout(const Architecture& architecture);

/// The classes that a run with this plan tells apart.
[[nodiscard]] ClassSpace class_space(const ModelInfo& model, const MapPlan& plan);

/// Before any work: whether the options fit the model.
/// @throws Error  kUsage, as ExplainMethod::make; or if a method is about classes and the model has none.
void check_plan(const MapPlan& plan, const ModelInfo& model);

}  // namespace fovea
