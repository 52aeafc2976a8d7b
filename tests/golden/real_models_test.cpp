// From the file to logits and maps with trained weights, against timm: the real DeiT-tiny on 200 photographs and the
// default model on 2,000 small pictures. Both need the reference data beside the project.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "image/codec.hpp"
#include "image/patches.hpp"
#include "image/preprocess.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Classifies pictures one after the other, as timm sees them (stored orientation).
class Runner {
 public:
  explicit Runner(const fs::path& model) : model_(VisionTransformer::load(model)), session_(model_, 1) {
    set_compute_threads(1);  // other tests run beside this one
  }

  Logits operator()(const fs::path& picture, const AttentionObserver& observe = {}) {
    DecodeOptions options;
    options.exif = ExifMode::kIgnore;
    const Image image = decode_image(read_file(picture), picture.string(), options);
    const Architecture& a = model_->architecture();
    std::vector<float> patches(a.grid().size() * a.patch_dim());
    extract_patches(preprocess(image, model_->info().recipe).pixels, model_->info().recipe, a.patch_size, patches);
    return session_.run(patches, observe)[0];
  }
  [[nodiscard]] const Architecture& architecture() const { return model_->architecture(); }

 private:
  std::shared_ptr<const VisionTransformer> model_;
  Session session_;
};

/// Under a sanitizer every tenth picture does: they all take the same way.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStep = 10;
#else
constexpr std::size_t kStep = 1;
#endif

/// Compares the logits of the listed pictures with the reference's; `top1` receives our best class of each.
void compare_logits(const fs::path& model, const fs::path& golden, const fs::path& pictures,
                    std::vector<std::size_t>& top1) {
  Runner run(model);
  const auto files = lines_of(golden / "files.txt");
  const auto checkpoint = open_checkpoint(golden / "logits.safetensors");
  const auto reference = to_float(*checkpoint->find("logits"));  // [n, C]
  const std::size_t classes = run.architecture().num_classes;
  ASSERT_EQ(reference.size(), files.size() * classes);
  float worst = 0;
  for (std::size_t i = 0; i < files.size(); i += kStep) {
    const Logits logits = run(pictures / files[i]);
    const auto wanted = std::span<const float>(reference).subspan(i * classes, classes);
    for (std::size_t c = 0; c < classes; ++c) worst = std::max(worst, std::fabs(logits[c] - wanted[c]));
    EXPECT_EQ(top_k(logits, 5), top_k(wanted, 5)) << files[i];
    top1.push_back(top_k(logits, 1)[0]);
  }
  EXPECT_LE(worst, 1e-3F);
  std::printf("%zu pictures, max |logit difference| %.2g\n", top1.size(), static_cast<double>(worst));
}

TEST(RealModels, DeitTinyGivesTimmsLogitsOn200Photographs) {
  FOVEA_NEEDS_SHARED(model, "models/deit_tiny_patch16_224");
  std::vector<std::size_t> top1;
  compare_logits(model, test::shared_dir() / "golden/deit_tiny", test::shared_dir() / "images/imagenet_200", top1);
  EXPECT_EQ(top1.size(), 200U / kStep);
}

TEST(RealModels, TheDefaultModelGivesTimmsLogitsOn2000PicturesAnd763PerMilleRight) {
  FOVEA_NEEDS_SHARED(pictures, "images/tin_val_2000");
  const fs::path model = test::source_dir() / "weights/vit_tiny_tin200";
  std::vector<std::size_t> top1;
  ASSERT_NO_FATAL_FAILURE(compare_logits(model, test::shared_dir() / "golden/vit_tiny_tin200", pictures, top1));
  const auto files = lines_of(test::shared_dir() / "golden/vit_tiny_tin200/files.txt");
  const ModelInfo info = inspect_model(model);
  std::size_t right = 0;
  for (std::size_t i = 0; i < top1.size(); ++i) {
    right += info.labels[top1[i]].synset == fs::path(files[i * kStep]).parent_path().string() ? 1U : 0U;
  }
  std::printf("top-1: %zu of %zu\n", right, top1.size());
  if (kStep == 1) {
    EXPECT_NEAR(static_cast<double>(right) / static_cast<double>(top1.size()), 0.763, 0.0005);
  }
}

/// The 16 photographs of maps.json, explained.
std::vector<Heatmap> explain_photographs(const char* method, const ExplainOptions& options) {
  Runner run(test::shared_dir() / "models/deit_tiny_patch16_224");
  const auto files = lines_of(test::shared_dir() / "golden/deit_tiny/files.txt");
  std::ifstream stream(test::shared_dir() / "golden/deit_tiny/maps.json");
  const Architecture& a = run.architecture();
  const TokenLayout layout{a.depth, a.num_heads, a.num_prefix_tokens, a.grid(), {{0, 1.0F}}};
  std::vector<Heatmap> heatmaps;
  const auto index = nlohmann::json::parse(stream);
  for (const auto& image : index.at("images")) {
    const auto explainer = explain_method(method).make(options, layout);
    const fs::path file = files[image.at("index").get<std::size_t>()];
    (void)run(test::shared_dir() / "images/imagenet_200" / file,
              [&](std::size_t, const AttentionView& view) { explainer->observe(view); });
    heatmaps.push_back(explainer->heatmap());
  }
  return heatmaps;
}

void expect_same_map(const Heatmap& heatmap, std::span<const float> wanted) {
  const float largest = *std::max_element(wanted.begin(), wanted.end());
  ASSERT_EQ(heatmap.values.size(), wanted.size());
  for (std::size_t t = 0; t < wanted.size(); ++t) {
    ASSERT_NEAR(heatmap.values[t], wanted[t], 1e-4F * largest) << "patch " << t;
  }
  EXPECT_GE(spearman(heatmap.values, wanted), 0.999);
}

TEST(RealModels, RolloutOfDeitTinyEqualsTheReferencesMaps) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny");
  const auto maps = open_checkpoint(golden / "maps.safetensors");
  for (const auto& [key, fusion] : {std::pair{"rollout_mean", HeadFusion::kMean},
                                    {"rollout_max", HeadFusion::kMax},
                                    {"rollout_min", HeadFusion::kMin}}) {
    const auto reference = to_float(*maps->find(key));  // [16, 14, 14]
    const auto heatmaps = explain_photographs("rollout", {fusion});
    ASSERT_EQ(heatmaps.size(), 16U);
    for (std::size_t i = 0; i < heatmaps.size(); ++i) {
      SCOPED_TRACE(testing::Message() << key << ", photograph " << i);
      expect_same_map(heatmaps[i], std::span<const float>(reference).subspan(i * 196, 196));
    }
  }
}

TEST(RealModels, LastBlockAttentionOfDeitTinyEqualsTheReferencesRows) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny");
  const auto maps = open_checkpoint(golden / "maps.safetensors");
  const auto reference = to_float(*maps->find("attn_cls_rows"));  // [16, 12, 197]
  const auto heatmaps = explain_photographs("attention", {});
  for (std::size_t i = 0; i < heatmaps.size(); ++i) {
    SCOPED_TRACE(i);
    expect_same_map(heatmaps[i], std::span<const float>(reference).subspan((i * 12 + 11) * 197 + 1, 196));
  }
}

}  // namespace
}  // namespace fovea
