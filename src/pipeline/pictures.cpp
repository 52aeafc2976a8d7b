#include "pipeline/pictures.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/files.hpp"
#include "image/codec.hpp"
#include "image/patches.hpp"
#include "image/preprocess.hpp"
#include "report/documents.hpp"

namespace fovea {
namespace {

constexpr int kThumbnailSide = 320;    // px
constexpr int kThumbnailQuality = 85;  // JPEG

/// One picture on its way through a worker.
struct PictureJob {
  std::size_t index = 0;
  Image original;  // kept only where something is drawn from it
  Size size;
  CropGeometry geometry;
  std::vector<float> patches;  // [T, 3·P·P]
  std::optional<SourceStamp> source;
  std::vector<std::unique_ptr<Explainer>> explainers;  // in the order of the methods
  Logits logits;
  std::vector<float> features;
};

/// Asks the kernel to read the file soon, so that a cold disk works while the cores do.
void announce(const Input& input) {
  struct stat status {};
  if (::stat(input.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const int file = ::open(input.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
  ::close(file);
}

Image read_input(const Input& input, const DecodeOptions& options) {
  if (input.is_standard_input()) return decode_image(read_stream(stdin, "standard input"), "standard input", options);
  return decode_image(read_file(input.path), printable(input.path), options);
}

class PictureWorker {
 public:
  PictureWorker(std::shared_ptr<const VisionTransformer> model, std::span<const Input> inputs,
                std::span<const std::size_t> todo, const PictureOptions& options, const Schedule& schedule)
      : model_(std::move(model)),
        session_(model_, schedule.batch),
        inputs_(inputs),
        todo_(todo),
        options_(options),
        ahead_(schedule.workers * schedule.batch) {}

  [[nodiscard]] PictureJob prepare(std::size_t item) const {
    if (!options_.tensors && item + ahead_ < todo_.size()) announce(inputs_[todo_[item + ahead_]]);
    const Input& input = inputs_[todo_[item]];
    if (input.failure) throw Error(input.failure->code, input.failure->message, input.failure->hint);
    PictureJob job;
    job.index = todo_[item];
    if (options_.stamp_sources) job.source = stamp_of(input);  // before it is read: a change in between shows as one
    const Architecture& architecture = model_->architecture();
    job.patches.resize(architecture.grid().size() * architecture.patch_dim());
    if (options_.tensors) {
      take_tensor(*options_.tensors, job);
    } else {
      take_picture(input, job);
    }
    return job;
  }

  void infer(std::span<PictureJob> jobs) {
    std::vector<ForwardResult> results = session_.forward(gather(jobs), request_for(jobs));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].logits = options_.zero_shot ? (*options_.zero_shot)(results[i]) : std::move(results[i].logits);
      if (options_.features) {
        jobs[i].features = features_of(std::move(results[i]), model_->architecture(), *options_.features);
      }
    }
  }

  PictureOutcome render(PictureJob& job) const {
    const Input& input = inputs_[job.index];
    PictureOutcome outcome;
    Record& record = outcome.record;
    record.index = job.index;
    record.path = input.path;
    record.size = job.size;
    record.source = job.source;
    if (options_.features) {
      record.features = FeatureRecord{job.index, feature_shape(model_->info(), *options_.features)};
    } else {
      record.predictions = predictions_of(job.logits, class_space(model_->info(), options_), options_.predictions);
    }
    for (std::size_t m = 0; m < job.explainers.size(); ++m) {
      record.maps.push_back(draw_map(job, input, *options_.methods[m], *job.explainers[m], record.predictions));
    }
    if (options_.layout.thumbnails) {
      record.thumbnail = thumbnail_name(input);
      replace_file(options_.layout.folder / *record.thumbnail,
                   encode_jpeg(thumbnail(job.original, kThumbnailSide), kThumbnailQuality));
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
  [[nodiscard]] bool draws() const { return !options_.methods.empty() || options_.layout.thumbnails; }

  void take_picture(const Input& input, PictureJob& job) const {
    const PreprocessRecipe& recipe = model_->info().recipe;
    Image image = read_input(input, options_.decode);
    job.size = image.size();
    const Preprocessed ready = preprocess(image, recipe);
    job.geometry = ready.geometry;
    extract_patches(ready.pixels, recipe, model_->architecture().patch_size, job.patches);
    if (draws()) job.original = std::move(image);
  }

  /// What the model is fed is there already; what is drawn on has to be made of it.
  void take_tensor(const TensorImages& tensors, PictureJob& job) const {
    job.size = tensors.size();
    job.geometry = {job.size, job.size, job.size, 0, 0};
    std::vector<float> chw(static_cast<std::size_t>(job.size.height) * static_cast<std::size_t>(job.size.width) * 3);
    tensors.read(job.index, chw);
    cut_patches(chw, job.size, model_->architecture().patch_size, job.patches);
    if (draws()) job.original = denormalized(chw, job.size, model_->info().recipe);
  }

  /// The patches of all jobs in one piece; a single job's where they are.
  std::span<const float> gather(std::span<PictureJob> jobs) {
    if (jobs.size() == 1) return jobs[0].patches;
    gathered_.clear();
    for (const PictureJob& job : jobs) gathered_.insert(gathered_.end(), job.patches.begin(), job.patches.end());
    return gathered_;
  }

  [[nodiscard]] ForwardRequest request_for(std::span<PictureJob> jobs) const {
    ForwardRequest request;
    request.keep_tokens = options_.features && *options_.features != FeaturePool::kHead;
    if (options_.methods.empty()) return request;
    const TokenLayout tokens = token_layout(model_->architecture());
    for (PictureJob& job : jobs) {
      job.explainers.clear();  // a run that failed half way has left its evidence there
      for (const ExplainMethod* method : options_.methods) {
        job.explainers.push_back(method->make(options_.explain, tokens));
      }
    }
    request.attention = [jobs](std::size_t image, const AttentionView& attention) {
      for (const auto& explainer : jobs[image].explainers) explainer->observe(attention);
    };
    request.pool_attention = [jobs](std::size_t image, MatrixView<const float> weights) {
      for (const auto& explainer : jobs[image].explainers) explainer->observe_pool(weights);
    };
    return request;
  }

  MapRecord draw_map(const PictureJob& job, const Input& input, const ExplainMethod& method, Explainer& explainer,
                     const std::vector<Prediction>& predictions) const {
    const Heatmap heatmap = explainer.heatmap();
    OverlayCaption caption;
    caption.method = method.title;
    caption.variant = method.variant(options_.explain);
    if (!predictions.empty()) {
      const Prediction& best = predictions.front();
      caption.label = best.label.value_or(fmt::format("class {}", best.class_index));
      caption.probability = static_cast<double>(best.probability);
    }
    MapRecord record;
    record.method = method.name;
    record.variant = caption.variant;
    record.overlay = overlay_name(options_.layout, input, method.name);
    const MatrixView<const float> map(heatmap.values, heatmap.grid.rows, heatmap.grid.cols);
    const Image overlay = draw_overlay(job.original, map, job.geometry, options_.style, caption);
    replace_file(options_.layout.folder / *record.overlay, encode_png(overlay, kOverlayCompression));
    if (options_.layout.save_maps) {
      record.map = map_name(options_.layout, input, method.name);
      const std::size_t shape[] = {heatmap.grid.rows, heatmap.grid.cols};
      replace_file(options_.layout.folder / *record.map, npy_f32(heatmap.values, shape));
    }
    return record;
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
  return options.zero_shot ? options.zero_shot->classes() : class_space(model);
}

TokenLayout token_layout(const Architecture& architecture) {
  TokenLayout layout;
  layout.num_blocks = architecture.depth;
  layout.num_heads = architecture.num_heads;
  layout.num_prefix = architecture.num_prefix_tokens;
  layout.grid = architecture.grid();
  switch (architecture.read_out) {
    case ReadOut::kClassToken: layout.read_out = {{0, 1.0F}}; return layout;
    case ReadOut::kClassAndDistToken: layout.read_out = {{0, 0.5F}, {1, 0.5F}}; return layout;
    case ReadOut::kAttentionPool: layout.read_out.clear(); return layout;
    case ReadOut::kPatchMean:
    case ReadOut::kClassAndPatchMean: break;
  }
  const bool half = architecture.read_out == ReadOut::kClassAndPatchMean;
  layout.read_out.clear();
  if (half) layout.read_out.push_back({0, 0.5F});
  const float share = (half ? 0.5F : 1.0F) / static_cast<float>(layout.grid.size());
  for (std::size_t patch = 0; patch < layout.grid.size(); ++patch) {
    layout.read_out.push_back({layout.num_prefix + patch, share});
  }
  return layout;
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
