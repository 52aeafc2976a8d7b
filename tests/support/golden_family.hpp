// One folder of tests/golden/families, or of tests/golden/features, where models have no head: a small checkpoint and
// what its own library computes with it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {

struct GoldenFamily {
  explicit GoldenFamily(const std::string& name);

  std::filesystem::path folder;
  TinyTensors tensors;
  nlohmann::json config;  // null if the folder has none
  TinyTensors expected;   // x, logits, pooled, block_0, ...; one image

  [[nodiscard]] std::size_t num_heads() const { return expected.at("attn_0").shape[1]; }
  [[nodiscard]] Size image_size() const;
  [[nodiscard]] std::vector<float> values(const std::string& name) const { return expected.at(name).values; }
};

/// Reads every tensor of a checkpoint of any format, as float32.
[[nodiscard]] TinyTensors read_tensors(const std::filesystem::path& checkpoint);

/// Runs the golden input through a model, whose input size must match.
[[nodiscard]] ForwardResult forward_golden(const GoldenFamily& golden, const std::filesystem::path& model,
                                           const LoadOptions& options = {}, const ForwardRequest& request = {});

/// Expects logits within 1e-5 of their range, and the same class.
void expect_same_logits(const std::vector<float>& actual, const std::vector<float>& expected);
/// Expects features within 2e-5 of the largest one.
void expect_same_features(const std::vector<float>& actual, const std::vector<float>& expected);

}  // namespace fovea::test
