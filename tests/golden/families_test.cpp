// Small random checkpoints of every family, as their libraries write them, against the libraries' own numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/architecture.hpp"
#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "support/naive_vit.hpp"
#include "support/needs_precision.hpp"
#include "support/normal_values.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

/// What a reference library computed for one folder.
class Expected {
 public:
  explicit Expected(const std::filesystem::path& file) : checkpoint_(open_checkpoint(file)) {}
  [[nodiscard]] bool has(const std::string& name) const { return checkpoint_->find(name) != nullptr; }
  [[nodiscard]] std::vector<float> values(const std::string& name) const { return to_float(*checkpoint_->find(name)); }
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& name) const {
    const TensorView* tensor = checkpoint_->find(name);
    std::vector<std::int64_t> values(tensor->numel());
    std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
    return values;
  }
  [[nodiscard]] std::vector<std::size_t> shape(const std::string& name) const { return checkpoint_->find(name)->shape; }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> all;
    for (const TensorView& tensor : checkpoint_->tensors()) all.insert(tensor.name);
    return all;
  }

 private:
  std::unique_ptr<Checkpoint> checkpoint_;
};

float largest(std::span<const float> values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::fabs(value));
  return most;
}

/// The largest difference to the `index`-th of equal parts of a reference.
float difference(std::span<const float> actual, const std::vector<float>& reference, std::size_t index) {
  EXPECT_LE((index + 1) * actual.size(), reference.size());
  float most = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const float away = std::fabs(actual[i] - reference[index * actual.size() + i]);
    most = std::isnan(away) ? INFINITY : std::max(most, away);
  }
  return most;
}

float row_sum_error(std::span<const float> weights, std::size_t columns) {
  float most = 0;
  for (std::size_t row = 0; row < weights.size() / columns; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < columns; ++i) sum += double(weights[row * columns + i]);
    most = std::max(most, float(std::fabs(sum - 1.0)));
  }
  return most;
}

/// For the size of the reference's input; heads where the folder does not say.
std::shared_ptr<const VisionTransformer> load_for(const std::filesystem::path& folder, const Expected& expected,
                                                  Precision precision = Precision::kF32) {
  const auto shape = expected.shape("x");
  LoadOptions options;
  options.image_size = Size{int(shape[2]), int(shape[3])};
  options.precision = precision;
  if (!std::filesystem::exists(folder / "config.json")) options.num_heads = expected.shape("attn_0")[1];
  return VisionTransformer::load(folder, options);
}

/// Loads a folder for the input's size and compares everything that the reference holds: logits, pooled features, the
/// tokens before and after each block, every attention matrix.
void expect_equal_to_reference(const std::filesystem::path& folder, const std::string& expected_file) {
  const Expected expected(folder / expected_file);
  const auto inputs = expected.values("x");  // [n, 3, H, W]
  const auto shape = expected.shape("x");
  const auto model = load_for(folder, expected);
  const Architecture& a = model->architecture();
  const std::size_t images = shape[0];
  Session session(model, images);
  std::vector<float> patches;
  for (std::size_t i = 0; i < images; ++i) {
    const auto one =
        test::naive_patches(a, std::span(inputs).subspan(i * inputs.size() / images, inputs.size() / images));
    patches.insert(patches.end(), one.begin(), one.end());
  }

  std::set<std::string> compared{"x", "logits", "target"};
  std::vector<std::unique_ptr<Explainer>> rollouts;
  for (std::size_t i = 0; i < images; ++i) rollouts.push_back(explain_method("rollout").make({}, token_layout(a)));
  ForwardRequest request;
  request.attention = [&](std::size_t image, const AttentionView& view) {
    rollouts[image]->observe(view);
    const std::string name = "attn_" + std::to_string(view.block);
    if (!expected.has(name)) return;
    compared.insert(name);
    EXPECT_LE(difference(view.weights, expected.values(name), image), 5e-5F) << name << ", image " << image;
    const float most = a.differential_attention ? INFINITY : 1e-5F;  // its rows sum to 1 - λ
    EXPECT_LE(row_sum_error(view.weights, view.tokens), most) << name;
  };
  request.tokens = [&](std::size_t image, std::size_t block, MatrixView<const float> tokens) {
    const std::string name = block == 0 ? "tokens_embed" : "block_" + std::to_string(block - 1);
    if (!expected.has(name)) return;
    compared.insert(name);
    const auto reference = expected.values(name);
    EXPECT_LE(difference(tokens.values(), reference, image), 2e-5F * largest(reference)) << name << ", image " << image;
  };
  request.pool_attention = [&](std::size_t image, MatrixView<const float> weights) {
    rollouts[image]->observe_pool(weights);
    if (!expected.has("attn_pool")) return;
    compared.insert("attn_pool");
    EXPECT_LE(difference(weights.values(), expected.values("attn_pool"), image), 5e-5F) << "image " << image;
  };
  const auto results = session.forward(patches, request);

  EXPECT_EQ(a.num_classes > 0, expected.has("logits"));
  for (std::size_t i = 0; i < images && expected.has("logits"); ++i) {
    const auto wanted = expected.values("logits");  // [n, C]
    const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
    EXPECT_LE(difference(results[i].logits, wanted, i), 1e-5F * (*high - *low)) << "image " << i;
    const auto row = std::span(wanted).subspan(i * a.num_classes, a.num_classes);
    EXPECT_EQ(std::max_element(results[i].logits.begin(), results[i].logits.end()) - results[i].logits.begin(),
              std::max_element(row.begin(), row.end()) - row.begin());
  }
  for (std::size_t i = 0; i < images; ++i) {
    if (expected.has("pooled")) {
      compared.insert("pooled");
      const auto reference = expected.values("pooled");
      EXPECT_LE(difference(results[i].pooled, reference, i), 2e-5F * largest(reference)) << "image " << i;
    }
  }
  for (std::size_t i = 0; expected.has("rollout") && i < images; ++i) {
    compared.insert("rollout");
    const auto reference = expected.values("rollout");
    const std::vector<float> map = rollouts[i]->heatmap().values;
    EXPECT_LE(difference(map, reference, i), 1e-4F * largest(reference)) << "image " << i;
    EXPECT_GE(spearman(map, std::span(reference).subspan(i * map.size(), map.size())), 0.999) << "image " << i;
  }
  // The plain call takes the short way through the last block where the read-out needs no patches: no bit may differ.
  const auto plain = session.run(patches);
  for (std::size_t i = 0; i < images; ++i) EXPECT_EQ(plain[i], results[i].logits) << "image " << i;
  // Nothing that the reference says about the forward pass is left unread.
  for (const std::string& name : expected.names()) {
    const bool forward = name.starts_with("attn_") || name.starts_with("block_") || name == "tokens_embed" ||
                         name == "rollout" || name == "pooled";
    EXPECT_TRUE(!forward || compared.contains(name)) << name << " was not compared";
  }
}

std::filesystem::path own_folders() {
  return test::source_dir() / "tests/golden/families";
}

std::filesystem::path feature_folders() {
  return test::source_dir() / "tests/golden/features";
}

/// Gradients of the target's logit with respect to every attention matrix, against autograd's.
void expect_gradients_equal_to_reference(const std::filesystem::path& folder) {
  const Expected expected(folder / "expected.safetensors");
  const auto inputs = expected.values("x");
  const auto shape = expected.shape("x");
  const auto targets = expected.integers("target");
  const auto model = load_for(folder, expected);
  const std::size_t images = shape[0];
  std::set<std::string> compared;
  for (std::size_t image = 0; image < images; ++image) {
    Session session(model, 1);
    ForwardRequest forward;
    forward.keep_for_gradients = true;
    const auto patches = test::naive_patches(
        model->architecture(), std::span(inputs).subspan(image * inputs.size() / images, inputs.size() / images));
    const auto kept = session.forward(patches, forward);
    EXPECT_EQ(kept.front().logits, session.run(patches).front()) << "what is kept changes no bit";
    (void)session.forward(patches, forward);
    const auto check = [&](const std::string& name, std::span<const float> gradient) {
      if (!expected.has(name)) return;
      compared.insert(name);
      const auto reference = expected.values(name);
      EXPECT_LE(difference(gradient, reference, image), 1e-4F * largest(reference)) << name << ", image " << image;
    };
    GradientRequest request;
    request.attention = [&](const AttentionView& view, std::span<const float> gradient) {
      check("grad_" + std::to_string(view.block), gradient);
    };
    request.pool = [&](MatrixView<const float>, MatrixView<const float> gradient) {
      check("grad_pool", gradient.values());
    };
    session.gradients({{std::size_t(targets[image]), 1.0F}}, request);
  }
  for (const std::string& name : expected.names()) {
    EXPECT_TRUE(!name.starts_with("grad_") || name == "grad_rollout" || compared.contains(name))
        << name << " was not compared";
  }
}

/// At the input of each block, what tokens, biases and earlier read-outs contribute has to be the score. Needs no
/// reference.
/// @param tolerance  of the sum of the terms' sizes
void expect_terms_to_add_up(const std::filesystem::path& folder, Precision precision, double tolerance,
                            float gamma = 0.0F) {
  const Expected expected(folder / "expected.safetensors");
  const auto inputs = expected.values("x");
  const auto model = load_for(folder, expected, precision);
  const auto image = std::span(inputs).first(inputs.size() / expected.shape("x")[0]);
  Session session(model, 1);
  ForwardRequest forward;
  forward.keep_for_gradients = true;
  const ForwardResult result = session.forward(test::naive_patches(model->architecture(), image), forward).front();
  const bool logits = !result.logits.empty();
  const std::vector<float>& output = logits ? result.logits : result.features;
  const auto weights = test::normal_values(output.size(), 5);  // of the score: a sum of all outputs
  double score = 0;
  for (std::size_t i = 0; i < output.size(); ++i) score += double(weights[i]) * double(output[i]);
  const OutputScore sum{logits ? OutputScore::Reads::kLogits : OutputScore::Reads::kFeatures,
                        [&](std::span<const float>, std::span<float> gradient) {
                          std::copy(weights.begin(), weights.end(), gradient.begin());
                        }};
  std::size_t blocks = 0;
  GradientRequest request;
  request.gradients = Gradients::kLibra;
  request.gamma = gamma;
  request.score_terms = [&](const ScoreTerms& terms) {
    double total = terms.biases + terms.earlier_read_outs;
    double size = std::abs(terms.biases) + std::abs(terms.earlier_read_outs);
    for (const double term : terms.tokens) {
      total += term;
      size += std::abs(term);
    }
    EXPECT_NEAR(total, score, tolerance * size) << "block " << terms.block << ", gamma " << gamma;
    ++blocks;
  };
  session.gradients(sum, request);
  EXPECT_EQ(blocks, model->architecture().depth);
}

/// The maps of the reference's target.
/// @param tolerance  of a map's maximum
void expect_maps_equal_to_reference(const std::filesystem::path& folder, Precision precision, float tolerance,
                                    double rank_agreement) {
  const Expected expected(folder / "expected.safetensors");
  const auto inputs = expected.values("x");
  const auto targets = expected.integers("target");
  const auto model = load_for(folder, expected, precision);
  const std::size_t images = expected.shape("x")[0];
  std::vector<float> patches;  // [n, T, 3·P·P]
  for (std::size_t i = 0; i < images; ++i) {
    const auto one = test::naive_patches(model->architecture(),
                                         std::span(inputs).subspan(i * inputs.size() / images, inputs.size() / images));
    patches.insert(patches.end(), one.begin(), one.end());
  }
  // The reference has those that are defined for its attention.
  std::vector<const char*> names;
  MapPlan plan;
  for (const auto& [name, method] :
       {std::pair{"rollout", "rollout"}, {"generic_attention", "generic"}, {"grad_rollout", "grad-rollout"}}) {
    if (!expected.has(name)) continue;
    names.push_back(name);
    plan.methods.push_back(&explain_method(method));
  }
  ASSERT_GE(names.size(), 2U);
  check_plan(plan, model->info());
  Session session(model, images);
  const auto explained =
      explain_images(*model, session, patches, plan, {}, [&](std::size_t image, const ForwardResult&) {
        return std::vector{Target{static_cast<std::size_t>(targets[image]), std::nullopt}};
      });
  ASSERT_EQ(explained.size(), images);
  for (std::size_t image = 0; image < images; ++image) {
    ASSERT_EQ(explained[image].maps.size(), names.size());
    for (std::size_t m = 0; m < names.size(); ++m) {
      const char* const name = names[m];
      const std::vector<float>& map = explained[image].maps[m].heatmap.values;
      const auto all = expected.values(name);  // [n, gh, gw]
      const std::span<const float> reference = std::span(all).subspan(image * map.size(), map.size());
      EXPECT_LE(difference(map, all, image), tolerance * largest(reference)) << name << ", image " << image;
      EXPECT_GE(spearman(map, reference), rank_agreement) << name << ", image " << image;
    }
  }
}

/// The folders in the project, and those that tools/make_golden_families.py leaves where they are.
std::vector<std::string> folder_names() {
  std::vector<std::string> names{"hf_deit_teacher", "hf_vit",      "timm_bf16",       "timm_dinov3_nonsquare",
                                 "timm_eva02",      "timm_swiglu", "timm_siglip_map", "timm_vit_gap_nocls"};
  for (const auto& entry : std::filesystem::directory_iterator(own_folders())) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Those, and the folders of models whose library has no head for them.
std::vector<std::string> with_features(std::vector<std::string> names) {
  for (const auto& entry : std::filesystem::directory_iterator(feature_folders())) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

class GoldenFamily : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const auto& folders : {own_folders(), feature_folders()}) {
      folder_ = folders / GetParam();
      if (std::filesystem::exists(folder_)) return;
    }
    FOVEA_NEEDS_SHARED(shared, "golden/families/" + GetParam());
    folder_ = shared;
  }
  std::filesystem::path folder_;
};

TEST_P(GoldenFamily, EqualsItsReferenceInLogitsTokensAndAttention) {
  expect_equal_to_reference(folder_, "expected.safetensors");
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenFamily, testing::ValuesIn(with_features(folder_names())),
                         [](const auto& chosen) { return chosen.param; });

TEST_P(GoldenFamily, AddsUpToTheScoreByLrpGammaToo) {
  for (const float gamma : {0.05F, 1.0F}) {
    expect_terms_to_add_up(folder_, Precision::kF32, 1e-5, gamma);
    if (has_units(Precision::kBf16)) expect_terms_to_add_up(folder_, Precision::kBf16, 1e-2, gamma);
  }
}

class FamilyWithHead : public GoldenFamily {};

INSTANTIATE_TEST_SUITE_P(Golden, FamilyWithHead, testing::ValuesIn(folder_names()),
                         [](const auto& chosen) { return chosen.param; });

TEST_P(FamilyWithHead, EqualsAutogradInTheGradientsOfEveryAttentionMatrix) {
  expect_gradients_equal_to_reference(folder_);
}

TEST_P(GoldenFamily, AddsUpToTheScoreInWhatLibraGradGivesTokensAndBiases) {
  expect_terms_to_add_up(folder_, Precision::kF32, 1e-5);
  if (has_units(Precision::kBf16)) expect_terms_to_add_up(folder_, Precision::kBf16, 1e-2);
}

TEST_P(FamilyWithHead, EqualsItsReferenceInTheMapsOfItsTarget) {
  expect_maps_equal_to_reference(folder_, Precision::kF32, 1e-4F, 0.999);
}

// The backward pass has a precision of its own, and meets weights of the forward pass in attention pools.
TEST_P(FamilyWithHead, EqualsItsReferenceInTheMapsOfBfloat16Too) {
  FOVEA_NEEDS_PRECISION(Precision::kBf16);
  expect_maps_equal_to_reference(folder_, Precision::kBf16x6, 1e-4F, 0.999);
  expect_maps_equal_to_reference(folder_, Precision::kBf16x3, 1e-3F, 0.999);
  expect_maps_equal_to_reference(folder_, Precision::kBf16, 0.2F, 0.9);
}

/// The largest difference of a logit, relative to the range of the reference's logits.
float logit_error(const std::filesystem::path& folder, Precision precision) {
  const Expected expected(folder / "expected.safetensors");
  const auto inputs = expected.values("x");
  const auto wanted = expected.values("logits");
  const auto [low, high] = std::minmax_element(wanted.begin(), wanted.end());
  const auto model = load_for(folder, expected, precision);
  Session session(model, 1);
  const std::size_t images = expected.shape("x")[0];
  float worst = 0;
  for (std::size_t i = 0; i < images; ++i) {
    const auto patches = test::naive_patches(
        model->architecture(), std::span(inputs).subspan(i * inputs.size() / images, inputs.size() / images));
    worst = std::max(worst, difference(session.run(patches).front(), wanted, i));
  }
  return worst / (*high - *low);
}

TEST_P(FamilyWithHead, EqualsItsReferenceInSumsOfBfloat16ProductsToo) {
  FOVEA_NEEDS_PRECISION(Precision::kBf16x3);
  const float plain = logit_error(folder_, Precision::kBf16);
  const float three = logit_error(folder_, Precision::kBf16x3);
  EXPECT_LE(three, 3e-5F);
  EXPECT_LE(logit_error(folder_, Precision::kBf16x6), 1e-5F);
  EXPECT_LE(plain, 5e-2F);
  EXPECT_GT(plain, three) << "the precisions differ";
}

class FamilyAtAnotherSize : public GoldenFamily {};

TEST_P(FamilyAtAnotherSize, EqualsItsReferenceInLogitsAndTheLastBlock) {
  expect_equal_to_reference(folder_, "expected_interpolated.safetensors");
}

INSTANTIATE_TEST_SUITE_P(Golden, FamilyAtAnotherSize,
                         testing::Values("hf_vit", "hf_dinov2", "hf_dinov2_reg", "hf_dinov3", "hf_siglip2_naflex",
                                         "hf_siglip2_naflex_tower"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace fovea
