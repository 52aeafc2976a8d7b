#include "model/config/labels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

/// The message and hint of the usage error that `step` must throw.
std::string usage_error(const std::function<void()>& step) {
  try {
    step();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return std::string(error.what()) + "\n" + error.hint();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST(Labels, LinesAreNamesWithOrWithoutAWordNetId) {
  const auto labels =
      parse_labels("\xEF\xBB\xBFn01440764 tench, Tinca tinca\r\nn01443537\tgoldfish\n\n red fox \nn02119789\n", "f");
  ASSERT_EQ(labels.size(), 5U);
  EXPECT_EQ(labels[0].synset, "n01440764");
  EXPECT_EQ(labels[0].description, "tench, Tinca tinca");
  EXPECT_EQ(labels[0].label(), "tench");
  EXPECT_EQ(labels[1].description, "goldfish");
  EXPECT_FALSE(labels[2].description) << "an empty line is a class without a name";
  EXPECT_EQ(labels[3].description, "red fox");
  EXPECT_FALSE(labels[3].synset);
  EXPECT_EQ(labels[4].synset, "n02119789");
  EXPECT_EQ(labels[4].description, "n02119789");
}

TEST(Labels, JsonIsAnArrayOrAMapFromIndexToName) {
  for (const char* text : {R"(["tench, Tinca tinca", null, "n02119789 fox"])",
                           R"({"1": null, "2": ["n02119789", "fox"], "0": "tench, Tinca tinca"})"}) {
    const auto labels = parse_labels(text, "f");
    ASSERT_EQ(labels.size(), 3U) << text;
    EXPECT_EQ(labels[0].label(), "tench");
    EXPECT_FALSE(labels[1].label());
    EXPECT_EQ(labels[2].synset, "n02119789");
    EXPECT_EQ(labels[2].label(), "fox");
  }
  EXPECT_THAT(usage_error([] { (void)parse_labels("[\"a\", true]", "f"); }), HasSubstr("class 1"));
  EXPECT_THAT(usage_error([] { (void)parse_labels(R"({"a": "0"})", "f"); }), HasSubstr("a key is 'a'"));
  EXPECT_THAT(usage_error([] { (void)parse_labels("[\"a\"", "f"); }), HasSubstr("begins like JSON"));
}

TEST(Labels, AMapMayLeaveOutClassesAndANumberIsAName) {
  const auto labels = parse_labels(R"({"0": 7, "2": "b"})", "f", 4);
  ASSERT_EQ(labels.size(), 4U);
  EXPECT_EQ(labels[0].label(), "7");
  EXPECT_FALSE(labels[1].label());
  EXPECT_EQ(labels[2].label(), "b");
  EXPECT_FALSE(labels[3].label());
  EXPECT_EQ(parse_labels("[0, 1]", "f", 4).size(), 2U) << "a list names every class";
  EXPECT_EQ(parse_labels(R"({"9": "a"})", "f", 4).size(), 10U) << "which is too many, and refused as such";
}

TEST(Labels, TheBuiltInListIsImageNets) {
  const auto& labels = imagenet1k_labels();
  ASSERT_EQ(labels.size(), 1000U);
  EXPECT_EQ(labels[0].synset, "n01440764");
  EXPECT_EQ(labels[281].label(), "tabby");
  EXPECT_EQ(labels[999].synset, "n15075141");
  std::set<std::string> synsets;
  for (const ClassLabel& label : labels) synsets.insert(label.synset.value());
  EXPECT_EQ(synsets.size(), 1000U);
}

TEST(Labels, TheUsersFileComesBeforeTheConfigBeforeTheBuiltInList) {
  const TempFolder folder;
  write_text(folder / "two.txt", "cat\ndog\n");
  const std::vector<ClassLabel> config(2, ClassLabel{"from config", {}});
  EXPECT_EQ(resolve_labels(folder / "two.txt", config, 2).labels[1].label(), "dog");
  EXPECT_EQ(resolve_labels(std::nullopt, config, 2).labels[1].label(), "from config");
  EXPECT_EQ(resolve_labels(std::nullopt, config, 2).source, "config.json");
  EXPECT_EQ(resolve_labels(std::nullopt, {}, 1000).labels[281].label(), "tabby");
  EXPECT_THAT(resolve_labels(std::nullopt, {}, 1000).source, HasSubstr("built-in"));
  const ClassNames unnamed = resolve_labels(std::nullopt, {}, 999);
  EXPECT_EQ(unnamed.labels.size(), 999U);
  EXPECT_FALSE(unnamed.labels[281].label());
  EXPECT_EQ(unnamed.source, "");
  const std::string refused = usage_error([&] { (void)resolve_labels(folder / "two.txt", config, 3); });
  EXPECT_THAT(refused, HasSubstr("is 2, expected 3"));
  EXPECT_THAT(usage_error([&] { (void)read_labels(folder / "none.txt"); }), HasSubstr("no such file"));
}

TEST(Labels, AClassIsNamedByIndexIdOrAnyOfItsNames) {
  const auto& labels = imagenet1k_labels();
  for (const char* word : {"0", "n01440764", "tench", "TINCA tinca", " tench ", "tench, Tinca tinca"}) {
    EXPECT_EQ(find_class(word, labels), 0U) << word;
  }
  EXPECT_EQ(find_class("n02012849", labels), 134U);
}

TEST(Labels, ANameOfTwoClassesListsThemAndAnUnknownOneIsCorrected) {
  const auto& labels = imagenet1k_labels();
  const std::string two = usage_error([&] { (void)find_class("crane", labels); });
  EXPECT_THAT(two, HasSubstr("134"));
  EXPECT_THAT(two, HasSubstr("517"));
  EXPECT_THAT(usage_error([&] { (void)find_class("goldfihs", labels); }), HasSubstr("did you mean 'goldfish'?"));
  EXPECT_THAT(usage_error([&] { (void)find_class("1000", labels); }), HasSubstr("0 to 999"));
  EXPECT_THAT(usage_error([&] { (void)find_class("", labels); }), HasSubstr("class is ''"));
}

}  // namespace
}  // namespace fovea::test
