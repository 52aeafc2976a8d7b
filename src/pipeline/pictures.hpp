// The way of a picture: file → pixels → patches → logits, features, maps → record and overlays.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/overlay/overlay.hpp"
#include "image/preprocess/view.hpp"
#include "pipeline/explore.hpp"
#include "pipeline/features.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/outputs.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/maps/targets.hpp"
#include "pipeline/maps/zero_shot.hpp"
#include "pipeline/picture_source.hpp"
#include "pipeline/predictions.hpp"
#include "pipeline/session_pool.hpp"
#include "pipeline/tensor_images.hpp"
#include "pipeline/unknown.hpp"
#include "report/record.hpp"

namespace fovea {

struct PictureOptions {
  DecodeOptions decode;
  View view;                                    // what the model sees of each picture
  std::shared_ptr<const TensorImages> tensors;  // the pictures, already normalised; null: the inputs are image files
  PredictionOptions predictions;
  std::optional<FeaturePool> features;  // features in place of predictions
  MapPlan maps;
  std::vector<TargetRule> targets;  // the classes that class-specific methods explain
  OverlayStyle style;
  std::size_t top_patches = 10;                  // of each map, where they are listed
  bool difference_hash = false;                  // outcomes carry the picture's
  bool stamp_sources = false;                    // records carry size and time of their file
  std::shared_future<std::string> model_sha256;  // for the pictures' metadata; not valid: unknown
  OutputLayout layout;  // where overlays, maps and thumbnails go; its methods are those of the maps, by name
  std::optional<PageOptions> page;  // a section of a page in place of these files
  bool keep_maps = false;           // outcomes carry the maps and the picture that they lie over
  bool keep_tokens = false;         // outcomes carry the tokens that enter the last block
};

/// What has not been asked for is empty; of a failure everything but the record is.
struct PictureOutcome {
  Record record;
  Logits logits;                     // [C]; none beside features
  std::vector<float> probabilities;  // [C]
  std::vector<float> features;
  std::uint64_t difference_hash = 0;
  std::string page_section;  // of a failure, too
  std::vector<ExplainedMap> maps;
  std::vector<float> tokens;  // [N, D] as they enter the last block: what its attention reads
  LoadedPicture picture;
  PatchGrid patches;  // that the maps are of
};

/// The classes that outcomes are about.
[[nodiscard]] ClassSpace class_space(const ModelInfo& model, const PictureOptions& options);

/// Whether rows say if a picture is of none of the classes: a learned model has a rule for its own head alone.
[[nodiscard]] bool has_unknown_rule(const ModelInfo& model, const PictureOptions& options);

/// Size and time of a regular file, without a fingerprint; none for anything else. An archive's member has its own size
/// and the archive's time.
[[nodiscard]] std::optional<SourceStamp> stamp_of(const Input& input);

/// 0 to inputs - 1.
[[nodiscard]] std::vector<std::size_t> every(std::size_t inputs);

/// A model at work on pictures: what the program's verbs and fovea::Classifier run. Any number of threads may use one.
class Engine {
 public:
  /// @param model  one that was loaded as a cascade runs in its quick form first, and again where the answer is not
  /// sure
  explicit Engine(std::shared_ptr<const VisionTransformer> model)
      : sessions_(std::move(model)), unknown_(sessions_.model().info()) {
    if (const auto& quick = sessions_.model().quick()) quick_sessions_.emplace(quick);
  }

  [[nodiscard]] const ModelInfo& info() const noexcept { return sessions_.model().info(); }

  /// Runs the inputs `todo` (indices into `inputs`; a record's index is the same) through all that the options ask for.
  /// `write` sees the outcomes in the order of `todo`, in the calling thread.
  /// @param stop     as run_batch(), and so is `give_up`
  /// @return         how many of `todo` were written.
  /// @throws Error   kOutput, and what `write` throws.
  std::size_t run(std::span<const Input> inputs, std::span<const std::size_t> todo, const PictureOptions& options,
                  const Schedule& schedule, const std::function<void(PictureOutcome)>& write,
                  const std::atomic<bool>* stop = nullptr, const GiveUp& give_up = {});

 private:
  SessionPool sessions_;
  std::optional<SessionPool> quick_sessions_;  // of a cascade
  UnknownDetector unknown_;
};

}  // namespace fovea
