#include "support/naive_vit.hpp"

#include <cmath>
#include <string>

#include "fovea/architecture.hpp"

namespace fovea::test {
namespace {

using Rows = NaiveReduction::Rows;

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

/// γ ⊙ y if the tensors contain γ, else y.
Rows scaled(Rows y, const TinyTensors& tensors, const std::string& gamma) {
  if (!tensors.contains(gamma)) return y;
  for (auto& row : y) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] *= double(tensors.at(gamma).values[i]);
  }
  return y;
}

/// Prefix tokens, then patches. Position embeddings are added to the last tokens, as many as there are embeddings.
Rows embed(const Architecture& a, const TinyTensors& tensors, std::span<const float> chw) {
  const std::vector<float> flat = naive_patches(a, chw);
  Rows patches;
  for (std::size_t t = 0; t < a.grid().size(); ++t) {
    patches.emplace_back(flat.begin() + std::ptrdiff_t(t * a.patch_dim()),
                         flat.begin() + std::ptrdiff_t((t + 1) * a.patch_dim()));
  }
  Rows x;
  for (const char* name : {"cls_token", "dist_token", "reg_token"}) {
    if (!tensors.contains(name)) continue;
    const std::vector<float>& values = tensors.at(name).values;
    for (auto from = values.begin(); from != values.end(); from += std::ptrdiff_t(a.embed_dim)) {
      x.emplace_back(from, from + std::ptrdiff_t(a.embed_dim));
    }
  }
  const Rows embedded = linear(patches, tensors.at("patch_embed.proj.weight"), tensors.at("patch_embed.proj.bias"));
  x.insert(x.end(), embedded.begin(), embedded.end());
  const std::vector<float>& positions = tensors.at("pos_embed").values;
  const std::size_t without = x.size() - positions.size() / a.embed_dim;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    x[without + i / a.embed_dim][i % a.embed_dim] += double(positions[i]);
  }
  return x;
}

/// qkv [N, 3D] → the heads' outputs [N, D]; `weights` receives [H, N, N].
Rows attention(const Rows& qkv, std::size_t heads, const NaiveReduction* reduction, std::vector<double>& weights) {
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
        row[j] = std::exp(score / std::sqrt(double(d))) * (reduction != nullptr ? reduction->size(j) : 1.0);
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

NaiveForward naive_vit(const Architecture& a, const TinyTensors& tensors, std::span<const float> chw,
                       NaiveReduction* reduction, const std::vector<std::size_t>* kept) {
  Rows x = embed(a, tensors, chw);
  if (kept != nullptr) {
    const Rows all = x;
    x.resize(all.size() - a.grid().size());  // the prefix tokens
    const std::size_t prefix = x.size();
    for (const std::size_t patch : *kept) x.push_back(all[prefix + patch]);
  }
  const double eps = double(a.norm_eps);
  NaiveForward forward;
  for (std::size_t b = 0; b < a.depth; ++b) {
    const std::string block = "blocks." + std::to_string(b) + ".";
    const auto tensor = [&](const char* name) -> const TinyTensor& { return tensors.at(block + name); };
    const Rows normed = layer_norm(x, tensor("norm1.weight"), tensor("norm1.bias"), eps);
    const Rows qkv = linear(normed, tensor("attn.qkv.weight"), tensor("attn.qkv.bias"));
    std::vector<double> weights;
    const Rows mixed = attention(qkv, a.num_heads, reduction, weights);
    add(x, scaled(linear(mixed, tensor("attn.proj.weight"), tensor("attn.proj.bias")), tensors, block + "ls1.gamma"));
    forward.attention.push_back(reduction != nullptr ? reduction->unmerged(weights) : weights);
    if (reduction != nullptr) x = reduction->stage(b, x, qkv, weights);
    Rows hidden = linear(layer_norm(x, tensor("norm2.weight"), tensor("norm2.bias"), eps), tensor("mlp.fc1.weight"),
                         tensor("mlp.fc1.bias"));
    for (auto& row : hidden) {
      for (double& value : row) value *= 0.5 * (1.0 + std::erf(value / std::sqrt(2.0)));
    }
    add(x, scaled(linear(hidden, tensor("mlp.fc2.weight"), tensor("mlp.fc2.bias")), tensors, block + "ls2.gamma"));
  }
  const Rows pooled = layer_norm(x, tensors.at("norm.weight"), tensors.at("norm.bias"), eps);
  forward.logits = linear({pooled[0]}, tensors.at("head.weight"), tensors.at("head.bias"))[0];
  if (tensors.contains("head_dist.weight")) {
    const Rows second = linear({pooled[1]}, tensors.at("head_dist.weight"), tensors.at("head_dist.bias"));
    for (std::size_t c = 0; c < forward.logits.size(); ++c) {
      forward.logits[c] = (forward.logits[c] + second[0][c]) / 2;
    }
  }
  return forward;
}

}  // namespace fovea::test
