#include "pipeline/maps/targets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"

namespace fovea {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<ClassLabel> kLabels{{"tabby, tabby cat", "n02123045"},
                                      {"espresso", "n07920052"},
                                      {"crane", "n02012849"},
                                      {"crane", "n03126707"},
                                      {std::nullopt, std::nullopt}};
const ClassSpace kClasses{kLabels};
const Logits kLogits{1, 5, 3, 4, 2};  // ranking: 1 3 2 4 0
const Input kInput{"photos/tabby/a.jpg", "a.jpg", std::nullopt};

Target only(std::size_t index) {
  return {index, std::nullopt};
}

std::vector<Target> targets(const std::vector<std::string>& texts, const std::optional<std::string>& against = {},
                            const Input& input = kInput) {
  std::vector<TargetRule> rules;
  for (const std::string& text : texts) rules.push_back(parse_target(text, against, kClasses));
  return targets_of(rules, kLogits, input, kClasses);
}

std::string refusal(ErrorCode code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(Targets, AreTheBestOrTheBestKOrNamed) {
  EXPECT_THAT(targets({"top1"}), ElementsAre(only(1)));
  EXPECT_THAT(targets({"top3"}), ElementsAre(only(1), only(3), only(2)));
  EXPECT_THAT(targets({"top99"}), testing::SizeIs(5));
  EXPECT_THAT(targets({"tabby cat"}), ElementsAre(only(0)));
  EXPECT_THAT(targets({"n03126707"}), ElementsAre(only(3)));
  EXPECT_THAT(targets({"4"}), ElementsAre(only(4)));
}

TEST(Targets, AppearOnceHoweverOftenTheyAreMeant) {
  EXPECT_THAT(targets({"top2", "espresso", "tabby", "0"}), ElementsAre(only(1), only(3), only(0)));
}

TEST(Targets, OneClassIsHeldAgainstAnother) {
  EXPECT_THAT(targets({"tabby"}, "espresso"), ElementsAre(Target{0, 1}));
  EXPECT_THAT(targets({"top1"}, "top2"), ElementsAre(Target{1, 3}));
  EXPECT_THAT(targets({"top3"}, "top2"), ElementsAre(Target{1, 3}, Target{2, 3}));
  EXPECT_EQ(target_stem(Target{0, 1}), "0-1");
  const ScoreSeed seed = score_seed({0, 1});
  ASSERT_EQ(seed.size(), 2U);
  EXPECT_EQ(seed[0].class_index, 0U);
  EXPECT_EQ(seed[0].weight, 1.0F);
  EXPECT_EQ(seed[1].class_index, 1U);
  EXPECT_EQ(seed[1].weight, -1.0F);
  EXPECT_EQ(described({0, 1}, kClasses).against->label, "espresso");
}

TEST(Targets, AClassIsNotHeldAgainstItself) {
  EXPECT_THAT(refusal(ErrorCode::kUsage, [] { (void)targets({"tabby"}, "n02123045"); }), HasSubstr("another class"));
  EXPECT_THAT(refusal(ErrorCode::kNotFound, [] { (void)targets({"espresso"}, "top1"); }),
              HasSubstr("photos/tabby/a.jpg: target is espresso"));
}

TEST(Targets, TrueIsTheFoldersName) {
  EXPECT_THAT(targets({"true"}), ElementsAre(only(0)));
  EXPECT_THAT(targets({"true"}, {}, {"n07920052/b.jpg", "b.jpg", std::nullopt}), ElementsAre(only(1)));
  const std::string message = refusal(ErrorCode::kNotFound, [] {
    (void)targets({"true"}, {}, {"photos/dogs/b.jpg", "b.jpg", std::nullopt});
  });
  EXPECT_THAT(message, HasSubstr("folder 'dogs' is no class"));
}

TEST(Targets, ANameThatFitsTwoClassesOrNoneIsRefused) {
  EXPECT_THAT(refusal(ErrorCode::kUsage, [] { (void)parse_target("crane", {}, kClasses); }),
              HasSubstr("matches 2 classes"));
  (void)refusal(ErrorCode::kUsage, [] { (void)parse_target("topmost", {}, kClasses); });
  (void)refusal(ErrorCode::kUsage, [] { (void)parse_target("top0", {}, kClasses); });
  (void)refusal(ErrorCode::kUsage, [] { (void)parse_target("5", {}, kClasses); });
}

}  // namespace
}  // namespace fovea
