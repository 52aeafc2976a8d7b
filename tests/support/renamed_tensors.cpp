#include "support/renamed_tensors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <regex>

namespace fovea::test {
namespace {

std::size_t numel(const std::vector<std::size_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::optional<std::string> replaced(const std::string& name, const std::string& part, const std::string& by) {
  const std::size_t at = name.find(part);
  if (at == std::string::npos) return std::nullopt;
  return std::string(name).replace(at, part.size(), by);
}

}  // namespace

TinyTensors renamed(const TinyTensors& tensors, const Renaming& lines) {
  TinyTensors result;
  for (const auto& [name, tensor] : tensors) {
    bool fits = false;
    for (const auto& [pattern, replacement] : lines) {
      std::smatch groups;
      if (!std::regex_match(name, groups, std::regex(pattern))) continue;
      result[groups.format(replacement)] = tensor;
      fits = true;
      break;
    }
    EXPECT_TRUE(fits) << name << " has no new name";
  }
  EXPECT_EQ(result.size(), tensors.size()) << "two tensors got the same name";
  return result;
}

TinyTensors take(TinyTensors& tensors, const std::string& beginning) {
  TinyTensors taken;
  for (auto at = tensors.begin(); at != tensors.end();) {
    if (!at->first.starts_with(beginning)) {
      ++at;
      continue;
    }
    taken[at->first.substr(beginning.size())] = at->second;
    at = tensors.erase(at);
  }
  EXPECT_FALSE(taken.empty()) << "no tensor begins with " << beginning;
  return taken;
}

void fuse(TinyTensors& tensors, const std::vector<std::string>& parts, const std::string& whole) {
  TinyTensors fused;
  for (const auto& [name, first] : tensors) {
    const auto whole_name = replaced(name, parts[0], whole);
    if (!whole_name) continue;
    TinyTensor all{first.shape, {}};
    all.shape[0] = 0;
    for (const std::string& part : parts) {
      const TinyTensor& piece = tensors.at(*replaced(name, parts[0], part));
      all.shape[0] += piece.shape[0];
      all.values.insert(all.values.end(), piece.values.begin(), piece.values.end());
    }
    fused[*whole_name] = all;
  }
  EXPECT_FALSE(fused.empty()) << "no tensor is called " << parts[0];
  for (const std::string& part : parts) {
    std::erase_if(tensors, [&](const auto& entry) { return entry.first.find(part) != std::string::npos; });
  }
  tensors.merge(fused);
}

void split(TinyTensors& tensors, const std::string& whole, const std::vector<std::string>& parts) {
  TinyTensors pieces;
  for (const auto& [name, tensor] : tensors) {
    if (name.find(whole) == std::string::npos) continue;
    const std::size_t count = tensor.values.size() / parts.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      TinyTensor& piece = pieces[*replaced(name, whole, parts[i])];
      piece.shape = tensor.shape;
      piece.shape[0] /= parts.size();
      const auto begin = tensor.values.begin() + static_cast<std::ptrdiff_t>(i * count);
      piece.values.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    }
  }
  EXPECT_FALSE(pieces.empty()) << "no tensor is called " << whole;
  std::erase_if(tensors, [&](const auto& entry) { return entry.first.find(whole) != std::string::npos; });
  tensors.merge(pieces);
}

void change(TinyTensors& tensors, const std::string& name, const std::function<TinyTensor(const TinyTensor&)>& how) {
  const std::regex pattern(name);
  std::size_t changed = 0;
  for (auto& [tensor_name, tensor] : tensors) {
    if (!std::regex_match(tensor_name, pattern)) continue;
    tensor = how(tensor);
    ++changed;
  }
  EXPECT_GT(changed, 0U) << "no tensor is called " << name;
}

TinyTensor permuted(const TinyTensor& tensor, const std::vector<std::size_t>& axes) {
  TinyTensor result;
  result.shape.reserve(axes.size());
  for (const std::size_t axis : axes) result.shape.push_back(tensor.shape[axis]);
  result.values.resize(tensor.values.size());
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    // The coordinates of the result's i-th value, last axis first, and its position in the original.
    std::size_t rest = i;
    std::size_t from = 0;
    for (std::size_t k = axes.size(); k-- > 0;) {
      const std::size_t coordinate = rest % result.shape[k];
      rest /= result.shape[k];
      std::size_t stride = 1;
      for (std::size_t axis = axes[k] + 1; axis < tensor.shape.size(); ++axis) stride *= tensor.shape[axis];
      from += coordinate * stride;
    }
    result.values[i] = tensor.values[from];
  }
  return result;
}

TinyTensor reshaped(TinyTensor tensor, const std::vector<std::size_t>& shape) {
  EXPECT_EQ(numel(shape), tensor.values.size());
  tensor.shape = shape;
  return tensor;
}

TinyTensor some_tensor(const std::vector<std::size_t>& shape) {
  TinyTensor tensor{shape, std::vector<float>(numel(shape))};
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    tensor.values[i] = static_cast<float>(std::sin(1.0 + 0.7 * static_cast<double>(i)));
  }
  return tensor;
}

}  // namespace fovea::test
