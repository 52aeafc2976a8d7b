// Which maps are made of every picture, and whether the model can give them.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/explain.hpp"
#include "fovea/faithfulness.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/other_head.hpp"
#include "pipeline/predictions.hpp"

namespace fovea {

/// Batch size of methods that run the model again.
inline constexpr std::size_t kRerunBatch = 8;

/// Which maps are made of every picture.
struct MapPlan {
  std::vector<const ExplainMethod*> methods;  // none: no maps
  ExplainOptions options;
  TokenReduction reduction;
  std::size_t draws = 1;  // of random tokens: passes whose results are averaged
  bool faithfulness = false;
  bool contributions = false;  // with libra, of all blocks and without shifts: what each block and head brings
  Substrate substrate = Substrate::kPaint;      // of the faithfulness
  std::shared_ptr<const OtherHead> other_head;  // whose classes are explained, in place of the model's own head's

  /// Whether the model's own logits and features are all that is wanted.
  [[nodiscard]] bool is_plain() const noexcept;
  /// Whether some method needs this.
  [[nodiscard]] bool needs(bool Evidence::*evidence) const noexcept;
  /// Whether some method needs a backward pass.
  [[nodiscard]] bool backward() const noexcept;
  /// Whether some method needs a backward pass of this kind.
  [[nodiscard]] bool reads(Gradients gradients) const noexcept;
  /// Whether some method is fed gradients of pixels, and so no terms of the score.
  [[nodiscard]] bool reads_pixels() const noexcept;
  /// Whether some method is about one class.
  [[nodiscard]] bool class_specific() const noexcept;
  /// The plan of one of several draws.
  [[nodiscard]] MapPlan of_draw(std::size_t draw) const;
  /// [C], of the classes that are explained.
  [[nodiscard]] Logits logits_of(ForwardResult result) const;
  /// How many images a session has to take at once, for batches of `batch`.
  [[nodiscard]] std::size_t session_batch(std::size_t batch) const noexcept;
};

[[nodiscard]] TokenLayout token_layout(const Architecture& architecture);

/// The method where none is named: rollout, or libra where a class is.
[[nodiscard]] const ExplainMethod& default_method(bool class_is_named);

/// The methods that --test-methods tests where none is named: cheap ones that answer for one class, and rollout, which
/// is asked for most.
inline constexpr std::array<std::string_view, 5> kTestedMethods{"libra", "generic", "legrad", "grad-cam", "rollout"};

/// The classes that a run with this plan tells apart.
[[nodiscard]] ClassSpace class_space(const ModelInfo& model, const MapPlan& plan);

/// Whether a class can be explained: by a method that is about one, or by its faithfulness.
/// @param given   what names a class, for the message: "--target is given"
/// @throws Error  kUsage if all methods give the same map for every class.
void require_class_method(const MapPlan& plan, std::string_view given);

/// Before any work: whether the options fit the model.
/// @throws Error  kUsage, as ExplainMethod::make; or if a method is about classes and the model has none.
void check_plan(const MapPlan& plan, const ModelInfo& model);

}  // namespace fovea
