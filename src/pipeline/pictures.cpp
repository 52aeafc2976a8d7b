#include "pipeline/pictures.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/files.hpp"
#include "explain/spearman.hpp"
#include "fovea/machine.hpp"
#include "image/codec/codec.hpp"
#include "pipeline/maps/attention_sheet.hpp"
#include "pipeline/maps/map_files.hpp"
#include "pipeline/picture_source.hpp"

namespace fovea {
namespace {

constexpr int kThumbnailSide = 320;    // px
constexpr int kThumbnailQuality = 85;  // JPEG

/// One picture on its way through a worker.
struct PictureJob {
  std::size_t index = 0;
  LoadedPicture picture;
  std::optional<SourceStamp> source;
  std::vector<ExplainedMap> maps;
  std::optional<AttentionSheet> sheet;
  std::optional<LookedAt> looked_at;
  std::optional<float> outlier_tokens;
  Logits logits;
  std::vector<float> features;
};

class PictureWorker {
 public:
  PictureWorker(std::shared_ptr<const VisionTransformer> model, std::span<const Input> inputs,
                std::span<const std::size_t> todo, const PictureOptions& options, const Schedule& schedule)
      : model_(std::move(model)),
        session_(model_, options.maps.session_batch(schedule.batch)),
        inputs_(inputs),
        todo_(todo),
        options_(options),
        ahead_(schedule.workers * schedule.batch) {}

  [[nodiscard]] PictureJob prepare(std::size_t item) const {
    if (!options_.tensors && item + ahead_ < todo_.size()) prefetch(inputs_[todo_[item + ahead_]]);
    const Input& input = inputs_[todo_[item]];
    PictureJob job;
    job.index = todo_[item];
    if (options_.stamp_sources) job.source = stamp_of(input);  // before it is read: a change in between shows as one
    job.picture = load_picture(input, job.index, options_.tensors.get(), options_.decode, model_->info(), keeps());
    return job;
  }

  void infer(std::span<PictureJob> jobs) {
    ForwardRequest request;
    request.keep_tokens = options_.features && *options_.features != FeaturePool::kHead;
    if (options_.layout.attention_sheet) fill_sheets(jobs, request);
    std::vector<ExplainedImage> images = explain_images(
        *model_, session_, gather(jobs), options_.maps, request, [&](std::size_t image, const ForwardResult& result) {
          return targets_of(options_.targets, result.logits, inputs_[jobs[image].index], classes());
        });
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ForwardResult& result = images[i].result;
      jobs[i].maps = std::move(images[i].maps);
      jobs[i].looked_at = std::move(images[i].looked_at);
      jobs[i].outlier_tokens = images[i].outlier_tokens;
      jobs[i].logits = std::move(result.logits);
      if (options_.features) {
        jobs[i].features = features_of(std::move(result), model_->architecture(), *options_.features);
      }
    }
  }

  PictureOutcome render(PictureJob& job) const {
    const Input& input = inputs_[job.index];
    PictureOutcome outcome;
    Record& record = outcome.record;
    record.index = job.index;
    record.path = input.path;
    record.size = job.picture.size;
    record.decoded_eighths = job.picture.decoded_eighths;
    record.source = job.source;
    if (options_.features) {
      record.features = FeatureRecord{job.index, feature_shape(model_->info(), *options_.features)};
    } else {
      record.predictions = predictions_of(job.logits, classes(), options_.predictions);
    }
    const MapFiles files(model_->info(), options_);
    ExplainedPicture explained{input, job.picture, job.logits, record.predictions, {}};
    if (job.looked_at) {
      record.tokens = job.looked_at->tokens;
      explained.kept = job.looked_at->kept;
    }
    for (const ExplainedMap& map : job.maps) {
      record.maps.push_back(files.write(explained, map));
      if (options_.maps.faithfulness) record.maps.back().agreement = agreement_of(map, job.maps);
    }
    if (options_.layout.panel) record.panel = files.write_panel(explained, job.maps);
    if (job.sheet) record.attention_sheet = files.write_sheet(input, job.sheet->sheet());
    record.outlier_tokens = job.outlier_tokens;
    if (options_.layout.thumbnails) {
      record.thumbnail = thumbnail_name(input);
      replace_file(options_.layout.folder / *record.thumbnail,
                   encode_jpeg(thumbnail(job.picture.original, kThumbnailSide), kThumbnailQuality));
    }
    outcome.logits = std::move(job.logits);
    outcome.features = std::move(job.features);
    return outcome;
  }

  [[nodiscard]] PictureOutcome fail(std::size_t item, const Failure& failure) const {
    PictureOutcome outcome;
    outcome.record.index = todo_[item];
    outcome.record.path = inputs_[todo_[item]].path;
    outcome.record.failure = failure;
    return outcome;
  }

 private:
  [[nodiscard]] ClassSpace classes() const { return class_space(model_->info(), options_); }
  [[nodiscard]] Keep keeps() const {
    if (!options_.layout.folder.empty() && !options_.maps.methods.empty()) return Keep::kWhole;
    return options_.layout.thumbnails ? Keep::kSmall : Keep::kNothing;
  }

  /// Empty ones in the jobs, for the request to fill: one that failed half way has left its blocks there.
  void fill_sheets(std::span<PictureJob> jobs, ForwardRequest& request) const {
    for (PictureJob& job : jobs) job.sheet.emplace(options_.maps.options, token_layout(model_->architecture()));
    request.attention = [jobs](std::size_t image, const AttentionView& attention) {
      jobs[image].sheet->observe(attention);
    };
    request.pool_attention = [jobs](std::size_t image, MatrixView<const float> weights) {
      jobs[image].sheet->observe_pool(weights);
    };
  }

  /// The patches of all jobs in one piece; a single job's where they are.
  std::span<const float> gather(std::span<PictureJob> jobs) {
    if (jobs.size() == 1) return jobs[0].picture.patches;
    gathered_.clear();
    for (const PictureJob& job : jobs) {
      const std::vector<float>& patches = job.picture.patches;
      gathered_.insert(gathered_.end(), patches.begin(), patches.end());
    }
    return gathered_;
  }

  /// With every other map that could be about the same class.
  [[nodiscard]] std::vector<MapAgreement> agreement_of(const ExplainedMap& map,
                                                       const std::vector<ExplainedMap>& all) const {
    std::vector<MapAgreement> agreement;
    for (const ExplainedMap& other : all) {
      if (&other == &map || (other.target && map.target && *other.target != *map.target)) continue;
      std::optional<MapTarget> target;
      if (other.target) target = described(*other.target, classes());
      agreement.push_back({map_stem(other.method->name, target), spearman(map.heatmap.values, other.heatmap.values)});
    }
    return agreement;
  }

  std::shared_ptr<const VisionTransformer> model_;
  Session session_;
  std::span<const Input> inputs_;
  std::span<const std::size_t> todo_;
  const PictureOptions& options_;
  std::size_t ahead_;  // items; the next one of this worker, roughly
  std::vector<float> gathered_;
};

}  // namespace

ClassSpace class_space(const ModelInfo& model, const PictureOptions& options) {
  return class_space(model, options.maps);
}

std::optional<SourceStamp> stamp_of(const Input& input) {
  struct stat status {};
  if (input.is_standard_input() || ::stat(input.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  SourceStamp stamp;
  stamp.bytes = static_cast<std::uint64_t>(status.st_size);
  stamp.mtime_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return stamp;
}

std::size_t run_pictures(const std::shared_ptr<const VisionTransformer>& model, std::span<const Input> inputs,
                         std::span<const std::size_t> todo, const PictureOptions& options, const Schedule& schedule,
                         const std::function<void(PictureOutcome)>& write, const std::atomic<bool>* stop) {
  using Steps = WorkerSteps<PictureJob, PictureOutcome>;
  const auto make_steps = [&](std::size_t index) {
    set_compute_threads(static_cast<int>(schedule.threads_of(index)));
    auto worker = std::make_shared<PictureWorker>(model, inputs, todo, options, schedule);
    return Steps{[worker](std::size_t item) { return worker->prepare(item); },
                 [worker](std::span<PictureJob> jobs) { worker->infer(jobs); },
                 [worker](PictureJob& job) { return worker->render(job); },
                 [worker](std::size_t item, const Failure& failure) { return worker->fail(item, failure); }};
  };
  return run_batch<PictureJob, PictureOutcome>(
      todo.size(), schedule, make_steps, [&](std::size_t, PictureOutcome outcome) { write(std::move(outcome)); }, stop);
}

}  // namespace fovea
