// What a document says that a program prints, against what the program prints.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fovea::test {

/// "…" stands for any text. A number in front of `ms` or `s` is a time and may be any; other numbers with a decimal
/// point may differ by one in the last digit.
[[nodiscard]] bool line_agrees(std::string_view expected, std::string_view actual);
/// The line "…" stands for any lines, also for none.
[[nodiscard]] bool lines_agree(const std::vector<std::string>& expected, const std::vector<std::string>& actual);

}  // namespace fovea::test
