// What `fovea quantize` prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "model/quantize/quantize.hpp"
#include "report/eval/eval_report.hpp"

namespace fovea::cli {

/// How the quantised model's answers on the calibration pictures compare with the model's own.
struct Agreement {
  std::size_t pictures = 0;
  std::size_t same_top1 = 0;
  double largest_difference = 0;  // of logits, or of features without a head, relative to their range
};

struct QuantizeReport {
  std::filesystem::path from;
  std::filesystem::path to;
  Precision precision = Precision::kInt8;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::vector<QuantizedLayer> layers;
  std::optional<Agreement> agreement;
  std::optional<EvalReport> price;  // of a model with classes
  std::string no_agreement;         // why there is none, for the report
  std::optional<CascadeInfo> cascade;
};

/// @param whole  with each layer's rounding error
[[nodiscard]] std::string text_of(const QuantizeReport& report, bool whole);
[[nodiscard]] std::string json_of(const QuantizeReport& report, bool whole);

}  // namespace fovea::cli
