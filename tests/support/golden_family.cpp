#include "support/golden_family.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "checkpoint/checkpoint.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "support/naive_vit.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

void expect_within(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(double(actual[i]), double(expected[i]), tolerance) << "value " << i;
  }
}

}  // namespace

GoldenFamily::GoldenFamily(const std::string& name) : folder(source_dir() / "tests/golden/families" / name) {
  if (!std::filesystem::exists(folder)) folder = source_dir() / "tests/golden/features" / name;
  const bool sharded = std::filesystem::exists(folder / "model.safetensors.index.json");
  tensors = read_tensors(folder / (sharded ? "model.safetensors.index.json" : "model.safetensors"));
  expected = read_tensors(folder / "expected.safetensors");
  if (std::ifstream stream(folder / "config.json"); stream) config = nlohmann::json::parse(stream);
}

Size GoldenFamily::image_size() const {
  const auto& shape = expected.at("x").shape;
  return {static_cast<int>(shape[2]), static_cast<int>(shape[3])};
}

TinyTensors read_tensors(const std::filesystem::path& checkpoint) {
  TinyTensors tensors;
  const auto opened = open_checkpoint(checkpoint);
  for (const TensorView& tensor : opened->tensors()) {
    if (tensor.dtype != DType::kI64) tensors[tensor.name] = {tensor.shape, to_float(tensor)};
  }
  return tensors;
}

ForwardResult forward_golden(const GoldenFamily& golden, const std::filesystem::path& model, const LoadOptions& options,
                             const ForwardRequest& request) {
  LoadOptions exact = options;
  if (!exact.precision) exact.precision = Precision::kF32;  // what the tolerances are for, on any CPU
  const auto transformer = VisionTransformer::load(model, exact);
  EXPECT_EQ(transformer->architecture().image_size, golden.image_size());
  Session session(transformer, 1);
  return session.forward(naive_patches(transformer->architecture(), golden.expected.at("x").values), request).at(0);
}

void expect_same_logits(const std::vector<float>& actual, const std::vector<float>& expected) {
  const auto [low, high] = std::minmax_element(expected.begin(), expected.end());
  expect_within(actual, expected, 1e-5 * double(*high - *low));
  EXPECT_EQ(std::max_element(actual.begin(), actual.end()) - actual.begin(), high - expected.begin());
}

void expect_same_features(const std::vector<float>& actual, const std::vector<float>& expected) {
  double largest = 0;
  for (const float value : expected) largest = std::max(largest, std::fabs(double(value)));
  expect_within(actual, expected, 2e-5 * largest);
}

}  // namespace fovea::test
