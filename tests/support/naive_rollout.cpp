#include "support/naive_rollout.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace fovea::test {
namespace {

using Matrix = std::vector<std::vector<double>>;

double fuse(const std::vector<double>& heads, HeadFusion fusion) {
  if (fusion == HeadFusion::kMax) return *std::max_element(heads.begin(), heads.end());
  if (fusion == HeadFusion::kMin) return *std::min_element(heads.begin(), heads.end());
  double sum = 0;
  for (const double value : heads) sum += value;
  return sum / static_cast<double>(heads.size());
}

Matrix with_residual(std::span<const float> block, std::size_t num_heads, std::size_t tokens, HeadFusion fusion) {
  Matrix mixed(tokens, std::vector<double>(tokens));
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < tokens; ++j) {
      std::vector<double> heads;
      for (std::size_t h = 0; h < num_heads; ++h) {
        heads.push_back(static_cast<double>(block[(h * tokens + i) * tokens + j]));
      }
      mixed[i][j] = 0.5 * fuse(heads, fusion) + (i == j ? 0.5 : 0.0);
    }
  }
  return mixed;
}

Matrix product(const Matrix& a, const Matrix& b) {
  const std::size_t size = a.size();
  Matrix c(size, std::vector<double>(size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      for (std::size_t k = 0; k < size; ++k) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

}  // namespace

std::vector<double> naive_rollout(std::span<const std::vector<float>> blocks, std::size_t num_heads, std::size_t tokens,
                                  HeadFusion fusion) {
  Matrix rollout(tokens, std::vector<double>(tokens));
  for (std::size_t i = 0; i < tokens; ++i) rollout[i][i] = 1;
  for (const std::vector<float>& block : blocks) {
    rollout = product(with_residual(block, num_heads, tokens, fusion), rollout);
  }
  std::vector<double> flat;
  for (const std::vector<double>& row : rollout) flat.insert(flat.end(), row.begin(), row.end());
  return flat;
}

std::vector<std::vector<float>> random_attention(const TokenLayout& layout, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> score(0.0F, 2.0F);
  const std::size_t tokens = layout.tokens();
  std::vector<std::vector<float>> blocks(layout.num_blocks);
  for (std::vector<float>& block : blocks) {
    block.resize(layout.num_heads * tokens * tokens);
    for (float& value : block) value = std::exp(score(generator));
    for (std::size_t row = 0; row < layout.num_heads * tokens; ++row) {
      float sum = 0;
      for (std::size_t j = 0; j < tokens; ++j) sum += block[row * tokens + j];
      for (std::size_t j = 0; j < tokens; ++j) block[row * tokens + j] /= sum;
    }
  }
  return blocks;
}

}  // namespace fovea::test
