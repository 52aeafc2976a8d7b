// One record a line, each with its "type". The summary is the last line.
#include <memory>

#include "report/comparison.hpp"
#include "report/files/output.hpp"
#include "report/formats/record_json.hpp"
#include "report/record.hpp"
#include "report/registry.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

class JsonLinesWriter final : public ReportWriter {
 public:
  explicit JsonLinesWriter(std::ostream& out) : out_(out) {}
  void write(const Record& record) override { emit(out_, one_line(record_object(record)) + '\n'); }
  void write(const Comparison& comparison) override { emit(out_, one_line(comparison_object(comparison)) + '\n'); }
  void finish(const Summary& summary) override { emit(out_, one_line(summary_object(summary)) + '\n'); }

 private:
  std::ostream& out_;
};

std::unique_ptr<ReportWriter> make_jsonl(std::ostream& out, const ReportOptions& /*options*/) {
  return std::make_unique<JsonLinesWriter>(out);
}

}  // namespace

ReportFormat jsonl_format() {
  return {.name = "jsonl", .about = "one JSON object a line, written as soon as it is known", .make = make_jsonl};
}

}  // namespace fovea
