// The parts of run_bench() beyond the stages of one image.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "pipeline/bench/bench.hpp"
#include "pipeline/folder/inputs.hpp"

namespace fovea {

/// The pictures of plan.folder and its sub-folders.
/// @throws Error  kUsage if there are none.
[[nodiscard]] std::vector<Input> folder_pictures(const BenchPlan& plan);
/// Which of a folder's pictures are compared: all of them, or of more than 200 so many, evenly spread.
[[nodiscard]] std::vector<std::size_t> evenly_spread(std::size_t pictures);
/// @throws Error  kUsage: none of the `compared` pictures of plan.folder could be read.
[[noreturn]] void fail_unreadable(const BenchPlan& plan, std::size_t compared);

[[nodiscard]] FolderTiming measure_folder(const BenchPlan& plan);
/// @param plan  with a cascade, and the full model
[[nodiscard]] std::vector<CascadeCost> measure_cascade(const BenchPlan& plan);
/// @param patches  [batch, T, 3·P·P], of which the first image is judged
/// @throws Error   kUsage for a model without classes or probabilities.
[[nodiscard]] FaithfulnessCost measure_faithfulness(const BenchPlan& plan, std::span<const float> patches);
/// Agreement over the folder's pictures, or else over `patches`.
/// @param patches  [batch, T, 3·P·P]
[[nodiscard]] ReducedForward measure_reduction(const BenchPlan& plan, std::span<const float> patches);
/// Over the folder's pictures, or else over `image`.
/// @param image  an encoded file
[[nodiscard]] FastDecode measure_fast_decode(const BenchPlan& plan, std::span<const std::byte> image,
                                             const std::string& name);
/// Layers one by one, in turn with whole forward passes.
/// @param patches  [batch, T, 3·P·P]
[[nodiscard]] Roofline measure_roofline(const BenchPlan& plan, std::span<const float> patches);

}  // namespace fovea
