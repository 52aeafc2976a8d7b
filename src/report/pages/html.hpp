// Builds self-contained pages from a template with marks and from JSON that cannot escape its element.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace fovea {

/// JSON that is safe in a <script> element: without '<' nothing in it can end the element or open a comment.
[[nodiscard]] std::string script_safe(std::string_view json);

/// Replaces each mark by its part, in the order of the marks in the page. Marks are searched for only in the page
/// itself, so a part cannot introduce one.
[[nodiscard]] std::string fill_page(std::string_view page,
                                    std::initializer_list<std::pair<std::string_view, std::string_view>> parts);

}  // namespace fovea
