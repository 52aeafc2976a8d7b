#include "support/transcript.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace fovea::test {
namespace {

using Lines = std::vector<std::string>;
constexpr std::string_view kAnything = "…";

/// "57.7" at the start of the text; empty where it starts otherwise.
std::string_view number_at(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
  if (end == 0 || end + 1 >= text.size() || text[end] != '.') return text.substr(0, end);
  std::size_t decimals = end + 1;
  while (decimals < text.size() && std::isdigit(static_cast<unsigned char>(text[decimals])) != 0) ++decimals;
  return decimals > end + 1 ? text.substr(0, decimals) : text.substr(0, end);
}

bool is_unit_of_time(std::string_view rest) {
  for (const std::string_view unit : {" ms", " s"}) {
    if (!rest.starts_with(unit)) continue;
    if (rest.size() == unit.size() || std::isalpha(static_cast<unsigned char>(rest[unit.size()])) == 0) return true;
  }
  return false;
}

/// Whole numbers are equal as text; others may differ by one in the last digit, or by what CPUs differ by.
bool numbers_agree(std::string_view expected, std::string_view actual) {
  const std::size_t point = expected.find('.');
  if (point == std::string_view::npos || actual.find('.') == std::string_view::npos) return expected == actual;
  constexpr double kCpusDiffer = 2e-6;
  const double digit = std::pow(10.0, -static_cast<double>(expected.size() - point - 1));
  const double difference = std::stod(std::string(expected)) - std::stod(std::string(actual));
  return std::abs(difference) <= std::max(1.01 * digit, kCpusDiffer);
}

bool agree_from(Lines::const_iterator expected, Lines::const_iterator end, Lines::const_iterator actual,
                Lines::const_iterator actual_end) {
  for (; expected != end; ++expected, ++actual) {
    if (*expected == kAnything) {
      for (auto from = actual;; ++from) {
        if (agree_from(expected + 1, end, from, actual_end)) return true;
        if (from == actual_end) return false;
      }
    }
    if (actual == actual_end || !line_agrees(*expected, *actual)) return false;
  }
  return actual == actual_end;
}

}  // namespace

bool line_agrees(std::string_view expected, std::string_view actual) {
  while (!expected.empty()) {
    if (expected.starts_with(kAnything)) {
      expected.remove_prefix(kAnything.size());
      for (; !actual.empty(); actual.remove_prefix(1)) {
        if (line_agrees(expected, actual)) return true;
      }
      return expected.empty();
    }
    const std::string_view number = number_at(expected);
    const std::string_view other = number_at(actual);
    if (!number.empty() && !other.empty()) {
      expected.remove_prefix(number.size());
      actual.remove_prefix(other.size());
      const bool time = is_unit_of_time(expected) && is_unit_of_time(actual);
      if (!time && !numbers_agree(number, other)) return false;
      continue;
    }
    if (actual.empty() || expected.front() != actual.front()) return false;
    expected.remove_prefix(1);
    actual.remove_prefix(1);
  }
  return actual.empty();
}

bool lines_agree(const Lines& expected, const Lines& actual) {
  return agree_from(expected.begin(), expected.end(), actual.begin(), actual.end());
}

}  // namespace fovea::test
