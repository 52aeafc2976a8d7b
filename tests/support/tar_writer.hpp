// Writes tar archives, valid and invalid.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace fovea::test {

/// A header in the format ustar.
inline std::string tar_header(const std::string& name, std::size_t bytes, char type = '0') {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  const auto octal = [](std::size_t number, int digits) {
    char text[24];
    std::snprintf(text, sizeof text, "%0*zo", digits, number);
    return std::string(text);
  };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(124, octal(bytes, 11));
  put(136, octal(0, 11));
  header[156] = type;
  put(257, std::string("ustar\0"
                       "00",
                       8));
  put(148, std::string(8, ' '));
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + std::string("\0 ", 2));
  return header;
}

/// A header and its content, up to the next block.
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0') {
  const std::size_t padding = (512 - content.size() % 512) % 512;
  return tar_header(name, content.size(), type) + content + std::string(padding, '\0');
}

inline std::string make_tar(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive;
  for (const auto& [name, content] : files) archive += tar_member(name, content);
  return archive + std::string(1024, '\0');
}

}  // namespace fovea::test
