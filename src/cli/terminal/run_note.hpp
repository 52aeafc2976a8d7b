// Notes about a run on standard error: assumptions about the model and, with -v, the speed.
#pragma once

#include <chrono>
#include <cstddef>

#include "cli/command.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "report/record.hpp"

namespace fovea::cli {

class RunNote {
 public:
  explicit RunNote(const CommonOptions& common) : common_(common) {}
  /// Warns once about each assumption; with -q, never.
  void loaded(const ModelInfo& model);
  void done(const Summary& summary, const Schedule& schedule);

 private:
  [[nodiscard]] double lap_ms();

  using Clock = std::chrono::steady_clock;
  const CommonOptions& common_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace fovea::cli
