// Converts text to ASCII, the only characters that Hershey's fonts have.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "image/overlay/caption.hpp"

namespace fovea {
namespace {

/// U+00C0 to U+017F without accents, one letter each.
constexpr std::string_view kLatin =
    "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty"
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlL"
    "lLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
static_assert(kLatin.size() == 0x180 - 0xC0);

struct Replacement {
  char32_t code;
  std::string_view text;
};
constexpr std::array kReplacements{
    Replacement{0x00A0, " "}, Replacement{0x00B7, "-"},  Replacement{0x2010, "-"},  Replacement{0x2011, "-"},
    Replacement{0x2012, "-"}, Replacement{0x2013, "-"},  Replacement{0x2014, "-"},  Replacement{0x2018, "'"},
    Replacement{0x2019, "'"}, Replacement{0x201C, "\""}, Replacement{0x201D, "\""}, Replacement{0x2026, "..."},
};

/// Decodes the code point at `at` and advances `at`; invalid bytes give U+FFFD.
char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC2 ? 1 : 0;
  if (more == 0 || lead > 0xF4 || more > text.size() - at) return 0xFFFD;
  char32_t code = lead & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0) != 0x80) return 0xFFFD;
    code = code << 6 | (next & 0x3FU);
  }
  at += more;
  return code;
}

}  // namespace

std::string to_drawable(std::string_view utf8) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const char32_t code = next_code_point(utf8, at);
    if (code < 0x80) {
      out.push_back(code < 0x20 || code == 0x7F ? ' ' : static_cast<char>(code));
      continue;
    }
    if (code >= 0xC0 && code < 0x180) {
      out.push_back(kLatin[code - 0xC0]);
      continue;
    }
    if (code >= 0x300 && code < 0x370) continue;  // combining marks
    std::string_view text = "?";
    for (const Replacement& replacement : kReplacements) {
      if (replacement.code == code) text = replacement.text;
    }
    out += text;
  }
  return out;
}

}  // namespace fovea
