#include "cli/terminal/run_note.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include "base/files.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/precision.hpp"

namespace fovea::cli {
namespace {

/// Three products of half the time each take longer than one; those of AMX are a small part of it.
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
          fmt::format("--precision {} is slower than f32 on this CPU, which has no AMX", name(model.precision)),
          "--precision f32, which is as accurate");
    }
    if (model.quantized && !has_units(*model.quantized)) {
      messages.warning(fmt::format("{} is quantised for {}, which this CPU has no units for: it runs in {}",
                                   printable(model.path), name(*model.quantized), name(model.precision)),
                       "no faster than the model that it was made from, and less accurate");
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
