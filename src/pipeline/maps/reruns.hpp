// The model again: on changed images, and on some of an image's patches.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "pipeline/maps/targets.hpp"

namespace fovea {

/// Updates the mean of `draw` draws to the mean of one more.
void add_draw(std::size_t draw, const std::vector<float>& values, std::vector<float>& mean);

/// Runs the model on changed images and returns the score of a target; with several draws that of the mean logits.
/// @param session  of `model`; outlives the function; a call discards what it kept for gradients
[[nodiscard]] RunAgain run_again(Session& session, const ModelInfo& model, const MapPlan& plan, const Target& target);

/// The model on some patches of one image. What has run once serves all classes, methods and measures.
class SubsetRuns {
 public:
  /// The arguments must outlive this object. Nothing runs yet.
  /// @param patches  [T, 3·P·P]
  SubsetRuns(const ModelInfo& model, Session& session, std::span<const float> patches, const MapPlan& plan)
      : model_(model), session_(session), patches_(patches), plan_(plan) {}

  /// @return  for use as long as this object lives
  [[nodiscard]] RunSome of(const Target& target);

 private:
  void run(MatrixView<const std::size_t> kept);

  const ModelInfo& model_;
  Session& session_;
  std::span<const float> patches_;
  const MapPlan& plan_;
  std::map<std::vector<std::size_t>, Logits> logits_;  // by the patches that were kept
};

}  // namespace fovea
