// What `fovea bench` measures.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/terminal/json_text.hpp"
#include "fovea/explain.hpp"
#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "report/files/roofline.hpp"

namespace fovea::cli {

/// Of many runs, in ms.
struct Timing {
  double median = 0;
  double p90 = 0;
  double min = 0;
  double max = 0;
};
[[nodiscard]] Timing timing_of(std::vector<double> ms);

struct BenchPlan {
  std::shared_ptr<const VisionTransformer> model;
  std::size_t threads = 1;
  std::size_t batch = 1;
  double seconds = 3;                           // for the forward pass; the other stages take a part of it
  std::vector<const ExplainMethod*> methods;    // whose cost is measured; the first is drawn
  std::optional<std::filesystem::path> image;   // else a synthetic JPEG of 500x375 px
  std::optional<std::filesystem::path> folder;  // measure the throughput of these files, too
  std::optional<MapPlan> hard_attention;        // compare this reduction with the whole model; without maps
  bool roofline = false;                        // measure each kind of layer, too
  DecodeOptions decode;                         // of kFast also what it saves and changes
};

/// Throughput of a folder against what the cores allow.
struct FolderTiming {
  std::size_t images = 0;
  double images_per_second = 0;        // the whole way, all threads
  double cores_used = 0;               // processor time ÷ wall clock: fewer than threads where others are busy
  double decode_core_ms = 0;           // decoding, resampling and patches of one image on one core
  double forward_core_ms = 0;          // the model's forward pass of one image on one core
  double limit_images_per_second = 0;  // threads ÷ (decode_core_ms + forward_core_ms)
};

/// What a map costs, in runs that alternate with plain forward passes.
struct MethodCost {
  std::string method;
  Timing ms;            // forward pass and map together, of an image
  double added_ms = 0;  // to the forward pass of an image
  double forwards = 0;  // both, as a multiple of the plain forward pass
};

/// Images whose answers a reduction's are compared with; of a larger folder so many, evenly spread.
inline constexpr std::size_t kMostCompared = 200;

/// How far the answers with hard attention are those of the whole model.
struct Agreement {
  std::size_t images = 0;  // compared; what cannot be read is left out
  std::size_t found = 0;   // in the folder
  std::size_t same_top1 = 0;
  double largest_difference = 0;  // of the probability of any class
  [[nodiscard]] double share() const noexcept { return static_cast<double>(same_top1) / static_cast<double>(images); }
};

/// Decoding a part of each JPEG beside decoding all of it; medians over pictures, on one core.
struct FastDecode {
  std::size_t images = 0;   // compared; what cannot be read is left out
  std::size_t found = 1;    // in the folder
  std::size_t smaller = 0;  // of those compared, decoded smaller than they are
  double exact_ms = 0;
  double fast_ms = 0;
  double exact_preprocess_ms = 0;  // resampling and patches of what was decoded
  double fast_preprocess_ms = 0;
  bool compared = false;  // false for a model without classes; then the rest says nothing
  std::size_t same_top1 = 0;
  double largest_difference = 0;      // of a logit
  double largest_share_of_range = 0;  // the same over the range of the picture's logits
};

/// A forward pass with hard attention, in runs that alternate with those of the whole model. With several draws all of
/// them are one pass.
struct ReducedForward {
  std::vector<std::size_t> tokens;  // in the first block, then behind each stage; of the last draw
  double ms = 0;                    // per image, median
  double whole_ms = 0;
  double speedup = 0;                  // whole ÷ reduced of two runs side by side, median
  std::optional<Agreement> agreement;  // none for a model without classes
};

struct BenchReport {
  Timing forward;  // per image: a run divided by the batch
  std::size_t runs = 0;
  double gflop_per_image = 0;
  double fma_peak_gflops = 0;
  double matmul_peak_gflops = 0;
  double decode_ms = 0;      // medians for one image
  double preprocess_ms = 0;  // resampling, normalising, patches
  std::vector<MethodCost> methods;
  double encode_ms = 0;    // drawing and encoding the overlay
  std::string image;       // what decode and preprocess were measured on
  double peak_rss_mb = 0;  // after the forward passes
  std::optional<ReducedForward> reduced;
  std::optional<FolderTiming> folder;
  std::optional<Roofline> roofline;
  std::optional<FastDecode> fast_decode;
};

/// Runs `steps` in turn until the time is up, at least five times each.
/// @return  the ms of each run, by step
[[nodiscard]] std::vector<std::vector<double>> time_in_turn(double seconds,
                                                            const std::vector<std::function<void()>>& steps);

/// The pictures of plan.folder and its sub-folders.
/// @throws Error  kUsage if there are none.
[[nodiscard]] std::vector<Input> folder_pictures(const BenchPlan& plan);

/// Uses the calling thread's compute threads.
[[nodiscard]] BenchReport run_bench(const BenchPlan& plan);
[[nodiscard]] FolderTiming measure_folder(const BenchPlan& plan);
/// Agreement is of the folder's pictures, or else of `patches`.
/// @param patches  [batch, T, 3·P·P]
[[nodiscard]] ReducedForward measure_reduction(const BenchPlan& plan, std::span<const float> patches);
/// Of the folder's pictures, or else of `image`.
[[nodiscard]] FastDecode measure_fast_decode(const BenchPlan& plan, std::span<const std::byte> image,
                                             const std::string& name);
[[nodiscard]] std::string fast_decode_text(const FastDecode& fast);
[[nodiscard]] JsonObject fast_decode_json(const FastDecode& fast);
/// Layers one by one, in turn with whole forward passes.
/// @param patches  [batch, T, 3·P·P]
[[nodiscard]] Roofline measure_roofline(const BenchPlan& plan, std::span<const float> patches);
[[nodiscard]] std::string roofline_text(const Roofline& roofline);
[[nodiscard]] JsonObject roofline_json(const Roofline& roofline);
/// The largest resident size of this process so far, in 1e6 bytes.
[[nodiscard]] double peak_rss_mb();

}  // namespace fovea::cli
