#include "pipeline/explore.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "fovea/machine.hpp"
#include "fovea/session.hpp"
#include "fovea/version.hpp"
#include "image/codec/codec.hpp"
#include "image/overlay/overlay.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/maps/targets.hpp"
#include "pipeline/picture_source.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

constexpr int kLongestSide = 896;    // px, of the picture in the page
constexpr int kPictureQuality = 85;  // JPEG

/// What the network saw, in the original's own pixels where there are more of them than the network's: its input is
/// coarse beside a screen. Where the crop is padded, or the picture small, it is the input itself.
Image seen_region(const Image& original, const Image& network_input, const CropGeometry& g) {
  const double rows = double(g.original.height) / g.resized.height;  // of the original for one of the resized
  const double cols = double(g.original.width) / g.resized.width;
  const bool padded =
      g.top < 0 || g.left < 0 || g.top + g.crop.height > g.resized.height || g.left + g.crop.width > g.resized.width;
  if (padded || std::min(rows, cols) < 1.5) return network_input;
  const int top = static_cast<int>(std::lround(rows * g.top));
  const int left = static_cast<int>(std::lround(cols * g.left));
  const Size size{std::min(static_cast<int>(std::lround(rows * g.crop.height)), g.original.height - top),
                  std::min(static_cast<int>(std::lround(cols * g.crop.width)), g.original.width - left)};
  Image region(size);
  for (int y = 0; y < size.height; ++y) {
    std::memcpy(region.row(y), original.row(top + y) + std::ptrdiff_t{3} * left, region.row_bytes());
  }
  return region;
}

struct ExploreJob {
  std::size_t index = 0;
  LoadedPicture picture;
  std::optional<AttentionPacker> attention;
  std::vector<ExplainedMap> maps;
  Logits logits;
};

class ExploreWorker {
 public:
  ExploreWorker(std::shared_ptr<const VisionTransformer> model, std::span<const Input> inputs,
                const ExploreOptions& options, std::size_t batch)
      : model_(std::move(model)),
        session_(model_, options.pictures.maps.session_batch(batch)),
        inputs_(inputs),
        options_(options) {}

  [[nodiscard]] ExploreJob prepare(std::size_t item) const {
    const PictureOptions& how = options_.pictures;
    ExploreJob job;
    job.index = item;
    job.picture = load_picture(inputs_[item], item, how.tensors.get(), how.decode, model_->info(), Keep::kWhole);
    return job;
  }

  void infer(std::span<ExploreJob> jobs) {
    const PictureOptions& how = options_.pictures;
    gathered_.clear();
    for (ExploreJob& job : jobs) {
      const std::vector<float>& patches = job.picture.patches;
      gathered_.insert(gathered_.end(), patches.begin(), patches.end());
      job.attention.reset();  // a run that failed half way has left its blocks there
      if (!options_.blocks.empty()) job.attention.emplace(options_.mean_heads);
    }
    ForwardRequest request;
    request.attention = [this, jobs](std::size_t image, const AttentionView& attention) {
      const auto& blocks = options_.blocks;
      if (std::find(blocks.begin(), blocks.end(), attention.block) == blocks.end()) return;
      jobs[image].attention->add(attention);
    };
    std::vector<ExplainedImage> images = explain_images(
        *model_, session_, gathered_, how.maps, request, [&](std::size_t image, const ForwardResult& result) {
          return targets_of(how.targets, result.logits, inputs_[jobs[image].index], classes());
        });
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      ForwardResult& result = images[i].result;
      jobs[i].maps = std::move(images[i].maps);
      jobs[i].logits = std::move(result.logits);
    }
  }

  [[nodiscard]] ExploreOutcome render(ExploreJob& job) const {
    ExplorePicture picture;
    Record& record = picture.record;
    record.index = job.index;
    record.path = inputs_[job.index].path;
    record.size = job.picture.size;
    record.predictions = predictions_of(job.logits, classes(), options_.pictures.predictions);
    const Image region = seen_region(job.picture.original, job.picture.network_input, job.picture.geometry);
    picture.jpeg = encode_jpeg(thumbnail(region, kLongestSide), kPictureQuality);
    picture.maps.reserve(job.maps.size());
    for (ExplainedMap& map : job.maps) picture.maps.push_back(described_map(map));
    if (job.attention) picture.attention = job.attention->pack();
    std::string section = explore_section(picture);
    return {std::move(record), std::move(section)};
  }

  [[nodiscard]] ExploreOutcome fail(std::size_t item, const Failure& failure) const {
    ExplorePicture picture;
    picture.record.index = item;
    picture.record.path = inputs_[item].path;
    picture.record.failure = failure;
    std::string section = explore_section(picture);
    return {std::move(picture.record), std::move(section)};
  }

 private:
  [[nodiscard]] ClassSpace classes() const { return class_space(model_->info(), options_.pictures); }

  [[nodiscard]] ExploreMap described_map(ExplainedMap& map) const {
    const ExplainMethod& method = *map.method;
    ExploreMap described_one{.method = std::string(method.name),
                             .title = std::string(method.title),
                             .variant = method.variant(options_.pictures.maps.options),
                             .shows = std::string(method.shows),
                             .target = std::nullopt,
                             .values = std::move(map.heatmap.values)};
    if (map.target) described_one.target = described(*map.target, classes());
    return described_one;
  }

  std::shared_ptr<const VisionTransformer> model_;
  Session session_;
  std::span<const Input> inputs_;
  const ExploreOptions& options_;
  std::vector<float> gathered_;
};

/// In the order of the tokens: class, distillation, registers.
std::vector<std::string> prefix_names(const Architecture& architecture) {
  std::vector<std::string> names;
  names.reserve(architecture.num_prefix_tokens);
  const std::size_t others = architecture.num_prefix_tokens - architecture.num_register_tokens;
  for (std::size_t i = 0; i < architecture.num_prefix_tokens; ++i) {
    names.push_back(i >= others ? fmt::format("register {}", i - others + 1)
                    : i == 0    ? "class token"
                                : "distillation token");
  }
  return names;
}

}  // namespace

std::size_t attention_bytes(const Architecture& architecture, std::size_t blocks, bool mean_heads) {
  return blocks * (mean_heads ? 1 : architecture.num_heads) * architecture.tokens() * architecture.tokens();
}

ExploreHeading explore_heading(const ModelInfo& model, const ExploreOptions& options) {
  const Architecture& architecture = model.architecture;
  return {.model_name = model.name,
          .version = FOVEA_VERSION,
          .prefix_tokens = prefix_names(architecture),
          .grid = architecture.grid(),
          .network_input = architecture.image_size,
          .patch_size = architecture.patch_size,
          .depth = architecture.depth,
          .num_heads = architecture.num_heads,
          .blocks = options.blocks,
          .mean_heads = options.mean_heads};
}

std::size_t run_explore(const std::shared_ptr<const VisionTransformer>& model, std::span<const Input> inputs,
                        const ExploreOptions& options, const Schedule& schedule,
                        const std::function<void(const ExploreOutcome&)>& write, const std::atomic<bool>* stop) {
  using Steps = WorkerSteps<ExploreJob, ExploreOutcome>;
  const auto make_steps = [&](std::size_t index) {
    set_compute_threads(static_cast<int>(schedule.threads_of(index)));
    auto worker = std::make_shared<ExploreWorker>(model, inputs, options, schedule.batch);
    return Steps{[worker](std::size_t item) { return worker->prepare(item); },
                 [worker](std::span<ExploreJob> jobs) { worker->infer(jobs); },
                 [worker](ExploreJob& job) { return worker->render(job); },
                 [worker](std::size_t item, const Failure& failure) { return worker->fail(item, failure); }};
  };
  return run_batch<ExploreJob, ExploreOutcome>(
      inputs.size(), schedule, make_steps, [&](std::size_t, const ExploreOutcome& outcome) { write(outcome); }, stop);
}

}  // namespace fovea
