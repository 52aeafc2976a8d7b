// The report of `audit` as one page: its script is a file beside this one.
#include <map>
#include <string>

#include "report/audit/audit_report.hpp"
#include "report/audit/audit_template.hpp"

namespace fovea {

std::string audit_html(const AuditReport& report, const std::map<std::string, std::string>& thumbnails) {
  return measured_page(kAuditHtml, kAuditJs, audit_json(report), thumbnails);
}

}  // namespace fovea
