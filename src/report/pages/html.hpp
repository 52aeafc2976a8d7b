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

/// The beginning of every page, up to </head>.
/// @param images  from where the page may show pictures, as in a Content-Security-Policy
[[nodiscard]] std::string page_head(std::string_view images, std::string_view style);

/// What the script of every page begins with: `$` and `make`.
[[nodiscard]] std::string_view page_script() noexcept;

}  // namespace fovea
