// Every family with a learned head: scores are those of the head on the backbone's own features, and class-specific
// maps follow the same gradients as the backbone's do for a score of its features.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/json_text.hpp"
#include "base/pending_file.hpp"
#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "model/config/checkpoint_folder.hpp"
#include "model/learned/learned_writer.hpp"
#include "model/learned/text_directions.hpp"
#include "support/normal_values.hpp"
#include "support/pictures.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> all_families() {
  std::vector<std::string> names;
  for (const char* kind : {"families", "features"}) {
    for (const auto& entry : fs::directory_iterator(test::source_dir() / "tests/golden" / kind)) {
      if (entry.is_directory()) names.push_back(std::string(kind) + "/" + entry.path().filename().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

constexpr std::size_t kClasses = 4;
constexpr double kTemperature = 1.75;

LearnedHead random_head(std::size_t width) {
  LearnedHead head;
  head.classes = {"bolt", "cog", "nut", "n02123045"};
  head.weight = test::normal_values(kClasses * width, 5);
  head.bias = test::normal_values(kClasses, 6);
  head.temperature = kTemperature;
  return head;
}

/// All blocks' gradients, last first.
template <typename Score>
std::vector<float> gradients_of(Session& session, const std::vector<float>& patches, const Score& score) {
  ForwardRequest kept;
  kept.keep_for_gradients = true;
  (void)session.forward(patches, kept);
  std::vector<float> all;
  GradientRequest request;
  request.attention = [&](const AttentionView&, std::span<const float> gradient) {
    all.insert(all.end(), gradient.begin(), gradient.end());
  };
  session.gradients(score, request);
  return all;
}

class LearnedFamily : public testing::TestWithParam<std::string> {};

TEST_P(LearnedFamily, ScoresWithTheLearnedHead) {
  const fs::path folder = test::source_dir() / "tests/golden" / GetParam();
  LoadOptions options;
  options.precision = Precision::kF32;
  if (GetParam().find("naflex") != std::string::npos) options.image_size = Size{64, 64};
  const auto backbone = VisionTransformer::load(folder, options);
  const Architecture& a = backbone->architecture();
  const LearnedHead head = random_head(a.pooled_dim());
  const test::TempFolder temp;
  PendingFile file(temp / "learned.safetensors");
  write_learned(open_model(folder, options), head, {}, file);
  file.commit();
  const auto learned = VisionTransformer::load(temp / "learned.safetensors", options);
  ASSERT_EQ(learned->architecture().num_classes, kClasses);
  EXPECT_EQ(learned->info().labels[1].label(), "cog");
  EXPECT_EQ(learned->info().labels[3].synset, "n02123045");
  EXPECT_EQ(learned->info().recipe_source.empty(), backbone->info().recipe_source.empty());

  const std::vector<float> patches = test::normal_values(a.grid().size() * a.patch_dim(), 9);
  Session before(backbone, 1);
  Session after(learned, 1);
  const ForwardResult features = before.forward(patches).front();
  const ForwardResult result = after.forward(patches).front();
  const bool two_heads = a.read_out == ReadOut::kClassAndDistToken;
  const std::vector<float>& read = two_heads ? features.features : features.pooled;
  for (std::size_t c = 0; c < kClasses; ++c) {
    double score = head.bias[c];
    for (std::size_t j = 0; j < read.size(); ++j) score += double(head.weight[c * read.size() + j]) * double(read[j]);
    EXPECT_NEAR(result.logits[c], score / kTemperature, 1e-4 * (1 + std::fabs(score)));
  }
  if (two_heads || a.projection_dim > 0) return;  // what the backbone calls features is not what the head reads

  constexpr std::size_t kTarget = 2;
  const OutputScore of_features{OutputScore::Reads::kFeatures, [&](std::span<const float>, std::span<float> gradient) {
                                  for (std::size_t j = 0; j < gradient.size(); ++j) {
                                    gradient[j] = head.weight[kTarget * gradient.size() + j] / float(kTemperature);
                                  }
                                }};
  const std::vector<float> expected = gradients_of(before, patches, of_features);
  const std::vector<float> actual = gradients_of(after, patches, ScoreSeed{{kTarget, 1.0F}});
  ASSERT_EQ(actual.size(), expected.size());
  const float largest = std::fabs(*std::ranges::max_element(expected, {}, [](float g) { return std::fabs(g); }));
  for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 2e-5F * largest);
}

TEST_P(LearnedFamily, HasTextsAsALinearHead) {
  const fs::path folder = test::source_dir() / "tests/golden" / GetParam();
  LoadOptions options;
  options.precision = Precision::kF32;
  if (GetParam().find("naflex") != std::string::npos) options.image_size = Size{64, 64};
  const auto backbone = VisionTransformer::load(folder, options);
  const Architecture& a = backbone->architecture();
  if (a.read_out == ReadOut::kClassAndDistToken) return;  // no tower for texts has two heads
  const ForwardResult result =
      Session(backbone, 1).forward(test::normal_values(a.grid().size() * a.patch_dim(), 9)).front();
  for (const std::vector<float>& image : {result.features, result.logits}) {
    if (image.empty() || (&image != &result.features && a.num_classes == a.feature_dim())) continue;
    TextEmbeddings text{"texts", image.size(), test::normal_values(3 * image.size(), 11), {}};
    text.labels.resize(3);
    const std::vector<std::size_t> rows{2, 0};
    const TextDirections directions = text_directions(open_model(folder, options), text, rows);
    ASSERT_EQ(directions.weight.size(), rows.size() * a.pooled_dim());
    for (std::size_t c = 0; c < rows.size(); ++c) {
      double expected = 0;
      double squares = 0;
      for (std::size_t j = 0; j < image.size(); ++j) {
        const double value = text.rows[rows[c] * image.size() + j];
        expected += value * double(image[j]);
        squares += value * value;
      }
      double actual = directions.bias[c];
      for (std::size_t j = 0; j < a.pooled_dim(); ++j) {
        actual += double(directions.weight[c * a.pooled_dim() + j]) * double(result.pooled[j]);
      }
      EXPECT_NEAR(actual, expected / std::sqrt(squares), 1e-4 * (1 + std::fabs(expected)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, LearnedFamily, testing::ValuesIn(all_families()), [](const auto& chosen) {
  std::string name = chosen.param;
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

class LearnedFile : public testing::Test {
 protected:
  /// What is said of a file in whose header `from` is replaced by a text of the same length.
  std::string refusal(const std::string& from, const std::string& to) {
    const fs::path folder = test::source_dir() / "tests/golden/families/timm_qk_norm";
    const OpenModel model = open_model(folder);
    LearnedHead head = random_head(model.info.architecture.pooled_dim());
    head.unknown = UnknownRule{UnknownRule::By::kEnergy, 0.5, 0.05, {}, {}, {}, {0.5F}, {0.5F}};
    head.unknown->neighbours.assign(model.info.architecture.pooled_dim(), 0.1F);
    PendingFile file(temp_ / "learned.safetensors");
    write_learned(model, head, {}, file);
    file.commit();
    std::string bytes = test::read_text(temp_ / "learned.safetensors");
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    test::write_text(temp_ / "learned.safetensors", bytes.replace(at, from.size(), to));
    try {
      (void)inspect_model(temp_ / "learned.safetensors");
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  test::TempFolder temp_;
};

TEST_F(LearnedFile, IsTakenAsItWasWritten) {
  EXPECT_EQ(refusal("fovea.learned", "fovea.learned"), "accepted");
}

TEST_F(LearnedFile, IsRefusedByTheNameOfWhatFoveaDoesNotKnow) {
  EXPECT_NE(refusal("1.75", "-1.7").find("fovea.temperature is '-1.7', expected a number above 0"), std::string::npos);
  EXPECT_NE(refusal("energy", "enerqy").find("by is 'enerqy', expected one of energy, distance"), std::string::npos);
  EXPECT_NE(refusal("threshold", "threshole").find("fovea.unknown.threshole is 0.5, which fovea does not know"),
            std::string::npos);
  EXPECT_NE(refusal("class_token", "class_taken").find("read_out is 'class_taken', expected one of class_token"),
            std::string::npos);
}

}  // namespace
}  // namespace fovea
