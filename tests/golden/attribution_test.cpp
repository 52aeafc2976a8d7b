// Transformer attribution against the authors' maps, and its gradients in double against autograd's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/explain.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "support/naive_vit.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

/// Relative to the map's maximum. In double the method reproduces itself to 1e-7; a rule that is nearly right is off by
/// 1e-3.
constexpr float kTolerance = 1e-5F;

/// Under a sanitizer every eighth photograph does: they all take the same way, which is slow there.
const std::size_t kPhotographStep = test::sanitizers().empty() ? 1 : 8;

/// A photograph as timm sees it (stored orientation).
std::vector<float> patches_of(const VisionTransformer& model, const fs::path& picture) {
  DecodeOptions options;
  options.exif = ExifMode::kIgnore;
  const Image image = decode_image(read_file(picture), picture.string(), options);
  const Architecture& a = model.architecture();
  std::vector<float> patches(a.grid().size() * a.patch_dim());
  extract_patches(preprocess(image, model.info().recipe).pixels, model.info().recipe, a.patch_size, patches);
  return patches;
}

Heatmap attribution(const VisionTransformer& model, std::span<const float> patches, const ScoreSeed& seed) {
  const Architecture& a = model.architecture();
  const auto explainer =
      explain_method("attribution").make({}, {a.depth, a.num_heads, a.num_prefix_tokens, a.grid(), {{0, 1.0F}}});
  propagate_relevance(model, patches, seed,
                      [&](std::size_t block, std::span<const double> gradient, std::span<const double> relevance) {
                        explainer->observe_relevance(block, gradient, relevance);
                      });
  return explainer->heatmap();
}

TEST(GoldenAttribution, EqualsTheAuthorsMapsOfDeitTinyForTheFirstClassAndTheFifth) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny");
  set_compute_threads(1);  // other tests run beside this one
  const auto model = VisionTransformer::load(test::shared_dir() / "models/deit_tiny_patch16_224");
  std::ifstream stream(golden / "maps.json");
  const auto index = nlohmann::json::parse(stream);
  const auto maps = open_checkpoint(golden / "maps.safetensors");
  double worst = 0;
  std::size_t photograph = 0;
  for (; photograph < index.at("images").size(); photograph += kPhotographStep) {
    const nlohmann::json& image = index.at("images")[photograph];
    const fs::path file = image.at("file").get<std::string>();
    const auto patches = patches_of(*model, test::shared_dir() / "images/imagenet_200" / file);
    for (const char* key : {"top1", "rank5"}) {
      SCOPED_TRACE(file.string() + ", " + key);
      const auto reference = to_float(*maps->find(std::string("attribution_") + key));  // [16, 14, 14]
      const auto wanted = std::span<const float>(reference).subspan(photograph * 196, 196);
      const Heatmap map = attribution(*model, patches, {{image.at(key).get<std::size_t>(), 1.0F}});
      const float largest = *std::max_element(wanted.begin(), wanted.end());
      ASSERT_EQ(map.values.size(), wanted.size());
      for (std::size_t t = 0; t < wanted.size(); ++t) {
        worst = std::max(worst, static_cast<double>(std::fabs(map.values[t] - wanted[t]) / largest));
        ASSERT_NEAR(map.values[t], wanted[t], kTolerance * largest) << "patch " << t;
      }
      EXPECT_GE(spearman(map.values, wanted), 0.999);
    }
  }
  EXPECT_EQ(photograph, 16U);
  std::printf("worst difference: %.2g of the map's maximum\n", worst);
}

/// What the rules of propagation are not defined for, in the words of the error; empty where they are.
std::string without_rule(const Architecture& a) {
  if (a.read_out == ReadOut::kAttentionPool) return "an attention pool";
  if (a.differential_attention) return "differential attention";
  if (a.parallel_mlp) return "an MLP parallel to the attention";
  if (a.gated_mlp) return "a gated MLP";
  if (a.qk_norm) return "norms of queries and keys";
  return a.rope != Rope::kNone ? "a rotary position embedding" : "";
}

class EveryFamily : public testing::TestWithParam<fs::path> {};

TEST_P(EveryFamily, HasAutogradsGradientsBesideItsRelevanceOrSaysWhatHasNoRule) {
  const auto expected = open_checkpoint(GetParam() / "expected.safetensors");
  const TensorView& x = *expected->find("x");  // [n, 3, H, W]
  LoadOptions options;
  options.image_size = Size{static_cast<int>(x.shape[2]), static_cast<int>(x.shape[3])};
  if (!fs::exists(GetParam() / "config.json")) options.num_heads = expected->find("attn_0")->shape[1];
  const auto model = VisionTransformer::load(GetParam(), options);
  const Architecture& a = model->architecture();
  const std::vector<float> inputs = to_float(x);
  std::vector<std::int64_t> targets(x.shape[0]);
  std::memcpy(targets.data(), expected->find("target")->bytes.data(), targets.size() * sizeof(std::int64_t));
  for (std::size_t image = 0; image < targets.size(); ++image) {
    SCOPED_TRACE(image);
    const std::size_t size = inputs.size() / targets.size();
    const auto patches = test::naive_patches(a, std::span(inputs).subspan(image * size, size));
    const ScoreSeed seed{{static_cast<std::size_t>(targets[image]), 1.0F}};
    std::size_t seen = 0;
    const auto observe = [&](std::size_t block, std::span<const double> gradient, std::span<const double> relevance) {
      const auto reference = to_float(*expected->find("grad_" + std::to_string(block)));  // [n, H, N, N]
      const auto wanted = std::span<const float>(reference).subspan(image * gradient.size(), gradient.size());
      double largest = 0;
      double away = 0;
      double relevant = 0;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        largest = std::max(largest, std::fabs(static_cast<double>(wanted[i])));
        away = std::max(away, std::fabs(gradient[i] - static_cast<double>(wanted[i])));
        relevant = std::max(relevant, std::fabs(relevance[i]));
      }
      EXPECT_LE(away, 1e-6 * largest) << "block " << block;  // the reference is rounded to float
      EXPECT_GT(relevant, 0.0) << "block " << block;
      EXPECT_EQ(++seen, a.depth - block);
    };
    if (without_rule(a).empty()) {
      propagate_relevance(*model, patches, seed, observe);
      EXPECT_EQ(seen, a.depth);
      continue;
    }
    try {
      propagate_relevance(*model, patches, seed, observe);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      EXPECT_NE(std::string(error.what()).find("the model has " + without_rule(a)), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find("generic"), std::string::npos) << error.hint();
    }
  }
}

std::vector<fs::path> family_folders() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(test::source_dir() / "tests/golden/families")) {
    if (fs::exists(entry.path() / "expected.safetensors")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

INSTANTIATE_TEST_SUITE_P(GoldenAttribution, EveryFamily, testing::ValuesIn(family_folders()),
                         [](const auto& folder) { return folder.param.filename().string(); });

}  // namespace
}  // namespace fovea
