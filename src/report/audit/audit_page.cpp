// The report of `audit` as one page: its script is a file beside this one.
#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <string>

#include "report/audit/audit_report.hpp"
#include "report/audit/audit_template.hpp"

namespace fovea {

std::string audit_html(const AuditReport& report, const std::map<std::string, std::string>& thumbnails) {
  std::map<std::string, std::string> pictures = thumbnails;
  for (std::size_t f = 0; f < report.findings.size(); ++f) {
    for (std::size_t t = 0; t < report.findings[f].trials.size(); ++t) {
      const AuditExample& example = report.findings[f].trials[t].example;
      const std::string name = fmt::format("finding {} trial {} ", f, t);
      pictures[name + "changed"] = example.changed;
      pictures[name + "control"] = example.control;
    }
  }
  return measured_page("audit", kAuditHtml, kAuditJs, audit_json(report), pictures);
}

}  // namespace fovea
