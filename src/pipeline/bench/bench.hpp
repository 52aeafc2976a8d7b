// What `fovea bench` measures: a model's speed and memory on this machine, beside what the machine can do.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "pipeline/bench/timing.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "report/files/roofline.hpp"

namespace fovea {

struct BenchPlan {
  std::shared_ptr<const VisionTransformer> model;
  std::shared_ptr<const VisionTransformer> full;  // of a cascade: the model that decides where it is not sure; else null
  std::size_t threads = 1;
  std::size_t batch = 1;
  double seconds = 3;                           // for the forward pass; the other stages take a part of it
  std::vector<const ExplainMethod*> methods;    // whose cost is measured; the first is drawn
  ExplainOptions options;                       // of all methods
  std::optional<std::filesystem::path> image;   // else a synthetic JPEG of 500x375 px
  std::optional<std::filesystem::path> folder;  // measure the throughput of these files, too
  std::optional<MapPlan> hard_attention;        // compare this reduction with the whole model; without maps
  bool faithfulness = false;                    // measure what that of the first method's map costs, too
  bool roofline = false;                        // measure each kind of layer, too
  DecodeOptions decode;                         // kFast: measure what it saves and changes, too
};

/// Throughput of a folder beside what the cores allow.
struct FolderTiming {
  std::size_t images = 0;
  double images_per_second = 0;        // from file to scores, all threads
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
  double forwards = 0;  // forward pass and map, as a multiple of the plain forward pass
};

/// Deletion both ways and insertion of one map, in runs that alternate with as many plain forward passes.
struct FaithfulnessCost {
  std::size_t forwards = 0;  // images that the model runs on
  double ms = 0;             // in all, median
  double forwards_ms = 0;    // of as many passes of one image each, median
  double ratio = 0;          // of two runs side by side, median
};

/// How far the answers with token reduction are those of the whole model.
struct Agreement {
  std::size_t images = 0;  // compared; an unreadable image is left out
  std::size_t found = 0;   // in the folder
  std::size_t same_top1 = 0;
  double largest_difference = 0;  // of the probability of any class
  [[nodiscard]] double share() const noexcept { return static_cast<double>(same_top1) / static_cast<double>(images); }
};

/// Decoding a part of each JPEG beside decoding all of it; medians over pictures, on one core.
struct FastDecode {
  std::size_t images = 0;   // compared; an unreadable image is left out
  std::size_t found = 1;    // in the folder
  std::size_t smaller = 0;  // images among those compared that were decoded below their full size
  double exact_ms = 0;
  double fast_ms = 0;
  double exact_preprocess_ms = 0;  // resampling and patches after exact decoding
  double fast_preprocess_ms = 0;
  bool compared = false;  // false for a model without classes; the members below then say nothing
  std::size_t same_top1 = 0;
  double largest_difference = 0;      // of a logit
  double largest_share_of_range = 0;  // the same ÷ the range of the picture's logits
};

/// A forward pass with token reduction, in runs that alternate with those of the whole model. Several draws together
/// count as one pass.
struct ReducedForward {
  std::vector<std::size_t> tokens;  // in the first block, then after each stage; of the last draw
  double ms = 0;                    // per image, median
  double whole_ms = 0;
  double speedup = 0;                  // whole ÷ reduced of two runs side by side, median
  std::optional<Agreement> agreement;  // none for a model without classes
};

/// A cascade beside the model alone, on the pictures of a folder.
struct CascadeCost {
  std::size_t ranks = 1;   // best classes that were asked for, in their order
  std::size_t images = 0;  // compared; an unreadable image is left out
  std::size_t quick = 0;   // decided by the quick form
  std::size_t same = 0;    // have the model's classes
  double speedup = 1;      // the model's seconds ÷ the cascade's, from file to scores
};

struct BenchReport {
  double gflop = 0;  // of one image; where each picture has a size of its own, of the one that was measured
  Timing forward;    // per image: a run divided by the batch
  std::size_t runs = 0;
  double fma_peak_gflops = 0;
  double matmul_peak_gflops = 0;
  double decode_ms = 0;      // medians for one image
  double preprocess_ms = 0;  // resampling, normalising, patches
  std::vector<MethodCost> methods;
  double encode_ms = 0;    // drawing and encoding the overlay
  std::string image;       // the image on which decode and preprocess were measured
  double peak_rss_mb = 0;  // after the forward passes, in 1e6 bytes
  std::optional<ReducedForward> reduced;
  std::optional<FaithfulnessCost> faithfulness;
  std::optional<FolderTiming> folder;
  std::vector<CascadeCost> cascade;  // for the best class, and for the five best; of a cascade and a folder
  std::optional<Roofline> roofline;
  std::optional<FastDecode> fast_decode;
};

/// Sets the calling thread's compute threads to the plan's.
/// @throws Error  kUsage: the folder has no image, or none that can be read, or the model cannot have one of the
/// methods;
///                as read_file() and decode_image() for plan.image.
[[nodiscard]] BenchReport run_bench(const BenchPlan& asked);

}  // namespace fovea
