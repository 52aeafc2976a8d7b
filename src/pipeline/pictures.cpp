#include "pipeline/pictures.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/files.hpp"
#include "explain/pixel_map.hpp"
#include "explain/spearman.hpp"
#include "image/codec/encode.hpp"
#include "image/preprocess/difference_hash.hpp"
#include "pipeline/cascade.hpp"
#include "pipeline/job_groups.hpp"
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
  ExplainedImage image;
  std::vector<float> tokens;  // [N, D] that enter the last block
  std::optional<AttentionSheet> sheet;
  std::optional<AttentionPacker> page_attention;
  std::optional<Precision> decided_by;  // of a cascade
};

/// All steps of the pictures of one thread, whatever is asked for.
class PictureWorker {
 public:
  enum class Form { kExact, kQuick };  // of a cascade; every other model is exact
  /// @param quick  of a cascade: what runs first
  /// @param ahead  items from one of this worker's to its next, roughly
  PictureWorker(const ModelInfo& model, SizedRunner exact, std::optional<SizedRunner> quick,
                const UnknownDetector& unknown, std::span<const Input> inputs, std::span<const std::size_t> todo,
                const PictureOptions& options, std::size_t ahead)
      : exact_(std::move(exact)),
        quick_(std::move(quick)),
        unknown_(unknown),
        model_(model),
        inputs_(inputs),
        todo_(todo),
        options_(options),
        ahead_(ahead) {}

  [[nodiscard]] PictureJob prepare(std::size_t item) const {
    if (!options_.tensors && item + ahead_ < todo_.size()) prefetch(inputs_[todo_[item + ahead_]]);
    const Input& input = inputs_[todo_[item]];
    PictureJob job;
    job.index = todo_[item];
    if (options_.stamp_sources) job.source = stamp_of(input);  // before reading: a change while it is read shows as one
    job.picture =
        load_picture(input, job.index, options_.tensors.get(), options_.decode, model_, keeps(), options_.view);
    return job;
  }

  /// Side by side: the jobs are all fed at one size.
  void infer(std::span<PictureJob> jobs, Form form = Form::kExact) {
    const Runner& runner = (form == Form::kQuick ? *quick_ : exact_).at(fed_at(jobs.front()));
    const std::span<const float> patches = gather(jobs);
    const ForwardRequest request = observing(jobs, runner.model->architecture());
    if (options_.maps.is_plain()) {
      std::vector<ForwardResult> results = runner.session->forward(patches, request);
      for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].image.result = std::move(results[i]);
      return;
    }
    const auto targets = [&](std::size_t image, const ForwardResult& result) {
      return targets_of(options_.targets, result.logits, inputs_[jobs[image].index], classes());
    };
    std::vector<ExplainedImage> images =
        explain_images(*runner.model, *runner.session, patches, options_.maps, request, targets);
    for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].image = std::move(images[i]);
  }

  [[nodiscard]] static bool are_alike(std::span<const PictureJob> jobs) { return groups_of(jobs, fed_at).size() == 1; }
  /// Side by side as far as jobs are fed at one size, which changes no result.
  void infer_by_size(std::span<PictureJob> jobs, Form form = Form::kExact) {
    for (const std::vector<std::size_t>& alike : groups_of(std::span<const PictureJob>(jobs), fed_at)) {
      run_some(jobs, alike, [&](std::span<PictureJob> some) { infer(some, form); });
    }
  }

  [[nodiscard]] bool is_cascade() const { return quick_ && !options_.features; }  // features have no sure part
  void infer_in_cascade(std::span<PictureJob> jobs) {
    infer_by_size(jobs, Form::kQuick);
    std::vector<std::size_t> unsure;
    const AskedAnswer asked = asked_answer(options_.predictions, options_.targets);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (!is_sure(jobs[i].image.result.logits, classes().function, asked, *model_.cascade)) unsure.push_back(i);
    }
    if (!unsure.empty()) run_some(jobs, unsure, [this](std::span<PictureJob> some) { infer_by_size(some); });
    for (PictureJob& job : jobs) job.decided_by = model_.cascade->quick;
    for (const std::size_t i : unsure) jobs[i].decided_by = model_.precision;
  }

  PictureOutcome render(PictureJob& job) const {
    PictureOutcome outcome;
    Record& record = outcome.record;
    record.index = job.index;
    record.path = inputs_[job.index].path;
    record.size = job.picture.size;
    record.decoded_eighths = job.picture.decoded_eighths;
    record.source = job.source;
    record.ignored_config = model_.ignored_config;
    record.decided_by = job.decided_by;
    ForwardResult& result = job.image.result;
    if (options_.difference_hash) outcome.difference_hash = difference_hash(job.picture.original);
    if (options_.features) {
      record.features = FeatureRecord{job.index, feature_shape(model_, *options_.features)};
      outcome.features = features_of(std::move(result), model_.architecture, *options_.features);
      return outcome;
    }
    if (has_unknown_rule(model_, options_)) record.unknown = unknown_(result);
    outcome.probabilities = probabilities_of(result.logits, classes());
    record.predictions = predictions_of(result.logits, outcome.probabilities, classes(), options_.predictions);
    record.outliers = job.image.outliers;
    outcome.logits = std::move(result.logits);
    if (options_.page) {
      outcome.page_section = page_section(record, job.picture, job.image, options_.maps.options, *options_.page,
                                          classes(), job.page_attention ? &*job.page_attention : nullptr);
    } else {
      write_files(job, outcome);
    }
    outcome.tokens = std::move(job.tokens);
    if (options_.keep_maps) {
      outcome.maps = std::move(job.image.maps);
      outcome.picture = std::move(job.picture);
      outcome.patches = outcome.picture.grid;
    }
    return outcome;
  }

  [[nodiscard]] PictureOutcome fail(std::size_t item, const Failure& failure) const {
    PictureOutcome outcome;
    outcome.record.index = todo_[item];
    outcome.record.path = inputs_[todo_[item]].path;
    outcome.record.failure = failure;
    const std::string name = printable(outcome.record.path) + ": ";
    if (failure.code == ErrorCode::kBackend && !failure.message.starts_with(name)) {  // what computes knows no files
      outcome.record.failure->message = name + failure.message;
    }
    if (options_.page) outcome.page_section = page_section(outcome.record);
    return outcome;
  }

 private:
  [[nodiscard]] static Size fed_at(const PictureJob& job) { return job.picture.geometry.crop; }
  [[nodiscard]] ClassSpace classes() const { return class_space(model_, options_); }
  [[nodiscard]] Keep keeps() const {
    const bool draws = !options_.layout.folder.empty() && !options_.maps.methods.empty();
    if (draws || options_.page || options_.keep_maps) return Keep::kWhole;
    return options_.layout.thumbnails || options_.difference_hash ? Keep::kSmall : Keep::kNothing;
  }

  /// What is wanted of the forward pass beside the maps. Sheets and attention begin empty: a run that failed half way
  /// has left its blocks in the jobs.
  [[nodiscard]] ForwardRequest observing(std::span<PictureJob> jobs, const Architecture& architecture) const {
    ForwardRequest request;
    request.keep_tokens = options_.features && reads_tokens(*options_.features);
    if (options_.keep_tokens) {
      request.unread_tokens = false;
      request.tokens = [jobs, last = architecture.depth - 1](std::size_t image, std::size_t block,
                                                             MatrixView<const float> tokens) {
        if (block != last) return;  // counted from what enters block 0
        std::vector<float>& kept = jobs[image].tokens;
        kept.clear();
        for (std::size_t token = 0; token < tokens.rows(); ++token) {
          kept.insert(kept.end(), tokens.row(token).begin(), tokens.row(token).end());
        }
      };
    }
    if (options_.layout.attention_sheet) {
      const TokenLayout layout = token_layout(architecture);
      for (PictureJob& job : jobs) job.sheet.emplace(options_.maps.options, layout);
      request.attention = [jobs](std::size_t image, const AttentionView& attention) {
        jobs[image].sheet->observe(attention);
      };
      request.pool_attention = [jobs](std::size_t image, MatrixView<const float> weights) {
        jobs[image].sheet->observe_pool(weights);
      };
    }
    if (options_.page) {
      const std::vector<std::size_t>& blocks = options_.page->blocks;
      if (!blocks.empty()) {
        for (PictureJob& job : jobs) job.page_attention.emplace(options_.page->mean_heads);
      }
      request.attention = [jobs, &blocks](std::size_t image, const AttentionView& attention) {
        if (std::find(blocks.begin(), blocks.end(), attention.block) == blocks.end()) return;
        jobs[image].page_attention->add(attention);
      };
    }
    return request;
  }

  /// The patches of all jobs in one piece; a single job's stay where they are.
  /// @return  [n, T, 3·P·P]
  std::span<const float> gather(std::span<PictureJob> jobs) {
    if (jobs.size() == 1) return jobs[0].picture.patches;
    gathered_.clear();
    for (const PictureJob& job : jobs) {
      const std::vector<float>& patches = job.picture.patches;
      gathered_.insert(gathered_.end(), patches.begin(), patches.end());
    }
    return gathered_;
  }

  void write_files(const PictureJob& job, PictureOutcome& outcome) const {
    const Input& input = inputs_[job.index];
    Record& record = outcome.record;
    PictureFiles written(options_.layout.folder);
    const MapFiles files(model_, options_, written);
    ExplainedPicture explained{input, job.picture,        outcome.probabilities, record.predictions,
                               {},    is_unknown(record), record.outliers};
    if (job.image.looked_at) {
      record.tokens = job.image.looked_at->tokens;
      explained.kept = job.image.looked_at->kept;
    }
    for (const ExplainedMap& map : job.image.maps) {
      record.maps.push_back(files.write(explained, map));
      if (options_.maps.faithfulness)
        record.maps.back().agreement = agreement_of(map, job.image.maps, job.picture.grid);
    }
    if (options_.layout.panel) record.panel = files.write_panel(explained, job.image.maps);
    if (job.sheet) record.attention_sheet = files.write_sheet(input, job.sheet->sheet());
    record.outlier_tokens = job.image.outlier_tokens;
    if (options_.layout.thumbnails) {
      record.thumbnail = thumbnail_name(input);
      written.write(*record.thumbnail, encode_jpeg(thumbnail(job.picture.original, kThumbnailSide), kThumbnailQuality));
    }
    if (record.source) record.source->files = written.sizes();
  }

  /// With every other map that could be about the same class.
  [[nodiscard]] std::vector<MapAgreement> agreement_of(const ExplainedMap& map, const std::vector<ExplainedMap>& all,
                                                       PatchGrid grid) const {
    std::vector<MapAgreement> agreement;
    for (const ExplainedMap& other : all) {
      if (&other == &map || (other.target && map.target && *other.target != *map.target)) continue;
      std::optional<MapTarget> target;
      if (other.target) target = described(*other.target, classes());
      agreement.push_back({options_.layout.stem(other.method->name, target),
                           spearman(patch_sums(map.heatmap, grid).values, patch_sums(other.heatmap, grid).values)});
    }
    return agreement;
  }

  SizedRunner exact_;
  std::optional<SizedRunner> quick_;
  const UnknownDetector& unknown_;
  const ModelInfo& model_;
  std::span<const Input> inputs_;
  std::span<const std::size_t> todo_;
  const PictureOptions& options_;
  std::size_t ahead_;
  std::vector<float> gathered_;  // [n, T, 3·P·P]
};

}  // namespace

ClassSpace class_space(const ModelInfo& model, const PictureOptions& options) {
  return class_space(model, options.maps);
}

bool has_unknown_rule(const ModelInfo& model, const PictureOptions& options) {
  return model.unknown && !options.maps.other_head && !options.features;
}

std::optional<SourceStamp> stamp_of(const Input& input) {
  struct stat status {};
  const std::string& file = input.stored_in();
  if (input.is_standard_input() || ::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  SourceStamp stamp;
  stamp.bytes = input.part ? input.part->bytes : static_cast<std::uint64_t>(status.st_size);
  stamp.mtime_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return stamp;
}

std::vector<std::size_t> every(std::size_t inputs) {
  std::vector<std::size_t> all(inputs);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

std::size_t Engine::run(std::span<const Input> inputs, std::span<const std::size_t> todo, const PictureOptions& options,
                        const Schedule& schedule, const std::function<void(PictureOutcome)>& write,
                        const std::atomic<bool>* stop, const GiveUp& give_up) {
  using Steps = WorkerSteps<PictureJob, PictureOutcome>;
  const auto make_steps = [&](std::size_t index) {
    const std::size_t batch = options.maps.session_batch(schedule.batch);
    const auto runner = [&](SessionPool& pool) { return SizedRunner(pool, batch, schedule.threads_of(index)); };
    const auto worker = std::make_shared<PictureWorker>(
        info(), runner(sessions_), quick_sessions_ ? std::optional(runner(*quick_sessions_)) : std::nullopt, unknown_,
        inputs, todo, options, schedule.workers * schedule.batch);
    return Steps{[worker](std::size_t item) { return worker->prepare(item); },
                 [worker](std::span<PictureJob> jobs) {
                   if (worker->is_cascade()) return worker->infer_in_cascade(jobs);
                   PictureWorker::are_alike(jobs) ? worker->infer(jobs) : worker->infer_by_size(jobs);
                 },
                 [worker](PictureJob& job) { return worker->render(job); },
                 [worker](std::size_t item, const Failure& failure) { return worker->fail(item, failure); }};
  };
  return run_batch<PictureJob, PictureOutcome>(
      todo.size(), schedule, make_steps, [&](std::size_t, PictureOutcome outcome) { write(std::move(outcome)); }, stop,
      give_up);
}

}  // namespace fovea
