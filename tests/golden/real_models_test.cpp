// From the file to logits and maps with trained weights, against timm: the real DeiT-tiny on 200 photographs and the
// default model on 2,000 small pictures. Both need the reference data beside the project.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "checkpoint/checkpoint.hpp"
#include "explain/spearman.hpp"
#include "fovea/architecture.hpp"
#include "fovea/explain.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "model/quantize/quantize.hpp"
#include "pipeline/maps/explanations.hpp"
#include "report/comparison.hpp"
#include "support/needs_precision.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

LoadOptions in(std::optional<Precision> precision) {
  LoadOptions options;
  options.precision = precision;
  return options;
}

/// Classifies pictures one after the other, as timm sees them (stored orientation).
class Runner {
 public:
  explicit Runner(const fs::path& model, std::optional<Precision> precision = Precision::kF32)
      : model_(VisionTransformer::load(model, in(precision))), session_(model_, 1) {
    set_compute_threads(1);  // other tests run beside this one
  }

  Logits operator()(const fs::path& picture) { return session_.run(patches_of(picture))[0]; }

  std::vector<ExplainedMap> explain(const fs::path& picture, const MapPlan& plan, const Target& target) {
    return explain_images(*model_, session_, patches_of(picture), plan, {},
                          [&](std::size_t, const ForwardResult&) { return std::vector{target}; })
        .front()
        .maps;
  }
  [[nodiscard]] const Architecture& architecture() const { return model_->architecture(); }
  [[nodiscard]] const ModelInfo& info() const { return model_->info(); }
  [[nodiscard]] std::vector<float> patches_of(const fs::path& picture) const {
    DecodeOptions options;
    options.exif = ExifMode::kIgnore;
    const Image image = decode_image(read_file(picture), picture.string(), options);
    const Architecture& a = model_->architecture();
    std::vector<float> patches(a.grid().size() * a.patch_dim());
    extract_patches(preprocess(image, model_->info().recipe).pixels, model_->info().recipe, a.patch_size, patches);
    return patches;
  }

 private:
  std::shared_ptr<const VisionTransformer> model_;
  Session session_;
};

/// Under a sanitizer every tenth picture does: they all take the same way.
const std::size_t kStep = test::sanitizers().empty() ? 1 : 10;
const std::size_t kMapStep = test::sanitizers().empty() ? 1 : 8;  // of the 16 photographs that have maps

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

TEST(RealModels, SumsOfBfloat16ProductsKeepDeitTinysClassesOn200Photographs) {
  FOVEA_NEEDS_SHARED(model, "models/deit_tiny_patch16_224");
  FOVEA_NEEDS_PRECISION(Precision::kBf16);
  const fs::path golden = test::shared_dir() / "golden/deit_tiny";
  const auto files = lines_of(golden / "files.txt");
  const auto checkpoint = open_checkpoint(golden / "logits.safetensors");
  const auto reference = to_float(*checkpoint->find("logits"));  // [n, C]
  const std::size_t classes = reference.size() / files.size();
  const auto [low, high] = std::minmax_element(reference.begin(), reference.end());
  const std::pair<Precision, double> limits[] = {
      {Precision::kBf16x6, 3e-6}, {Precision::kBf16x3, 2e-5}, {Precision::kBf16, 1e-1}};
  for (const auto& [precision, limit] : limits) {
    Runner run(model, precision);
    float worst = 0;
    std::size_t pictures = 0;
    std::size_t same = 0;
    for (std::size_t i = 0; i < files.size(); i += kStep) {
      const Logits logits = run(test::shared_dir() / "images/imagenet_200" / files[i]);
      const auto wanted = std::span<const float>(reference).subspan(i * classes, classes);
      for (std::size_t c = 0; c < classes; ++c) worst = std::max(worst, std::fabs(logits[c] - wanted[c]));
      same += top_k(logits, 1) == top_k(wanted, 1) ? 1U : 0U;
      ++pictures;
    }
    const double of_range = static_cast<double>(worst) / static_cast<double>(*high - *low);
    EXPECT_LE(of_range, limit) << name(precision);
    EXPECT_GE(static_cast<double>(same),
              precision == Precision::kBf16 ? 0.995 * static_cast<double>(pictures) : static_cast<double>(pictures))
        << name(precision);
    std::printf("%s: same top 1 on %zu of %zu, max |logit difference| %.2g, %.2g of the range\n",
                name(precision).data(), same, pictures, static_cast<double>(worst), of_range);
  }
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

/// Quantised with pictures that are not those it is judged by.
/// @return  the file
fs::path quantized(const fs::path& model, const std::vector<fs::path>& calibration, const test::TempFolder& folder) {
  Quantizer quantizer(model, Precision::kInt8);
  Runner prepare(model);
  for (const fs::path& picture : calibration) quantizer.observe(prepare.patches_of(picture));
  for (const fs::path& picture : calibration) quantizer.measure(prepare.patches_of(picture));
  PendingFile output(folder / "small.safetensors");
  quantizer.write(output);
  output.commit();
  return folder / "small.safetensors";
}

/// Every `step`-th picture of a folder of folders, from the `first` on.
std::vector<fs::path> pictures_below(const fs::path& folder, std::size_t first, std::size_t step) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".JPEG") all.push_back(entry.path());
  }
  std::sort(all.begin(), all.end());
  std::vector<fs::path> some;
  for (std::size_t i = first; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

struct Comparison {
  std::size_t pictures = 0;
  std::size_t same = 0;          // top-1 as the reference's
  std::size_t right = 0;         // top-1 is the class that the file is named after
  std::size_t right_before = 0;  // the reference's
};

/// Against the reference's logits in float32.
Comparison compare_with_reference(const fs::path& model, const fs::path& golden, const fs::path& pictures) {
  Runner run(model, std::nullopt);
  EXPECT_EQ(run.info().precision, Precision::kInt8);
  const auto files = lines_of(golden / "files.txt");
  const auto checkpoint = open_checkpoint(golden / "logits.safetensors");
  const auto reference = to_float(*checkpoint->find("logits"));  // [n, C]
  const std::size_t classes = reference.size() / files.size();
  Comparison comparison;
  for (std::size_t i = 0; i < files.size(); i += kStep) {
    const std::size_t ours = top_k(run(pictures / files[i]), 1)[0];
    const std::size_t wanted = top_k(std::span<const float>(reference).subspan(i * classes, classes), 1)[0];
    const auto is_named = [&](std::size_t c) { return files[i].starts_with(*run.info().labels[c].synset); };
    ++comparison.pictures;
    comparison.same += ours == wanted ? 1U : 0U;
    comparison.right += is_named(ours) ? 1U : 0U;
    comparison.right_before += is_named(wanted) ? 1U : 0U;
  }
  std::printf("int8: same top 1 on %zu of %zu, right %zu in place of %zu, %.1f MB\n", comparison.same,
              comparison.pictures, comparison.right, comparison.right_before,
              static_cast<double>(fs::file_size(model)) / 1e6);
  return comparison;
}

TEST(RealModels, QuantisedToInt8DeitTinyKeepsItsClassesOn200Photographs) {
  FOVEA_NEEDS_SHARED(model, "models/deit_tiny_patch16_224");
  FOVEA_NEEDS_PRECISION(Precision::kInt8);
  const test::TempFolder folder;
  const auto calibration = pictures_below(test::shared_dir() / "images/tin_val_2000", 7, 40 * kStep);
  const Comparison comparison =
      compare_with_reference(quantized(model, calibration, folder), test::shared_dir() / "golden/deit_tiny",
                             test::shared_dir() / "images/imagenet_200");
  // 99 %; of the few that sanitizers leave time for, all but one.
  EXPECT_LE(comparison.pictures - comparison.same, std::max<std::size_t>(1, comparison.pictures / 100));
  EXPECT_GE(comparison.right + 1, comparison.right_before);
}

TEST(RealModels, QuantisedToInt8TheDefaultModelLosesThreeInAThousandOf2000PicturesAtMost) {
  FOVEA_NEEDS_SHARED(pictures, "images/tin_val_2000");
  FOVEA_NEEDS_PRECISION(Precision::kInt8);
  const test::TempFolder folder;
  const auto calibration = pictures_below(test::shared_dir() / "images/imagenet_200", 1, 4 * kStep);
  const Comparison comparison =
      compare_with_reference(quantized(test::source_dir() / "weights/vit_tiny_tin200", calibration, folder),
                             test::shared_dir() / "golden/vit_tiny_tin200", pictures);
  // 1 % and twice the standard deviation that so many pictures leave to chance.
  const double expected = 0.01 * static_cast<double>(comparison.pictures);
  EXPECT_LE(static_cast<double>(comparison.pictures - comparison.same), expected + 2 * std::sqrt(expected));
  EXPECT_GE(static_cast<double>(comparison.right),
            static_cast<double>(comparison.right_before) - 0.003 * static_cast<double>(comparison.pictures));
}

/// The 16 photographs of maps.json, explained: by photograph, and in it by method.
/// @param target  "top1" or "rank5": a key of maps.json
std::vector<std::vector<Heatmap>> explain_photographs(const std::vector<const char*>& methods,
                                                      const ExplainOptions& options, const char* target) {
  Runner run(test::shared_dir() / "models/deit_tiny_patch16_224");
  const auto files = lines_of(test::shared_dir() / "golden/deit_tiny/files.txt");
  std::ifstream stream(test::shared_dir() / "golden/deit_tiny/maps.json");
  MapPlan plan;
  for (const char* method : methods) plan.methods.push_back(&explain_method(method));
  plan.options = options;
  std::vector<std::vector<Heatmap>> heatmaps;
  const auto index = nlohmann::json::parse(stream);
  for (std::size_t i = 0; i < index.at("images").size(); i += kMapStep) {
    const nlohmann::json& image = index.at("images")[i];
    const fs::path file = files[image.at("index").get<std::size_t>()];
    std::vector<Heatmap>& of_image = heatmaps.emplace_back();
    for (ExplainedMap& map : run.explain(test::shared_dir() / "images/imagenet_200" / file, plan,
                                         {image.at(target).get<std::size_t>(), std::nullopt})) {
      of_image.push_back(std::move(map.heatmap));
    }
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

/// @param keys  of maps.safetensors, [16, 14, 14] each, in the order of the methods
void expect_maps(const std::vector<const char*>& methods, const ExplainOptions& options, const char* target,
                 const std::vector<std::string>& keys) {
  const auto maps = open_checkpoint(test::shared_dir() / "golden/deit_tiny/maps.safetensors");
  const auto heatmaps = explain_photographs(methods, options, target);
  ASSERT_EQ(heatmaps.size(), 16U / kMapStep);
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const auto reference = to_float(*maps->find(keys[m]));
    for (std::size_t i = 0; i < heatmaps.size(); ++i) {
      SCOPED_TRACE(testing::Message() << keys[m] << ", photograph " << i);
      expect_same_map(heatmaps[i][m], std::span<const float>(reference).subspan(i * kMapStep * 196, 196));
    }
  }
}

TEST(RealModels, RolloutOfDeitTinyEqualsTheReferencesMaps) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny");
  ExplainOptions options;
  expect_maps({"rollout"}, options, "top1", {"rollout_mean"});
  for (const auto& [name, fusion] : {std::pair{"max", HeadFusion::kMax}, {"min", HeadFusion::kMin}}) {
    options.head_fusion = fusion;
    options.renormalize = false;
    expect_maps({"rollout"}, options, "top1", {std::string("rollout_") + name});
    options.renormalize = true;
    expect_maps({"rollout"}, options, "top1", {std::string("rollout_") + name + "_renorm"});
  }
}

TEST(RealModels, ClassSpecificMapsOfDeitTinyEqualTheReferences) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny");
  for (const std::string target : {"top1", "rank5"}) {
    expect_maps({"generic", "grad-rollout", "grad-cam", "legrad"}, {}, target.c_str(),
                {"generic_" + target, "grad_rollout_" + target, "gradcam_" + target, "legrad_" + target});
    ExplainOptions last_two;
    last_two.start_block = 10;
    expect_maps({"legrad"}, last_two, target.c_str(), {"legrad_last2_" + target});
  }
}

TEST(RealModels, AttentionOfDeitTinyEqualsTheReferencesRowsInEveryBlock) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny");
  const auto maps = open_checkpoint(golden / "maps.safetensors");
  const auto reference = to_float(*maps->find("attn_cls_rows"));  // [16, 12, 197]
  for (const std::size_t block : {0U, 5U, 11U}) {
    ExplainOptions options;
    options.block = block;
    const auto heatmaps = explain_photographs({"attention"}, options, "top1");
    for (std::size_t i = 0; i < heatmaps.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "block " << block << ", photograph " << i);
      expect_same_map(heatmaps[i][0],
                      std::span<const float>(reference).subspan((i * kMapStep * 12 + block) * 197 + 1, 196));
    }
  }
}

}  // namespace
}  // namespace fovea
