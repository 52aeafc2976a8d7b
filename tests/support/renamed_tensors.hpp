// One library's tensors in another's form: other names, other axes, cut apart or put together.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/tiny_model.hpp"

namespace fovea::test {

/// Lines of a regular expression for a whole name, and what it becomes ("$1" is its first group).
using Renaming = std::vector<std::pair<std::string, std::string>>;
/// Every tensor by the first line that fits. One that no line fits fails the test.
[[nodiscard]] TinyTensors renamed(const TinyTensors& tensors, const Renaming& lines);

/// Takes out all tensors whose names begin so; the rest of their names remains.
TinyTensors take(TinyTensors& tensors, const std::string& beginning);

/// Tensors whose names differ in these parts, one after the other along the first axis.
void fuse(TinyTensors& tensors, const std::vector<std::string>& parts, const std::string& whole);
/// The other way, into equal pieces.
void split(TinyTensors& tensors, const std::string& whole, const std::vector<std::string>& parts);

/// Changes all tensors whose whole name the regular expression fits; at least one must.
void change(TinyTensors& tensors, const std::string& name, const std::function<TinyTensor(const TinyTensor&)>& how);
/// The axes in another order, as numpy.transpose.
[[nodiscard]] TinyTensor permuted(const TinyTensor& tensor, const std::vector<std::size_t>& axes);
[[nodiscard]] TinyTensor reshaped(TinyTensor tensor, const std::vector<std::size_t>& shape);

/// Numbers that are far from 0 and differ: for tensors that another library has beside those compared.
[[nodiscard]] TinyTensor some_tensor(const std::vector<std::size_t>& shape);

}  // namespace fovea::test
