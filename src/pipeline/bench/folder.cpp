#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <numeric>
#include <thread>
#include <utility>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "base/process/interrupt.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "fovea/prepare.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/bench/timing.hpp"
#include "pipeline/pictures.hpp"
#include "pipeline/session_pool.hpp"

namespace fovea {
namespace {

constexpr std::size_t kSampled = 100;       // images whose core time is taken; the rest of the folder is alike
constexpr std::size_t kMostCompared = 200;  // images whose answers are compared

struct Pass {
  double images_per_second = 0;
  double cores_used = 0;
};

Pass run_folder_once(const BenchPlan& plan, std::span<const Input> inputs, std::span<const std::size_t> todo) {
  PictureOptions options;
  options.decode = plan.decode;
  const auto begin = std::chrono::steady_clock::now();
  const double computed = process_seconds();
  std::size_t succeeded = 0;
  Engine(plan.model)
      .run(inputs, todo, options, plan_schedule(todo.size(), plan.threads, plan.batch),
           [&](const PictureOutcome& outcome) { succeeded += outcome.record.failure ? 0U : 1U; });
  stop_if_interrupted();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {static_cast<double>(succeeded) / seconds, (process_seconds() - computed) / seconds};
}

/// The two parts of what an image costs, one image at a time on one core.
void measure_core_time(const BenchPlan& plan, std::span<const Input> inputs, FolderTiming& timing) {
  set_compute_threads(1);
  const ModelInfo& model = plan.model->info();
  SessionPool sessions(plan.model);
  SizedRunner runner(sessions, 1, 1);
  Size compiled;  // px, whose primitives are compiled
  double decode = 0;
  double forward = 0;
  std::size_t images = 0;
  const std::size_t step = std::max<std::size_t>(inputs.size() / kSampled, 1);
  for (std::size_t i = 0; i < inputs.size(); i += step) {
    const double begin = thread_ms();
    PreparedImage prepared;
    try {
      const DecodedPicture picture = decode_image(read_file(inputs[i].path), inputs[i].path, plan.decode, model.recipe);
      prepared = prepare(picture.image, model, picture.whole);
    } catch (const Error&) {
      continue;  // an unreadable image is not what is measured here
    }
    decode += thread_ms() - begin;
    Session& session = *runner.at(prepared.geometry.crop).session;
    if (std::exchange(compiled, prepared.geometry.crop) != prepared.geometry.crop) (void)session.run(prepared.patches);
    const double between = thread_ms();
    (void)session.run(prepared.patches);
    forward += thread_ms() - between;
    ++images;
  }
  if (images == 0) fail_unreadable(plan, inputs.size());
  timing.decode_core_ms = decode / static_cast<double>(images);
  timing.forward_core_ms = forward / static_cast<double>(images);
}

}  // namespace

std::vector<Input> folder_pictures(const BenchPlan& plan) {
  const std::string folder = plan.folder->string();
  std::vector<Input> inputs = list_inputs(std::span(&folder, 1), {true, {}});
  if (inputs.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: no image was found, expected a folder of them", printable(folder)));
  }
  return inputs;
}

std::vector<std::size_t> evenly_spread(std::size_t pictures) {
  std::vector<std::size_t> chosen(std::min(pictures, kMostCompared));
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = i * pictures / chosen.size();
  return chosen;
}

void fail_unreadable(const BenchPlan& plan, std::size_t compared) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: none of {} images could be read, expected some to compare",
                                             printable(*plan.folder), compared));
}

FolderTiming measure_folder(const BenchPlan& plan) {
  const std::vector<Input> inputs = folder_pictures(plan);
  std::vector<std::size_t> todo(inputs.size());
  std::iota(todo.begin(), todo.end(), std::size_t{0});
  FolderTiming timing;
  timing.images = inputs.size();
  (void)run_folder_once(plan, inputs, std::span(todo).first(std::min<std::size_t>(todo.size(), 20)));  // warm-up
  // The machine may change its pace: throughput is taken before and after the core times.
  const Pass before = run_folder_once(plan, inputs, todo);
  // In a thread of its own, because the number of compute threads belongs to a thread.
  std::exception_ptr failure;
  std::thread([&] {
    try {
      measure_core_time(plan, inputs, timing);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  const Pass after = run_folder_once(plan, inputs, todo);
  timing.images_per_second = (before.images_per_second + after.images_per_second) / 2;
  timing.cores_used = (before.cores_used + after.cores_used) / 2;
  timing.limit_images_per_second =
      1000.0 * static_cast<double>(plan.threads) / (timing.decode_core_ms + timing.forward_core_ms);
  return timing;
}

}  // namespace fovea
