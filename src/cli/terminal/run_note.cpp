#include "cli/terminal/run_note.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include "base/files.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/precision.hpp"

namespace fovea::cli {
namespace {

/// Without AMX three products at half the time each take longer than one. With AMX they are far faster.
bool is_slower_than_f32(Precision precision) {
  const bool several_products = precision == Precision::kBf16x3 || precision == Precision::kBf16x6;
  return several_products && fastest_full_precision() == Precision::kF32;
}

}  // namespace

double RunNote::lap_ms() {
  const auto now = Clock::now();
  const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
  last_ = now;
  return ms;
}

void RunNote::loaded(const ModelInfo& model) {
  const Messages messages(use_color(common_.color, STDERR_FILENO));
  if (!common_.quiet) {
    for (const std::string& assumption : model.assumptions) messages.warning("assumed " + assumption);
    if (is_slower_than_f32(model.precision)) {
      messages.warning(
          fmt::format("--precision {} is slower than f32 on this CPU because it has no AMX", name(model.precision)),
          "use --precision f32, which is as accurate");
    }
    if (model.quantized && !has_units(*model.quantized)) {
      messages.warning(fmt::format("{} is quantised for {}, but this CPU has no units for that, so it runs in {}",
                                   printable(model.path), name(*model.quantized), name(model.precision)),
                       "use the original model here: it is as fast, and more accurate");
    }
  }
  if (!common_.verbose) return;
  messages.note(fmt::format("model {} ({}, {}) ready in {:.1f} ms; linear layers in {}", model.name,
                            printable(model.path), model.dtype, lap_ms(), name(model.precision)));
  messages.note("preprocessing from " + model.recipe_source);
  if (!model.labels_source.empty()) messages.note("labels from " + model.labels_source);
}

void RunNote::done(const Summary& summary, const Schedule& schedule) {
  if (!common_.verbose) return;
  const double ms = lap_ms();
  const std::size_t images = summary.succeeded + summary.failed;
  Messages(use_color(common_.color, STDERR_FILENO))
      .note(fmt::format("{} inputs in {:.1f} ms, {:.1f} images/s; {} workers on {} threads, batch {}", images, ms,
                        ms > 0 ? 1000.0 * static_cast<double>(images) / ms : 0.0, schedule.workers, schedule.threads,
                        schedule.batch));
}

}  // namespace fovea::cli
