#include "support/stored_numbers.hpp"

#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>

namespace fovea::test {

std::vector<double> stored_numbers(const Checkpoint& golden, const std::string& name) {
  const TensorView* tensor = golden.find(name);
  if (tensor == nullptr) throw std::runtime_error(name);
  std::vector<double> all;
  visit_bytes(*tensor, [&](std::span<const std::byte> run) {
    for (std::size_t at = 0; at < run.size(); at += item_size(tensor->dtype)) {
      double number = 0;
      float single = 0;
      if (tensor->dtype == DType::kF64) {
        std::memcpy(&number, run.data() + at, sizeof number);
      } else {
        std::memcpy(&single, run.data() + at, sizeof single);
        number = static_cast<double>(single);
      }
      all.push_back(number);
    }
  });
  return all;
}

}  // namespace fovea::test
