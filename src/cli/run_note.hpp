// What -v says about a run, on standard error.
#pragma once

#include <chrono>
#include <cstddef>

#include "cli/command.hpp"
#include "fovea/model.hpp"
#include "fovea/report.hpp"
#include "pipeline/scheduler.hpp"

namespace fovea::cli {

class RunNote {
 public:
  explicit RunNote(const CommonOptions& common) : common_(common) {}
  void loaded(const ModelInfo& model);
  void done(const Summary& summary, const Schedule& schedule);

 private:
  [[nodiscard]] double lap_ms();

  using Clock = std::chrono::steady_clock;
  const CommonOptions& common_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace fovea::cli
