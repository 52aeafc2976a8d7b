// One JSON document, {"schema":1,"results":[…],"summary":{…}}, with a comparison before the summary. Each record is
// written at once and none is kept.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "report/comparison.hpp"
#include "report/files/output.hpp"
#include "report/formats/record_json.hpp"
#include "report/record.hpp"
#include "report/registry.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

class JsonWriter final : public ReportWriter {
 public:
  explicit JsonWriter(std::ostream& out) : out_(out) {}

  void write(const Record& record) override {
    emit(out_, (begun_ ? ",\n" : opening() + '\n') + one_line(record_object(record)));
    begun_ = true;
  }
  void write(const Comparison& comparison) override {
    comparison_ = fmt::format("\"comparison\":{},\n", one_line(comparison_object(comparison)));
  }
  void finish(const Summary& summary) override {
    emit(out_, fmt::format("{}],{}\"summary\":{}}}\n", begun_ ? "\n" : opening(), comparison_,
                           one_line(summary_object(summary))));
  }

 private:
  static std::string opening() { return fmt::format("{{\"schema\":{},\"results\":[", kReportSchema); }

  std::ostream& out_;
  bool begun_ = false;
  std::string comparison_;  // written after the results, with its comma
};

std::unique_ptr<ReportWriter> make_json(std::ostream& out, const ReportOptions& /*options*/) {
  return std::make_unique<JsonWriter>(out);
}

}  // namespace

ReportFormat json_format() {
  return {.name = "json", .about = "one JSON document with all results and a summary", .make = make_json};
}

}  // namespace fovea
