// What `fovea bench` measures.
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
  double added_ms = 0;  // to the forward pass of an image
  double forwards = 0;  // forward pass and map together, as a multiple of the plain forward pass
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
  std::optional<FolderTiming> folder;
};

/// Uses the calling thread's compute threads.
[[nodiscard]] BenchReport run_bench(const BenchPlan& plan);
[[nodiscard]] FolderTiming measure_folder(const BenchPlan& plan);
/// The largest resident size of this process so far, in 1e6 bytes.
[[nodiscard]] double peak_rss_mb();

}  // namespace fovea::cli
