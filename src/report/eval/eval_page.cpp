// The report of `eval` as one page: its script is a file beside this one.
#include <map>
#include <string>

#include "report/eval/eval_report.hpp"
#include "report/eval/eval_template.hpp"

namespace fovea {

std::string eval_html(const EvalReport& report, const std::map<std::string, std::string>& thumbnails) {
  return measured_page("eval", kEvalHtml, kEvalJs, eval_json(report), thumbnails);
}

}  // namespace fovea
