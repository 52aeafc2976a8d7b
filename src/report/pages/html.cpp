#include "report/pages/html.hpp"

#include <cassert>

#include "report/pages/head_template.hpp"

namespace fovea {

std::string script_safe(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

std::string fill_page(std::string_view page,
                      std::initializer_list<std::pair<std::string_view, std::string_view>> parts) {
  std::string html;
  for (const auto& [mark, part] : parts) {
    const std::size_t at = page.find(mark);
    assert(at != std::string_view::npos);
    html.append(page.substr(0, at)).append(part);
    page.remove_prefix(at + mark.size());
  }
  return html.append(page);
}

std::string page_head(std::string_view images, std::string_view style) {
  return fill_page(kHeadHtml, {{"{{images}}", images}, {"{{style}}", style}});
}

std::string_view page_script() noexcept {
  return kPageJs;
}

}  // namespace fovea
