// The report of `learn` as one page: its script is a file beside this one.
#include <map>
#include <string>

#include "report/learn/learn_report.hpp"
#include "report/learn/learn_template.hpp"

namespace fovea {

std::string learn_html(const LearnReport& report, const std::map<std::string, std::string>& thumbnails) {
  return measured_page("learn", kLearnHtml, kLearnJs, learn_json(report), thumbnails);
}

}  // namespace fovea
