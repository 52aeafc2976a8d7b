#include "cli/run_note.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include "base/files.hpp"
#include "cli/terminal.hpp"

namespace fovea::cli {

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
  }
  if (!common_.verbose) return;
  messages.note(
      fmt::format("model {} ({}, {}) ready in {:.1f} ms", model.name, printable(model.path), model.dtype, lap_ms()));
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
