#include "support/naive_relevance.hpp"

#include <cmath>
#include <string>

#include "fovea/architecture.hpp"

namespace fovea::test {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

Rows zeros(std::size_t rows, std::size_t cols) {
  return Rows(rows, Row(cols));
}

double divide(double a, double b) {
  return b == 0 ? 0 : a / (b + 1e-9);
}

double total(const Rows& x) {
  double sum = 0;
  for (const Row& row : x) {
    for (const double value : row) sum += value;
  }
  return sum;
}

struct Linear {
  Rows weight;  // [out][in]
  Row bias;
};

/// One head: [N][d] values and [N][N] attention.
struct Head {
  Rows q, k, v, weights, out;
};

struct Block {
  Linear qkv, proj, fc1, fc2;
  Rows x, normed1, mixed, attended, x_mid, normed2, hidden, mlp;
  std::vector<Head> heads;
};

class NaiveModel {
 public:
  NaiveModel(const Architecture& a, const TinyTensors& tensors) : a_(a), tensors_(tensors) {}

  Row forward(std::span<const float> patches, const std::optional<AttentionNudge>& nudge) {
    Rows x = embed(patches);
    for (std::size_t b = 0; b < a_.depth; ++b) {
      blocks_.push_back(block(b, x, nudge && nudge->block == b ? nudge : std::nullopt));
      x = sum(blocks_[b].x_mid, blocks_[b].mlp);
    }
    normed_ = norm("norm", x);
    Row logits = apply(linear("head"), norm("fc_norm", {pooled()}))[0];
    if (a_.read_out != ReadOut::kClassAndDistToken) return logits;
    const Row second = apply(linear("head_dist"), {normed_[1]})[0];
    for (std::size_t c = 0; c < logits.size(); ++c) logits[c] = (logits[c] + second[c]) / 2;
    return logits;
  }

  std::vector<Row> relevance(std::size_t class_index) {
    Rows r = read_out_relevance(class_index);
    std::vector<Row> all(a_.depth);
    for (std::size_t b = a_.depth; b-- > 0;) {
      const Block& here = blocks_[b];
      auto [past_mlp, of_mlp] = add_rule(here.x_mid, here.mlp, r);
      r = clone_rule(here.x_mid, past_mlp,
                     linear_rule(here.fc1, here.normed2, linear_rule(here.fc2, here.hidden, of_mlp)));
      auto [past_attention, of_attended] = add_rule(here.x, here.attended, r);
      const Rows of_qkv = attention_rule(here, linear_rule(here.proj, here.mixed, of_attended), all[b]);
      r = clone_rule(here.x, past_attention, linear_rule(here.qkv, here.normed1, of_qkv));
    }
    return all;
  }

 private:
  const TinyTensor* find(const std::string& name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  Linear linear(const std::string& name, const std::string& scale = "") const {
    const TinyTensor& weight = tensors_.at(name + ".weight");
    const std::size_t out = weight.shape[0];
    Linear layer{zeros(out, weight.values.size() / out), Row(out)};
    for (std::size_t o = 0; o < out; ++o) {
      const double gamma = find(scale) ? double(find(scale)->values[o]) : 1.0;
      for (std::size_t i = 0; i < layer.weight[o].size(); ++i) {
        layer.weight[o][i] = gamma * double(weight.values[o * layer.weight[o].size() + i]);
      }
      if (const TinyTensor* bias = find(name + ".bias")) layer.bias[o] = gamma * double(bias->values[o]);
    }
    return layer;
  }

  static Rows apply(const Linear& layer, const Rows& x) {
    Rows y(x.size(), layer.bias);
    for (std::size_t r = 0; r < x.size(); ++r) {
      for (std::size_t o = 0; o < layer.bias.size(); ++o) {
        for (std::size_t i = 0; i < x[r].size(); ++i) y[r][o] += x[r][i] * layer.weight[o][i];
      }
    }
    return y;
  }

  Rows norm(const std::string& name, Rows x) const {
    const TinyTensor* weight = find(name + ".weight");
    if (weight == nullptr) return x;
    for (Row& row : x) {
      double mean = 0;
      for (const double value : row) mean += value / double(row.size());
      double variance = 0;
      for (const double value : row) variance += (value - mean) * (value - mean) / double(row.size());
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] = (row[i] - mean) / std::sqrt(variance + double(a_.norm_eps)) * double(weight->values[i]) +
                 double(find(name + ".bias")->values[i]);
      }
    }
    return x;
  }

  static Rows sum(Rows a, const Rows& b) {
    for (std::size_t r = 0; r < a.size(); ++r) {
      for (std::size_t i = 0; i < a[r].size(); ++i) a[r][i] += b[r][i];
    }
    return a;
  }

  Rows embed(std::span<const float> patches) const {
    Rows flat = zeros(a_.grid().size(), a_.patch_dim());
    for (std::size_t i = 0; i < patches.size(); ++i) flat[i / a_.patch_dim()][i % a_.patch_dim()] = double(patches[i]);
    Rows x;
    for (const char* name : {"cls_token", "dist_token", "reg_token"}) {
      const TinyTensor* tokens = find(name);
      if (tokens == nullptr) continue;
      for (std::size_t t = 0; t < tokens->values.size() / a_.embed_dim; ++t) {
        const auto begin = tokens->values.begin() + std::ptrdiff_t(t * a_.embed_dim);
        x.emplace_back(begin, begin + std::ptrdiff_t(a_.embed_dim));
      }
    }
    for (const Row& row : apply(linear("patch_embed.proj"), flat)) x.push_back(row);
    const std::vector<float>& pos = tensors_.at("pos_embed").values;
    const std::size_t without = x.size() - pos.size() / a_.embed_dim;  // prefix tokens without a position
    for (std::size_t i = 0; i < pos.size(); ++i) x[without + i / a_.embed_dim][i % a_.embed_dim] += double(pos[i]);
    return norm("norm_pre", x);
  }

  Block block(std::size_t index, const Rows& x, const std::optional<AttentionNudge>& nudge) const {
    const std::string at = "blocks." + std::to_string(index) + ".";
    Block b;
    b.qkv = linear(at + "attn.qkv");
    b.proj = linear(at + "attn.proj", at + "ls1.gamma");
    b.fc1 = linear(at + "mlp.fc1");
    b.fc2 = linear(at + "mlp.fc2", at + "ls2.gamma");
    b.x = x;
    b.normed1 = norm(at + "norm1", x);
    attend(b, apply(b.qkv, b.normed1), nudge);
    b.attended = apply(b.proj, b.mixed);
    b.x_mid = sum(x, b.attended);
    b.normed2 = norm(at + "norm2", b.x_mid);
    b.hidden = apply(b.fc1, b.normed2);
    for (Row& row : b.hidden) {
      for (double& v : row) {
        v = a_.activation == Activation::kQuickGelu ? v / (1 + std::exp(-1.702 * v))
                                                    : 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
      }
    }
    b.mlp = apply(b.fc2, b.hidden);
    return b;
  }

  void attend(Block& b, const Rows& qkv, const std::optional<AttentionNudge>& nudge) const {
    const std::size_t n = qkv.size();
    const std::size_t d = a_.head_dim();
    b.mixed = zeros(n, a_.embed_dim);
    for (std::size_t h = 0; h < a_.num_heads; ++h) {
      Head head{zeros(n, d), zeros(n, d), zeros(n, d), zeros(n, n), zeros(n, d)};
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t i = 0; i < d; ++i) {
          head.q[t][i] = qkv[t][h * d + i];
          head.k[t][i] = qkv[t][a_.embed_dim + h * d + i];
          head.v[t][i] = qkv[t][2 * a_.embed_dim + h * d + i];
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) {
          double score = 0;
          for (std::size_t c = 0; c < d; ++c) score += head.q[i][c] * head.k[j][c];
          sum += head.weights[i][j] = std::exp(score / std::sqrt(double(d)));
        }
        for (std::size_t j = 0; j < n; ++j) {
          head.weights[i][j] /= sum;
          if (nudge && nudge->index == (h * n + i) * n + j) head.weights[i][j] += nudge->by;
          for (std::size_t c = 0; c < d; ++c) head.out[i][c] += head.weights[i][j] * head.v[j][c];
        }
        for (std::size_t c = 0; c < d; ++c) b.mixed[i][h * d + c] = head.out[i][c];
      }
      b.heads.push_back(head);
    }
  }

  Row pooled() const {
    if (a_.read_out != ReadOut::kPatchMean) return normed_[0];
    Row mean(a_.embed_dim);
    for (std::size_t t = a_.num_prefix_tokens; t < normed_.size(); ++t) {
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += normed_[t][i] / double(a_.grid().size());
    }
    return mean;
  }

  /// In Σ x·w only positive products carry relevance: x⁺ times w⁺ and x⁻ times w⁻.
  static Rows linear_rule(const Linear& layer, const Rows& x, const Rows& r) {
    Rows result = zeros(x.size(), x[0].size());
    for (std::size_t row = 0; row < x.size(); ++row) {
      for (std::size_t o = 0; o < layer.weight.size(); ++o) {
        double z = 0;
        for (std::size_t i = 0; i < x[row].size(); ++i) z += std::max(x[row][i] * layer.weight[o][i], 0.0);
        for (std::size_t i = 0; i < x[row].size(); ++i) {
          result[row][i] += std::max(x[row][i] * layer.weight[o][i], 0.0) * divide(r[row][o], z);
        }
      }
    }
    return result;
  }

  static std::pair<Rows, Rows> add_rule(const Rows& a, const Rows& b, const Rows& r) {
    Rows ra = a;
    Rows rb = b;
    for (std::size_t t = 0; t < a.size(); ++t) {
      for (std::size_t i = 0; i < a[t].size(); ++i) {
        ra[t][i] = a[t][i] * divide(r[t][i], a[t][i] + b[t][i]);
        rb[t][i] = b[t][i] * divide(r[t][i], a[t][i] + b[t][i]);
      }
    }
    const double sum_a = total(ra);
    const double sum_b = total(rb);
    const double both = std::fabs(sum_a) + std::fabs(sum_b);
    for (Row& row : ra) {
      for (double& v : row) v *= divide(divide(std::fabs(sum_a), both) * total(r), sum_a);
    }
    for (Row& row : rb) {
      for (double& v : row) v *= divide(divide(std::fabs(sum_b), both) * total(r), sum_b);
    }
    return {ra, rb};
  }

  static Rows clone_rule(const Rows& x, const Rows& a, const Rows& b) {
    Rows r = x;
    for (std::size_t t = 0; t < x.size(); ++t) {
      for (std::size_t i = 0; i < x[t].size(); ++i) {
        r[t][i] = x[t][i] * (divide(a[t][i], x[t][i]) + divide(b[t][i], x[t][i]));
      }
    }
    return r;
  }

  /// Splits z = Σ_k x·y in halves between the two factors.
  /// @return  relevance of q, k and v, [N][3D]; `of_weights` receives [H, N, N]
  Rows attention_rule(const Block& b, const Rows& of_mixed, Row& of_weights) const {
    const std::size_t n = of_mixed.size();
    const std::size_t d = a_.head_dim();
    Rows of_qkv = zeros(n, 3 * a_.embed_dim);
    for (std::size_t h = 0; h < a_.num_heads; ++h) {
      const Head& head = b.heads[h];
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          double of_weight = 0;
          double score = 0;
          for (std::size_t c = 0; c < d; ++c) {
            const double share = head.weights[i][j] * head.v[j][c] * divide(of_mixed[i][h * d + c], head.out[i][c]) / 2;
            of_weight += share;
            of_qkv[j][2 * a_.embed_dim + h * d + c] += share;
            score += head.q[i][c] * head.k[j][c];
          }
          of_weights.push_back(of_weight);
          for (std::size_t c = 0; c < d; ++c) {
            const double share = head.q[i][c] * head.k[j][c] * divide(of_weight, score) / 2;
            of_qkv[i][h * d + c] += share;
            of_qkv[j][a_.embed_dim + h * d + c] += share;
          }
        }
      }
    }
    return of_qkv;
  }

  Rows read_out_relevance(std::size_t class_index) const {
    const bool two = a_.read_out == ReadOut::kClassAndDistToken;
    Rows seed = zeros(1, a_.num_classes);
    seed[0][class_index] = two ? 0.5 : 1;
    const Row of_pooled = linear_rule(linear("head"), norm("fc_norm", {pooled()}), seed)[0];
    Rows r = zeros(normed_.size(), a_.embed_dim);
    if (two) r[1] = linear_rule(linear("head_dist"), {normed_[1]}, seed)[0];
    if (a_.read_out != ReadOut::kPatchMean) {
      r[0] = of_pooled;
      return r;
    }
    const auto count = double(a_.grid().size());
    for (std::size_t i = 0; i < a_.embed_dim; ++i) {
      double mean = 0;
      for (std::size_t t = a_.num_prefix_tokens; t < r.size(); ++t) mean += std::max(normed_[t][i], 0.0) / count;
      for (std::size_t t = a_.num_prefix_tokens; t < r.size(); ++t) {
        r[t][i] = std::max(normed_[t][i], 0.0) / count * divide(of_pooled[i], mean);
      }
    }
    return r;
  }

  const Architecture& a_;
  const TinyTensors& tensors_;
  std::vector<Block> blocks_;
  Rows normed_;  // after the final norm
};

}  // namespace

std::vector<double> naive_logits(const Architecture& architecture, const TinyTensors& tensors,
                                 std::span<const float> patches, const std::optional<AttentionNudge>& nudge) {
  return NaiveModel(architecture, tensors).forward(patches, nudge);
}

std::vector<std::vector<double>> naive_relevance(const Architecture& architecture, const TinyTensors& tensors,
                                                 std::span<const float> patches, std::size_t class_index) {
  NaiveModel model(architecture, tensors);
  (void)model.forward(patches, {});
  return model.relevance(class_index);
}

}  // namespace fovea::test
