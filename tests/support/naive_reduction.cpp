#include "support/naive_reduction.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "fovea/architecture.hpp"
#include "fovea/session.hpp"

namespace fovea::test {

using Rows = NaiveReduction::Rows;

NaiveReduction::NaiveReduction(const Architecture& architecture, const TokenReduction& reduction)
    : a_(architecture), reduction_(reduction) {
  for (std::size_t i = 0; i < a_.tokens(); ++i) tokens_.push_back({{i, 1.0}});
}

std::vector<double> NaiveReduction::unmerged(const std::vector<double>& attention) const {
  const std::size_t left = tokens_.size();
  const std::size_t all = a_.tokens();
  std::vector<double> whole(a_.num_heads * all * all, 0.0);
  for (std::size_t h = 0; h < a_.num_heads; ++h) {
    for (std::size_t q = 0; q < left; ++q) {
      for (std::size_t k = 0; k < left; ++k) {
        for (const auto& [i, unused] : tokens_[q]) {
          for (const auto& [j, share] : tokens_[k]) {
            whole[(h * all + i) * all + j] = attention[(h * left + q) * left + k] * share;
          }
        }
      }
    }
  }
  return whole;
}

Rows NaiveReduction::stage(std::size_t block, const Rows& x, const Rows& qkv, const std::vector<double>& attention) {
  const std::size_t before = tokens_.size();
  if (block == a_.depth - 1) return x;
  Rows y = x;
  if (reduction_.merge > 0) {
    y = merge(x, qkv);
  } else if (std::set{a_.depth / 4, a_.depth / 2, 3 * a_.depth / 4}.contains(block)) {
    y = keep(x, attention);
  }
  if (tokens_.size() < before) counts_.push_back(tokens_.size());
  return y;
}

Rows NaiveReduction::keep(const Rows& x, const std::vector<double>& attention) {
  const std::size_t left = x.size();
  const std::size_t prefix = a_.num_prefix_tokens;
  std::vector<std::pair<double, std::size_t>> scored;  // highest first when sorted
  for (std::size_t j = prefix; j < left; ++j) {
    double score = 0;
    for (std::size_t h = 0; h < a_.num_heads; ++h) score += attention[h * left * left + j] / double(a_.num_heads);
    scored.emplace_back(-score, j);
  }
  std::sort(scored.begin(), scored.end());
  const auto kept = std::size_t(std::ceil(reduction_.keep * double(left - prefix)));
  if (kept + 1 >= scored.size()) return x;  // one token would replace one or none: nothing would be saved
  std::set<std::size_t> stay;
  for (std::size_t j = 0; j < prefix; ++j) stay.insert(j);
  for (std::size_t n = 0; n < kept; ++n) stay.insert(scored[n].second);

  Rows y;
  std::vector<Sources> tokens;
  for (const std::size_t j : stay) {
    y.push_back(x[j]);
    tokens.push_back(tokens_[j]);
  }
  double total = 0;
  for (std::size_t n = kept; n < scored.size(); ++n) total -= scored[n].first;
  y.emplace_back(a_.embed_dim, 0.0);
  tokens.emplace_back();
  for (std::size_t n = kept; n < scored.size(); ++n) {
    const double score = -scored[n].first;
    for (std::size_t i = 0; i < a_.embed_dim; ++i) y.back()[i] += score * x[scored[n].second][i];
    for (const auto& [source, share] : tokens_[scored[n].second]) {
      tokens.back().emplace_back(source, share * score / total);
    }
  }
  tokens_ = tokens;
  return y;
}

Rows NaiveReduction::merge(const Rows& x, const Rows& qkv) {
  const std::size_t left = x.size();
  const std::size_t prefix = a_.num_prefix_tokens;
  const auto mean_key = [&](std::size_t token) {
    std::vector<double> key(a_.head_dim(), 0.0);
    for (std::size_t i = 0; i < a_.embed_dim; ++i) {
      key[i % a_.head_dim()] += qkv[token][a_.embed_dim + i] / double(a_.num_heads);
    }
    return key;
  };
  const auto dot = [](const std::vector<double>& u, const std::vector<double>& v) {
    double sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) sum += u[i] * v[i];
    return sum;
  };
  struct Pair {
    double similarity;
    std::size_t from, to;
  };
  std::vector<Pair> pairs;
  for (std::size_t from = 0; from < left; from += 2) {
    if (from < prefix) continue;
    Pair best{-2.0, from, from};
    for (std::size_t to = 1; to < left; to += 2) {
      if (to < prefix) continue;
      const auto u = mean_key(from);
      const auto v = mean_key(to);
      const double similarity = dot(u, v) / std::sqrt(dot(u, u) * dot(v, v));
      if (similarity > best.similarity) best = {similarity, from, to};
    }
    pairs.push_back(best);
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.similarity > b.similarity; });
  pairs.resize(std::min(reduction_.merge, (left - prefix) / 2));

  std::map<std::size_t, std::vector<std::size_t>> members;  // tokens merged into each token that stays
  std::set<std::size_t> gone;
  for (std::size_t token = 0; token < left; ++token) members[token] = {token};
  for (const Pair& pair : pairs) {
    members[pair.to].push_back(pair.from);
    gone.insert(pair.from);
  }
  std::vector<std::size_t> order;
  for (std::size_t token = 0; token < prefix; ++token) order.push_back(token);
  for (const std::size_t parity : {0U, 1U}) {
    for (std::size_t token = prefix; token < left; ++token) {
      if (token % 2 == parity && !gone.contains(token)) order.push_back(token);
    }
  }
  Rows y;
  std::vector<Sources> tokens;
  for (const std::size_t token : order) {
    std::vector<double> mean(a_.embed_dim, 0.0);
    Sources sources;
    for (const std::size_t member : members[token]) {
      for (std::size_t i = 0; i < a_.embed_dim; ++i) mean[i] += x[member][i] * double(tokens_[member].size());
      sources.insert(sources.end(), tokens_[member].begin(), tokens_[member].end());
    }
    for (double& value : mean) value /= double(sources.size());
    for (auto& [source, share] : sources) share = 1.0 / double(sources.size());
    y.push_back(mean);
    tokens.push_back(sources);
  }
  tokens_ = tokens;
  return y;
}

}  // namespace fovea::test
