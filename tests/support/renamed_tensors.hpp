// Turns one library's tensors into another's form: other names or axes, split or fused.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/tiny_model.hpp"

namespace fovea::test {

/// Regular expressions for whole names, each with its replacement ("$1" is the first group).
using Renaming = std::vector<std::pair<std::string, std::string>>;
/// Renames every tensor by the first line that matches. A tensor that no line matches fails the test.
[[nodiscard]] TinyTensors renamed(const TinyTensors& tensors, const Renaming& lines);

/// Removes and returns all tensors whose names have this prefix; the returned names are without it.
TinyTensors take(TinyTensors& tensors, const std::string& beginning);

/// Concatenates, along the first axis, tensors whose names differ only in these parts.
void fuse(TinyTensors& tensors, const std::vector<std::string>& parts, const std::string& whole);
/// The inverse of fuse(), into equal pieces.
void split(TinyTensors& tensors, const std::string& whole, const std::vector<std::string>& parts);

/// Changes all tensors whose whole name matches the regular expression; at least one must match.
void change(TinyTensors& tensors, const std::string& name, const std::function<TinyTensor(const TinyTensor&)>& how);
/// Permutes the axes, as numpy.transpose does.
[[nodiscard]] TinyTensor permuted(const TinyTensor& tensor, const std::vector<std::size_t>& axes);
[[nodiscard]] TinyTensor reshaped(TinyTensor tensor, const std::vector<std::size_t>& shape);

/// Distinct numbers far from 0, for tensors that another library has in addition to the compared ones.
[[nodiscard]] TinyTensor some_tensor(const std::vector<std::size_t>& shape);

}  // namespace fovea::test
