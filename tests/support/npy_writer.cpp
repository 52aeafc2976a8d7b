#include "support/npy_writer.hpp"

#include "support/zip_writer.hpp"

namespace fovea::test {

std::string make_npy_with(const std::string& header, const std::string& payload, unsigned version) {
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::string text = header;
  while ((8 + length_bytes + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  return "\x93NUMPY" + little_endian(version, 1) + little_endian(0, 1) + little_endian(text.size(), length_bytes) +
         text + payload;
}

std::string make_npy(const std::string& descr, const std::vector<std::size_t>& shape, const std::string& payload,
                     bool fortran_order, unsigned version) {
  std::string sizes;
  for (const std::size_t size : shape) sizes += std::to_string(size) + ", ";
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);
  return make_npy_with("{'descr': '" + descr + "', 'fortran_order': " + (fortran_order ? "True" : "False") +
                           ", 'shape': (" + sizes + "), }",
                       payload, version);
}

}  // namespace fovea::test
