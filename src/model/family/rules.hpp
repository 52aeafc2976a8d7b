// The vocabulary of the families' tables.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fovea/architecture.hpp"
#include "model/family/family.hpp"

namespace fovea::family_rules {

using enum Role;
using enum Dim;
using enum Layout;
using enum PosEmbedResampling;
using Rules = std::vector<TensorRule>;
using Options = std::set<Option>;

inline constexpr Part kWeight = Part::kWeight;
inline constexpr Part kBias = Part::kBias;

[[nodiscard]] inline TensorRule tensor(std::string name, Role role, std::vector<Dim> shape, Options options = {}) {
  return {std::move(name), role, kWeight, std::move(shape), std::move(options)};
}
[[nodiscard]] inline TensorRule bias_tensor(std::string name, Role role, Dim size, Options options = {}) {
  return {std::move(name), role, kBias, {size}, std::move(options)};
}
/// A tensor that may be in the file and is not used.
[[nodiscard]] inline TensorRule ignored(std::string name) {
  return {std::move(name), kIgnored, kWeight, {}, {}};
}

/// A role that is only some rows or columns of a tensor.
[[nodiscard]] inline TensorRule part_of(TensorRule whole, Slice slice) {
  whole.slice = slice;
  return whole;
}

[[nodiscard]] inline Options with(Options options, Option one) {
  options.insert(one);
  return options;
}

/// name.weight [out, in] and name.bias [out].
[[nodiscard]] inline Rules linear(const std::string& name, Role role, Dim out, Dim in, const Options& options = {}) {
  return {{name + ".weight", role, kWeight, {out, in}, options}, {name + ".bias", role, kBias, {out}, options}};
}
/// The same where the bias may be absent.
[[nodiscard]] inline Rules linear_maybe_bias(const std::string& name, Role role, Dim out, Dim in, Option bias) {
  return {{name + ".weight", role, kWeight, {out, in}, {}}, {name + ".bias", role, kBias, {out}, {bias}}};
}
/// name.weight [features] and, unless it is an RMSNorm, name.bias [features].
[[nodiscard]] inline Rules norm(const std::string& name, Role role, Dim features = kEmbed,
                                const Options& options = {}) {
  return {{name + ".weight", role, kWeight, {features}, options},
          {name + ".bias", role, kBias, {features}, with(options, Option::kNormBias)}};
}
/// name.weight [D, 3, P, P] and maybe name.bias [D].
[[nodiscard]] inline Rules patch_embed(const std::string& name) {
  return {{name + ".weight", kPatchEmbed, kWeight, {kEmbed, kRgb, kPatch, kPatch}, {}},
          {name + ".bias", kPatchEmbed, kBias, {kEmbed}, {Option::kPatchBias}}};
}

[[nodiscard]] inline Rules join(std::initializer_list<Rules> parts) {
  Rules all;
  for (const Rules& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace fovea::family_rules
