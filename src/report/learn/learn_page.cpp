// The report of `learn` as one page: its style and its script are files beside this one.
#include <map>
#include <string>

#include "base/json_text.hpp"
#include "report/learn/learn_report.hpp"
#include "report/learn/learn_template.hpp"
#include "report/pages/html.hpp"

namespace fovea {

std::string learn_html(const LearnReport& report, const std::map<std::string, std::string>& thumbnails) {
  JsonObject pictures;
  for (const auto& [path, base64] : thumbnails) pictures.add(path, base64);
  JsonObject content;
  content.add_raw("report", learn_json(report)).add("thumbnails", pictures);
  return fill_page(kLearnHtml, {{"{{head}}", page_head("data:", kLearnCss)},
                                {"{{content}}", script_safe(content.line())},
                                {"{{page}}", page_script()},
                                {"{{script}}", kLearnJs}});
}

}  // namespace fovea
