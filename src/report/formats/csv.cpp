// A table for spreadsheets (RFC 4180): inside quotes a quote is doubled.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "report/comparison.hpp"
#include "report/files/output.hpp"
#include "report/registry.hpp"

namespace fovea {
namespace {

constexpr std::string_view kLineEnd = "\n";  // RFC 4180 has CRLF; command-line tools expect this, CSV readers accept it

std::string csv_field(std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(field);
  std::string text = "\"";
  for (const char c : field) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

std::string row(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line += ',';
    line += csv_field(field);
  }
  return line.append(kLineEnd);
}

std::string number(double value) {
  return shortest(static_cast<float>(value));
}

void put_estimate(const std::optional<Estimate>& estimate, std::vector<std::string>& fields) {
  const bool known = estimate && estimate->interval;
  fields.push_back(estimate ? number(estimate->mean) : "");
  fields.push_back(known ? number(estimate->interval->low) : "");
  fields.push_back(known ? number(estimate->interval->high) : "");
}

/// One row for each method, best first, with one column for its agreement with each method; unknown values are empty.
std::string comparison_table(const Comparison& comparison) {
  std::vector<std::string> names{"rank", "method", "variant", "pictures", "deletion_auc", "insertion_auc", "gain"};
  for (const char* name : {"gain_low", "gain_high", "beats_random", "less_next", "less_next_low", "less_next_high"}) {
    names.emplace_back(name);
  }
  const std::vector<std::string> methods = compared_methods(comparison);
  for (const std::string& method : methods) names.push_back("agreement_" + method);
  std::string table = row(names);
  for (std::size_t rank = 0; rank < comparison.ranking.size(); ++rank) {
    const ComparedMethod& method = comparison.ranking[rank];
    std::vector<std::string> fields{std::to_string(rank + 1),
                                    method.name,
                                    method.variant,
                                    std::to_string(comparison.pictures),
                                    number(method.areas.deletion),
                                    number(method.areas.insertion)};
    put_estimate(method.gain, fields);
    fields.push_back(method.beats_random ? number(*method.beats_random) : "");
    put_estimate(method.lead, fields);
    for (const std::string& other : methods) {
      const std::optional<double> correlation = agreement_of(method, other);
      fields.push_back(correlation ? number(*correlation) : "");
    }
    table += row(fields);
  }
  return table;
}

/// "rollout: no better than random; generic.30: better than random": maps are named as their files are.
std::string verdicts_of(const Record& record) {
  std::string text;
  for (const MapRecord& map : record.maps) {
    if (!map.faithfulness) continue;
    text += fmt::format("{}{}", text.empty() ? "" : "; ", map.method);
    if (map.target) text += fmt::format(".{}", map.target->class_index);
    if (map.target && map.target->against) text += fmt::format("-{}", map.target->against->class_index);
    text += fmt::format(": {}", name(map.faithfulness->verdict));
  }
  return text;
}

class CsvWriter final : public ReportWriter {
 public:
  CsvWriter(std::ostream& out, const ReportOptions& options)
      : out_(out),
        top_k_(options.top_k),
        verdicts_(options.verdicts),
        unknown_(options.unknown),
        values_(options.values),
        comparison_(options.comparison) {}

  void write(const Record& record) override {
    if (comparison_) return;
    std::vector<std::string> fields{std::to_string(record.index), to_utf8(record.path)};
    if (record.failure) {
      fields.resize(4 + 2 * top_k_);
      fields.push_back(to_utf8(record.failure->message));
    } else {
      fields.push_back(std::to_string(record.size.width));
      fields.push_back(std::to_string(record.size.height));
      for (std::size_t k = 0; k < top_k_ && k < record.predictions.size(); ++k) {
        const Prediction& prediction = record.predictions[k];
        // A class without a name is written as its index, which every option for classes also accepts.
        fields.push_back(to_utf8(prediction.label.value_or(std::to_string(prediction.class_index))));
        fields.push_back(shortest(prediction.value.value_or(prediction.probability)));
      }
      fields.resize(4 + 2 * top_k_ + 1);
    }
    if (verdicts_) fields.push_back(verdicts_of(record));
    if (unknown_) fields.emplace_back(!record.unknown ? "" : record.unknown->unknown ? "true" : "false");
    emit(out_, heading() + row(fields));
    begun_ = true;
  }
  void write(const Comparison& comparison) override { emit(out_, comparison_table(comparison)); }
  void finish(const Summary& /*summary*/) override {
    if (!comparison_) emit(out_, heading());
  }

 private:
  /// Returns the first row on the first call, then nothing.
  [[nodiscard]] std::string heading() const {
    if (begun_) return {};
    std::vector<std::string> names{"index", "path", "width", "height"};
    for (std::size_t k = 1; k <= top_k_; ++k) {
      names.push_back(fmt::format("label{}", k));
      names.push_back(fmt::format("{}{}", values_ ? "value" : "probability", k));
    }
    names.emplace_back("error");
    if (verdicts_) names.emplace_back("verdicts");
    if (unknown_) names.emplace_back("unknown");
    return row(names);
  }

  std::ostream& out_;
  std::size_t top_k_;
  bool verdicts_;
  bool unknown_;
  bool values_;
  bool comparison_;
  bool begun_ = false;
};

std::unique_ptr<ReportWriter> make_csv(std::ostream& out, const ReportOptions& options) {
  return std::make_unique<CsvWriter>(out, options);
}

}  // namespace

ReportFormat csv_format() {
  return {.name = "csv", .about = "a table for spreadsheets (RFC 4180)", .make = make_csv};
}

}  // namespace fovea
