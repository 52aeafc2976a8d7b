#include "support/naive_vit.hpp"

#include <cmath>
#include <string>

namespace fovea::test {
namespace {

using Rows = std::vector<std::vector<double>>;

Rows linear(const Rows& x, const TinyTensor& weight, const TinyTensor& bias) {
  const std::size_t out = bias.values.size();
  Rows y(x.size(), std::vector<double>(out));
  for (std::size_t r = 0; r < x.size(); ++r) {
    for (std::size_t o = 0; o < out; ++o) {
      double sum = double(bias.values[o]);
      for (std::size_t i = 0; i < x[r].size(); ++i) sum += x[r][i] * double(weight.values[o * x[r].size() + i]);
      y[r][o] = sum;
    }
  }
  return y;
}

Rows layer_norm(const Rows& x, const TinyTensor& weight, const TinyTensor& bias, double eps) {
  Rows y = x;
  for (auto& row : y) {
    double mean = 0;
    for (const double value : row) mean += value / double(row.size());
    double variance = 0;
    for (const double value : row) variance += (value - mean) * (value - mean) / double(row.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = (row[i] - mean) / std::sqrt(variance + eps) * double(weight.values[i]) + double(bias.values[i]);
    }
  }
  return y;
}

void add(Rows& x, const Rows& y) {
  for (std::size_t r = 0; r < x.size(); ++r) {
    for (std::size_t i = 0; i < x[r].size(); ++i) x[r][i] += y[r][i];
  }
}

/// qkv [N, 3D] → the heads' outputs [N, D]; `weights` receives [H, N, N].
Rows attention(const Rows& qkv, std::size_t heads, std::vector<double>& weights) {
  const std::size_t tokens = qkv.size();
  const std::size_t width = qkv[0].size() / 3;
  const std::size_t d = width / heads;
  Rows out(tokens, std::vector<double>(width));
  for (std::size_t h = 0; h < heads; ++h) {
    for (std::size_t i = 0; i < tokens; ++i) {
      std::vector<double> row(tokens);
      double sum = 0;
      for (std::size_t j = 0; j < tokens; ++j) {
        double score = 0;
        for (std::size_t c = 0; c < d; ++c) score += qkv[i][h * d + c] * qkv[j][width + h * d + c];
        row[j] = std::exp(score / std::sqrt(double(d)));
        sum += row[j];
      }
      for (std::size_t j = 0; j < tokens; ++j) {
        weights.push_back(row[j] / sum);
        for (std::size_t c = 0; c < d; ++c) out[i][h * d + c] += row[j] / sum * qkv[j][2 * width + h * d + c];
      }
    }
  }
  return out;
}

}  // namespace

std::vector<float> naive_patches(const Architecture& a, std::span<const float> chw) {
  const auto height = static_cast<std::size_t>(a.image_size.height);
  const auto width = static_cast<std::size_t>(a.image_size.width);
  std::vector<float> patches;
  for (std::size_t py = 0; py < a.grid().rows; ++py) {
    for (std::size_t px = 0; px < a.grid().cols; ++px) {
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t y = 0; y < a.patch_size; ++y) {
          for (std::size_t x = 0; x < a.patch_size; ++x) {
            patches.push_back(chw[(c * height + py * a.patch_size + y) * width + px * a.patch_size + x]);
          }
        }
      }
    }
  }
  return patches;
}

NaiveForward naive_vit(const Architecture& a, const TinyTensors& tensors, std::span<const float> chw) {
  const std::vector<float> flat = naive_patches(a, chw);
  Rows patches;
  for (std::size_t t = 0; t < a.grid().size(); ++t) {
    patches.emplace_back(flat.begin() + std::ptrdiff_t(t * a.patch_dim()),
                         flat.begin() + std::ptrdiff_t((t + 1) * a.patch_dim()));
  }
  Rows x = linear(patches, tensors.at("patch_embed.proj.weight"), tensors.at("patch_embed.proj.bias"));
  const std::vector<float>& cls = tensors.at("cls_token").values;
  x.insert(x.begin(), std::vector<double>(cls.begin(), cls.end()));
  for (std::size_t r = 0; r < x.size(); ++r) {
    for (std::size_t i = 0; i < a.embed_dim; ++i)
      x[r][i] += double(tensors.at("pos_embed").values[r * a.embed_dim + i]);
  }
  const double eps = double(a.norm_eps);
  NaiveForward forward;
  for (std::size_t b = 0; b < a.depth; ++b) {
    const auto tensor = [&](const char* name) -> const TinyTensor& {
      return tensors.at("blocks." + std::to_string(b) + "." + name);
    };
    const Rows normed = layer_norm(x, tensor("norm1.weight"), tensor("norm1.bias"), eps);
    const Rows qkv = linear(normed, tensor("attn.qkv.weight"), tensor("attn.qkv.bias"));
    const Rows mixed = attention(qkv, a.num_heads, forward.attention.emplace_back());
    add(x, linear(mixed, tensor("attn.proj.weight"), tensor("attn.proj.bias")));
    Rows hidden = linear(layer_norm(x, tensor("norm2.weight"), tensor("norm2.bias"), eps), tensor("mlp.fc1.weight"),
                         tensor("mlp.fc1.bias"));
    for (auto& row : hidden) {
      for (double& value : row) value *= 0.5 * (1.0 + std::erf(value / std::sqrt(2.0)));
    }
    add(x, linear(hidden, tensor("mlp.fc2.weight"), tensor("mlp.fc2.bias")));
  }
  const Rows pooled = layer_norm({x[0]}, tensors.at("norm.weight"), tensors.at("norm.bias"), eps);
  forward.logits = linear(pooled, tensors.at("head.weight"), tensors.at("head.bias"))[0];
  return forward;
}

}  // namespace fovea::test
