// Text for people at a terminal: a block for each input, with the numbers in one column.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/files.hpp"
#include "fovea/prediction.hpp"
#include "report/comparison.hpp"
#include "report/files/output.hpp"
#include "report/record.hpp"
#include "report/registry.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kDim = "\033[2m";
constexpr std::string_view kGreen = "\033[32m";
constexpr std::string_view kRed = "\033[1;31m";
constexpr std::string_view kReset = "\033[0m";

class TextWriter final : public ReportWriter {
 public:
  TextWriter(std::ostream& out, const ReportOptions& options) : out_(out), options_(options) {}

  void write(const Record& record) override {
    ++written_;
    if (record.failure || !options_.comparison) emit(out_, record.failure ? failure(record) : result(record));
  }
  void write(const Comparison& comparison) override { emit(out_, comparison_text(comparison)); }

  /// Prints the counts if there is more than one record.
  void finish(const Summary& summary) override {
    if (written_ < 2 && !summary.interrupted) return;
    std::string line = fmt::format("\n{} done", summary.succeeded);
    if (summary.failed > 0) line += ", " + painted(kRed, fmt::format("{} failed", summary.failed));
    if (summary.interrupted) line += ", " + painted(kRed, "interrupted");
    for (const auto& [precision, count] : summary.decided_by) {
      line += fmt::format(", {} decided by {}", count, name(precision));
    }
    emit(out_, line + '\n');
  }

 private:
  [[nodiscard]] std::string painted(std::string_view color, std::string_view text) const {
    return options_.color ? fmt::format("{}{}{}", color, text, kReset) : std::string(text);
  }

  [[nodiscard]] std::string prediction(const Prediction& prediction, bool best) const {
    // Labels come from a model's files. Like paths, they must not reach a terminal unescaped.
    const std::string label = printable(class_name(prediction.label, prediction.class_index));
    const std::string score = prediction.value
                                  ? fmt::format("{:9.4g}", *prediction.value)
                                  : fmt::format("{:5.1f} %", 100.0 * static_cast<double>(prediction.probability));
    return painted(best ? kGreen : std::string_view(), score) + "  " +
           painted(best ? kBold : std::string_view(), label);
  }

  /// "unknown (nearest: crane 58.2 %)"
  [[nodiscard]] std::string unknown(const Record& record) const {
    std::string what = painted(kBold, "unknown");
    if (record.predictions.empty()) return what;
    const Prediction& best = record.predictions.front();
    const std::string label = printable(class_name(best.label, best.class_index));
    return fmt::format("{} (nearest: {} {:.1f} %)", what, label, 100.0 * static_cast<double>(best.probability));
  }

  [[nodiscard]] std::string result(const Record& record) const {
    const std::string path = painted(kBold, printable(record.path));
    const bool no_class = is_unknown(record);
    if (options_.top_k == 1 && record.predictions.size() == 1 && record.maps.empty()) {
      return fmt::format("{}  {}\n", path, no_class ? unknown(record) : prediction(record.predictions.front(), true));
    }
    const std::string size = painted(kDim, fmt::format("{} x {}", record.size.width, record.size.height));
    if (record.features) {
      return fmt::format("{}  {}  row {}: {}\n", path, size, record.features->row,
                         fmt::join(record.features->shape, " x "));
    }
    std::string block = fmt::format("{}  {}\n", path, size);
    if (record.predictions.empty() && !no_class)
      block += fmt::format("  {}\n", painted(kDim, "no class is probable enough"));
    if (no_class) block += fmt::format("  {}\n", unknown(record));
    for (std::size_t k = 0; k < options_.top_k && k < record.predictions.size() && !no_class; ++k) {
      block += fmt::format("  {}\n", prediction(record.predictions[k], k == 0));
    }
    if (!record.tokens.empty()) block += fmt::format("  {}\n", painted(kDim, tokens(record.tokens)));
    if (record.outliers) block += fmt::format("  {}\n", painted(kRed, outlier_text(*record.outliers)));
    for (const MapRecord& map : record.maps) {
      const std::string what = fmt::format("{} ({})", map.method, map.variant);
      for (const auto& file : {map.overlay, map.map}) {
        if (file) block += fmt::format("  {}  {}\n", painted(kDim, what), printable(*file));
      }
      if (map.sum) block += fmt::format("    {}\n", sum_text(*map.sum));
      if (map.faithfulness) block += faithfulness(*map.faithfulness);
    }
    return block;
  }

  [[nodiscard]] static std::string tokens(const std::vector<std::size_t>& counts) {
    return fmt::format("tokens {}", fmt::join(counts, " > "));
  }

  [[nodiscard]] std::string faithfulness(const Faithfulness& f) const {
    const auto areas = [](const PerturbationAreas& curves) {
      return fmt::format("{:.3f} {:.3f}", curves.deletion, curves.insertion);
    };
    const bool better = f.verdict == Verdict::kBetterThanRandom;
    const auto srg = [](const PerturbationAreas& curves) { return fmt::format("{:+.3f}", curves.srg().value_or(0)); };
    return fmt::format("    {}: deletion, insertion {} (random {}, centre {}); SRG {} (centre {}){}\n",
                       painted(better ? kGreen : kRed, name(f.verdict)), areas(f.map), areas(f.random), areas(f.centre),
                       srg(f.map), srg(f.centre), f.substrate == Substrate::kDrop ? ", patches dropped" : "");
  }

  [[nodiscard]] std::string failure(const Record& record) const {
    std::string block =
        fmt::format("{}\n  {} ({}): {}\n", painted(kBold, printable(record.path)), painted(kRed, "failed"),
                    name(record.failure->code), printable(record.failure->message));
    if (!record.failure->hint.empty()) {
      block += fmt::format("  {}\n", painted(kDim, "hint: " + printable(record.failure->hint)));
    }
    return block;
  }

  std::ostream& out_;
  ReportOptions options_;
  std::size_t written_ = 0;
};

std::unique_ptr<ReportWriter> make_text(std::ostream& out, const ReportOptions& options) {
  return std::make_unique<TextWriter>(out, options);
}

}  // namespace

ReportFormat text_format() {
  return {.name = "text", .about = "for people at a terminal", .make = make_text};
}

}  // namespace fovea
