#include "model/forward/token_reduction.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/random.hpp"
#include "fovea/error.hpp"
#include "nn/attention/attention.hpp"

namespace fovea {
namespace {

/// What keeps patches from being left out; empty: nothing.
std::string obstacle_to_dropping(const Architecture& a) {
  if (a.read_out != ReadOut::kClassToken && a.read_out != ReadOut::kClassAndDistToken) {
    return fmt::format("the read-out is {}", name(a.read_out));
  }
  if (a.rope != Rope::kNone) return "positions are rotations of queries and keys";
  if (a.relative_position_bias) return "positions are a bias between each two patches";
  return {};
}

/// What keeps tokens from being left out or merged on the way; empty: nothing.
std::string obstacle(const Architecture& a) {
  if (std::string reason = obstacle_to_dropping(a); !reason.empty()) return reason;
  if (a.parallel_mlp) return "the MLP is parallel to the attention that tokens are reduced after";
  if (a.differential_attention) return "attention is a difference, which has negative weights";
  return {};
}

std::string subject_of(const ModelInfo& model) {
  return model.path.empty() ? model.name : model.path.string();
}

std::string wrong_option(const TokenReduction& reduction) {
  if (!(reduction.keep > 0.0 && reduction.keep <= 1.0)) {
    return fmt::format("the share of tokens to keep is {}, expected more than 0 and at most 1", reduction.keep);
  }
  if (reduction.keep < 1.0 && reduction.merge > 0) {
    return fmt::format("tokens are to be kept ({}) and merged ({}), expected one of the two", reduction.keep,
                       reduction.merge);
  }
  if (reduction.sample && reduction.keep == 1.0) {
    return "the share of tokens to draw is 1, expected less: all of them are no draw";
  }
  return {};
}

/// rows of [N', D] summed into [N'', D], each with its weight.
void sum_rows(const TokenStage& stage, std::size_t width, std::span<const float> x, std::span<float> sums) {
  std::fill(sums.begin(), sums.end(), 0.0F);
  for (std::size_t token = 0; token < stage.becomes.size(); ++token) {
    const float weight = stage.weight[token];
    const float* from = x.data() + token * width;
    float* to = sums.data() + stage.becomes[token] * width;
    for (std::size_t i = 0; i < width; ++i) to[i] += weight * from[i];
  }
}

}  // namespace

void require_droppable(const ModelInfo& model) {
  const std::string reason = obstacle_to_dropping(model.architecture);
  if (reason.empty()) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: {}, expected for patches to be dropped a class token, with or without a distillation "
                          "token, and absolute positions",
                          subject_of(model), reason),
              "rise, occlusion and --substrate paint hide patches of any model");
}

void require_reducible(const ModelInfo& model, const TokenReduction& reduction) {
  const std::string subject = subject_of(model);
  if (const std::string reason = obstacle(model.architecture); !reason.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {}, expected for hard attention a class token, with or without a distillation token, "
                            "and absolute positions",
                            subject, reason),
                "leave out what asks for fewer tokens, or take a plain, distilled or DeiT3 model");
  }
  if (const std::string wrong = wrong_option(reduction); !wrong.empty()) {
    throw Error(ErrorCode::kUsage, "hard attention: " + wrong);
  }
}

TokenMap::TokenMap(std::size_t prefix, std::size_t patches)
    : prefix_(prefix),
      token_of_(prefix + patches),
      share_(token_of_.size(), 1.0F),
      kept_(token_of_.size(), 1),
      sizes_(token_of_.size(), 1.0F) {
  std::iota(token_of_.begin(), token_of_.end(), std::size_t{0});
}

void TokenMap::apply(const TokenStage& stage) {
  assert(stage.becomes.size() == sizes_.size());
  // A token's share in a sum is its weight over the sum of weights; where all weights are 0 the shares are equal.
  std::vector<double> total(stage.tokens, 0.0);
  std::vector<double> members(stage.tokens, 0.0);
  std::vector<float> sizes(stage.tokens, 0.0F);
  for (std::size_t token = 0; token < sizes_.size(); ++token) {
    total[stage.becomes[token]] += static_cast<double>(stage.weight[token]);
    members[stage.becomes[token]] += 1.0;
    sizes[stage.becomes[token]] += sizes_[token];
  }
  for (std::size_t i = 0; i < token_of_.size(); ++i) {
    const std::size_t from = token_of_[i];
    const std::size_t to = stage.becomes[from];
    const double share = total[to] > 0.0 ? static_cast<double>(stage.weight[from]) / total[to] : 1.0 / members[to];
    share_[i] = static_cast<float>(static_cast<double>(share_[i]) * share);
    kept_[i] = static_cast<std::uint8_t>(kept_[i] & stage.kept[from]);
    token_of_[i] = to;
  }
  sizes_ = std::move(sizes);
}

ReducedTokens TokenMap::seen_after(std::size_t block) const {
  return {block, sizes_.size(), std::span(token_of_).subspan(prefix_), std::span(share_).subspan(prefix_),
          std::span(kept_).subspan(prefix_)};
}

void TokenMap::unmerge_attention(std::size_t num_heads, std::span<const float> attention,
                                 std::span<float> whole) const {
  const std::size_t left = sizes_.size();    // N'
  const std::size_t all = token_of_.size();  // N
  assert(attention.size() == num_heads * left * left && whole.size() == num_heads * all * all);
  for (std::size_t head = 0; head < num_heads; ++head) {
    for (std::size_t i = 0; i < all; ++i) {
      const float* row = attention.data() + (head * left + token_of_[i]) * left;
      float* whole_row = whole.data() + (head * all + i) * all;
      for (std::size_t j = 0; j < all; ++j) whole_row[j] = row[token_of_[j]] * share_[j];
    }
  }
}

void TokenMap::unmerge_tokens(std::size_t embed_dim, std::span<const float> tokens, std::span<float> whole) const {
  assert(tokens.size() == sizes_.size() * embed_dim && whole.size() == token_of_.size() * embed_dim);
  for (std::size_t i = 0; i < token_of_.size(); ++i) {
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(token_of_[i] * embed_dim), embed_dim,
                whole.begin() + static_cast<std::ptrdiff_t>(i * embed_dim));
  }
}

TokenReducer::TokenReducer(Architecture architecture, const TokenReduction& reduction, std::size_t batch)
    : a_(std::move(architecture)),
      reduction_(reduction),
      tokens_(a_.tokens()),
      maps_(batch, TokenMap(a_.num_prefix_tokens, a_.grid().size())) {}

/// All of them if the block has no stage, or one that would only put the fused token in place of a single other. After
/// the last attention nobody reads patches.
std::size_t TokenReducer::left_after(std::size_t block) const {
  const std::size_t patches = tokens_ - a_.num_prefix_tokens;
  if (block + 1 == a_.depth) return tokens_;
  if (reduction_.merge > 0) return tokens_ - std::min(reduction_.merge, patches / 2);
  const bool has_stage = block == a_.depth / 4 || block == a_.depth / 2 || block == 3 * a_.depth / 4;
  if (!has_stage) return tokens_;
  const auto kept = static_cast<std::size_t>(std::ceil(reduction_.keep * static_cast<double>(patches)));
  return std::min(a_.num_prefix_tokens + kept + 1, tokens_);
}

void TokenReducer::reduce_after(std::size_t block, std::span<const float> qkv, std::span<float> x,
                                std::span<float> room) {
  const std::size_t left = left_after(block);
  const std::size_t width = a_.embed_dim;
  const std::size_t values = tokens_ * width;  // N'·D
  for (std::size_t image = 0; image < maps_.size(); ++image) {
    const TokenStage stage = stage_of(image, block, left, qkv.subspan(image * 3 * values, 3 * values));
    sum_rows(stage, width, x.subspan(image * values, values), room.subspan(image * left * width, left * width));
    maps_[image].apply(stage);
  }
  std::copy_n(room.begin(), maps_.size() * left * width, x.begin());
  tokens_ = left;
  if (reduction_.merge > 0) update_log_sizes();
}

std::vector<float> TokenReducer::unmerge_tokens(std::span<const float> x) const {
  const std::size_t left = tokens_ * a_.embed_dim;       // N'·D
  const std::size_t whole = a_.tokens() * a_.embed_dim;  // N·D
  std::vector<float> tokens(maps_.size() * whole);
  for (std::size_t image = 0; image < maps_.size(); ++image) {
    maps_[image].unmerge_tokens(a_.embed_dim, x.subspan(image * left, left),
                                std::span(tokens).subspan(image * whole, whole));
  }
  return tokens;
}

TokenStage TokenReducer::stage_of(std::size_t image, std::size_t block, std::size_t left,
                                  std::span<const float> qkv) const {
  return reduction_.merge > 0 ? merge(image, left, qkv) : keep(block, left, qkv);
}

/// @param qkv  [N', 3, H, d], of one image
TokenStage TokenReducer::keep(std::size_t block, std::size_t left, std::span<const float> qkv) const {
  const std::size_t prefix = a_.num_prefix_tokens;
  std::vector<float> weights(a_.num_heads * tokens_);  // [H, N']
  nn::attention_row({tokens_, a_.num_heads, a_.head_dim()}, qkv, 0, weights);
  std::vector<float> attention(tokens_ - prefix);
  for (std::size_t patch = 0; patch < attention.size(); ++patch) {
    float sum = 0.0F;
    for (std::size_t head = 0; head < a_.num_heads; ++head) sum += weights[head * tokens_ + prefix + patch];
    attention[patch] = sum / static_cast<float>(a_.num_heads);
  }
  std::vector<double> preference(attention.begin(), attention.end());
  if (reduction_.sample) {
    const std::uint64_t of_draw = Random(Random(reduction_.seed).bits() + reduction_.draw).bits();
    preference = random_preference(attention, Random(of_draw + block).bits());
  }
  return keep_preferred(prefix, attention, preference, left - prefix - 1);
}

/// @param qkv  [N', 3, H, d], of one image
TokenStage TokenReducer::merge(std::size_t image, std::size_t left, std::span<const float> qkv) const {
  const std::size_t head_dim = a_.head_dim();
  std::vector<float> keys(tokens_ * head_dim, 0.0F);  // [N', d], the sum over heads
  for (std::size_t token = 0; token < tokens_; ++token) {
    for (std::size_t head = 0; head < a_.num_heads; ++head) {
      const float* key = qkv.data() + (token * 3 + 1) * a_.embed_dim + head * head_dim;
      for (std::size_t i = 0; i < head_dim; ++i) keys[token * head_dim + i] += key[i];
    }
  }
  return merge_most_similar(a_.num_prefix_tokens, {keys, tokens_, head_dim}, maps_[image].sizes(), tokens_ - left);
}

void TokenReducer::update_log_sizes() {
  log_sizes_.resize(maps_.size() * tokens_);
  auto to = log_sizes_.begin();
  for (const TokenMap& map : maps_) {
    to = std::transform(map.sizes().begin(), map.sizes().end(), to, [](float size) { return std::log(size); });
  }
}

}  // namespace fovea
