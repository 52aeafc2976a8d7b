// Pages that are one file: a template with marks, and JSON that cannot get out of its element.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace fovea {

/// JSON that may stand in a <script> element: without '<' nothing in it can end the element or open a comment.
[[nodiscard]] std::string script_safe(std::string_view json);

/// Puts each part in the place of its mark, in the order of the marks in the page. Only the page itself is searched for
/// marks, so that no part can bring one in.
[[nodiscard]] std::string fill_page(std::string_view page,
                                    std::initializer_list<std::pair<std::string_view, std::string_view>> parts);

}  // namespace fovea
