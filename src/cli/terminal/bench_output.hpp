// What `fovea bench` prints.
#pragma once

#include <string>

#include "pipeline/bench/bench.hpp"

namespace fovea::cli {

[[nodiscard]] std::string bench_text(const BenchPlan& plan, const BenchReport& report);
[[nodiscard]] std::string bench_json(const BenchPlan& plan, const BenchReport& report);

}  // namespace fovea::cli
