// Attention in bytes, and the page around it.
#include "report/explore/explore_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "base/text.hpp"
#include "report/explore/packed_attention.hpp"
#include "report/pages/html.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

/// What the page's script makes of it: [blocks, H, N, N].
std::vector<float> unpacked(const PackedAttention& packed, std::size_t blocks) {
  const std::size_t rows = blocks * packed.num_heads * packed.tokens;
  std::vector<unsigned char> plain(rows * (4 + packed.tokens));
  uLongf size = plain.size();
  const auto* deflated = reinterpret_cast<const Bytef*>(packed.deflated.data());
  EXPECT_EQ(uncompress(plain.data(), &size, deflated, packed.deflated.size()), Z_OK);
  EXPECT_EQ(size, plain.size());
  std::vector<float> weights(rows * packed.tokens);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    float maximum = 0;
    std::memcpy(&maximum, plain.data() + 4 * (i / packed.tokens), 4);
    weights[i] = maximum * static_cast<float>(plain[4 * rows + i]) / 255;
  }
  return weights;
}

std::vector<float> random_rows(std::size_t rows, std::size_t width, unsigned seed) {
  std::mt19937 random(seed);
  std::gamma_distribution<float> peaked(0.1F);
  std::vector<float> weights(rows * width);
  for (float& weight : weights) weight = peaked(random);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(r * width);
    float sum = 1e-6F;
    for (std::size_t i = 0; i < width; ++i) sum += begin[static_cast<std::ptrdiff_t>(i)];
    for (std::size_t i = 0; i < width; ++i) begin[static_cast<std::ptrdiff_t>(i)] /= sum;
  }
  return weights;
}

void expect_within_steps(const std::vector<float>& actual, const std::vector<float>& expected, std::size_t width) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto row = expected.begin() + static_cast<std::ptrdiff_t>(i / width * width);
    const float maximum = *std::max_element(row, row + static_cast<std::ptrdiff_t>(width));
    ASSERT_NEAR(actual[i], expected[i], 0.501F * maximum / 255) << "value " << i;
  }
}

TEST(PackedAttentionOfARow, IsWithinHalfAStepOfEveryWeight) {
  for (const std::size_t tokens : {1U, 2U, 15U, 16U, 17U, 50U}) {
    for (const std::size_t heads : {1U, 3U}) {
      std::vector<float> all;
      AttentionPacker packer(false);
      for (std::size_t block = 0; block < 3; ++block) {
        const std::vector<float> weights = random_rows(heads * tokens, tokens, static_cast<unsigned>(block + tokens));
        packer.add({block, heads, tokens, weights});
        all.insert(all.end(), weights.begin(), weights.end());
      }
      const PackedAttention packed = packer.pack();
      EXPECT_EQ(packed.num_heads, heads);
      EXPECT_EQ(packed.tokens, tokens);
      expect_within_steps(unpacked(packed, 3), all, tokens);
    }
  }
}

TEST(PackedAttentionOfARow, OfTheMeanOverHeadsIsTheMeansOwn) {
  const std::size_t tokens = 7;
  const std::vector<float> weights = random_rows(4 * tokens, tokens, 5);
  std::vector<float> mean(tokens * tokens);
  for (std::size_t i = 0; i < weights.size(); ++i) mean[i % mean.size()] += weights[i] / 4;
  AttentionPacker packer(true);
  packer.add({0, 4, tokens, weights});
  const PackedAttention packed = packer.pack();
  EXPECT_EQ(packed.num_heads, 1U);
  expect_within_steps(unpacked(packed, 1), mean, tokens);
}

TEST(PackedAttentionOfARow, KeepsTheLargestAndTheZerosAndSurvivesWhatIsNoAttention) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> weights{0.7F, 0.3F, 0, 0, 0, 0, nan, 0.5F, -1};
  AttentionPacker packer(false);
  packer.add({0, 1, 3, weights});
  const std::vector<float> back = unpacked(packer.pack(), 1);
  EXPECT_EQ(back[0], 0.7F);
  EXPECT_THAT(std::vector<float>(back.begin() + 2, back.begin() + 7), testing::Each(0.0F));
  EXPECT_EQ(back[7], 0.5F);
  EXPECT_EQ(back[8], 0.0F);
  AttentionPacker broken(false);
  broken.add({0, 1, 1, std::vector<float>{inf}});
  EXPECT_EQ(broken.pack().tokens, 1U);
}

/// The text of the first element that begins so, ended where a browser ends it.
std::string element(const std::string& html, const std::string& open) {
  const std::size_t begin = html.find(open);
  EXPECT_NE(begin, std::string::npos) << open;
  return html.substr(begin + open.size(), html.find("</script", begin) - begin - open.size());
}
Json content_of(const std::string& section) {
  return Json::parse(element(section, R"(<script type="application/json" class="picture">)"));
}

ExplorePicture some_picture() {
  ExplorePicture picture;
  picture.record.index = 4;
  picture.record.path = "a/</script>\xFF<!--.jpg";
  picture.record.size = {30, 40};
  picture.record.predictions = {{3, "</script><b>", {}, 0.5F}, {1, {}, {}, 0.25F}};
  picture.jpeg = {std::byte{0xFF}, std::byte{0xD8}};
  picture.maps = {{"rollout", "attention rollout", "mean heads", "Where.", std::nullopt, {-1, 0, 0.5F, 3}},
                  {"generic", "generic attention", "v", "Why.", MapTarget{3, "cat", MapContrast{1, {}}}, {2, 2, 2, 2}}};
  return picture;
}

TEST(ExploreSection, SaysThePictureItsClassesAndItsMaps) {
  const Json content = content_of(explore_section(some_picture()));
  EXPECT_EQ(content["index"], 4);
  EXPECT_EQ(content["width"], 40);
  EXPECT_EQ(content["predictions"].dump(), R"([["</script><b>",0.5,3],["class 1",0.25,1]])");
  EXPECT_EQ(content["image"], "data:image/jpeg;base64,/9g=");
  ASSERT_EQ(content["maps"].size(), 2U);
  EXPECT_EQ(content["maps"][0].count("target"), 0U);
  EXPECT_EQ(content["maps"][1]["target"].dump(), R"(["cat rather than class 1",3])");
}

TEST(ExploreSection, MapsAreWithinHalfAStepOfTheirRange) {
  const Json maps = content_of(explore_section(some_picture()))["maps"];
  EXPECT_EQ(maps[0]["low"], -1);
  EXPECT_EQ(maps[0]["high"], 3);
  EXPECT_EQ(maps[0]["values"], base64(std::string("\x00\x40\x60\xFF", 4))) << "-1, 0, 0.5 and 3 of -1 to 3";
  EXPECT_EQ(maps[1]["values"], base64(std::string(4, '\0'))) << "a map that is the same everywhere";
}

TEST(ExploreSection, ContributionsAreExactSumsAndFieldsWithinHalfAStep) {
  ExplorePicture picture = some_picture();
  EXPECT_EQ(content_of(explore_section(picture)).count("why"), 0U);
  BlockContributions block{.block = 3,
                           .patches = {-2, 0, 1, 0.5F},
                           .prefix = {0.75, -0.25},
                           .biases = 1.5,
                           .earlier = 0.25,
                           .heads = {0, 0, 0, 0, 0.1F, -0.2F, 0.3F, 0.4F},
                           .heads_prefix = {0, -1}};
  picture.contributions = {{MapTarget{3, "cat", std::nullopt}, 2.5, {block}},
                           {MapTarget{3, "cat", MapContrast{1, {}}}, 1, {}}};
  const Json why = content_of(explore_section(picture))["why"];
  ASSERT_EQ(why.size(), 2U);
  EXPECT_EQ(why[0]["target"].dump(), R"(["cat",3])");
  EXPECT_EQ(why[0]["contrast"], false);
  EXPECT_EQ(why[1]["contrast"], true);
  EXPECT_EQ(why[0]["score"], 2.5);
  EXPECT_EQ(why[0]["blocks"][0]["patches"], -0.5);
  EXPECT_EQ(why[0]["blocks"][0]["prefix"], Json({1.0, -0.25})) << "class tokens that are read earlier count as theirs";
  EXPECT_EQ(why[0]["blocks"][0]["biases"], 1.5);
  EXPECT_EQ(why[0]["blocks"][0]["heads"][0], Json({0.0, 0.0}));
  EXPECT_NEAR(why[0]["blocks"][0]["heads"][1][0].get<double>(), 0.6, 1e-6);
  EXPECT_EQ(why[0]["maxima"].size(), 3U) << "the terms, and two heads";
  EXPECT_EQ(why[0]["steps"], base64(std::string("\x81\x00\x40\x20"
                                                "\x00\x00\x00\x00"
                                                "\x20\xC0\x5F\x7F",
                                                12)))
      << "in 127 steps from 0 to a field's largest value";
}

TEST(ExploreSection, NamesAndLabelsCannotEndTheirElement) {
  const std::string section = explore_section(some_picture());
  EXPECT_EQ(content_of(section)["path"], "a/</script>\xEF\xBF\xBD<!--.jpg");
  std::size_t ends = 0;
  for (std::size_t at = 0; (at = section.find("</script", at)) != std::string::npos; ++at) ++ends;
  EXPECT_EQ(ends, 2U) << "of the picture and of its attention";
  EXPECT_THAT(section, Not(HasSubstr("<!--")));
}

TEST(ExploreSection, OfAFailureSaysWhatIsWrongAndHasNoAttention) {
  ExplorePicture failed;
  failed.record.path = "b.jpg";
  failed.record.failure = Failure{ErrorCode::kNotFound, "b.jpg: is <not> there", "look again"};
  const std::string section = explore_section(failed);
  const Json content = content_of(section);
  EXPECT_EQ(content["failure"].dump(), R"({"code":"not_found","hint":"look again","message":"b.jpg: is <not> there"})");
  EXPECT_EQ(content.count("maps"), 0U);
  EXPECT_EQ(element(section, R"(<script type="text/plain" class="attention">)"), "");
}

TEST(ExplorePageFile, IsWholeAndForbidsItselfTheNetwork) {
  ExploreHeading heading;
  heading.model_name = "{{script}} </script>";
  heading.prefix_tokens = {"class token"};
  heading.grid = {2, 3};
  heading.network_input = {35, 50};
  heading.patch_size = 16;
  heading.blocks = {0, 1};
  const std::string html = explore_beginning(heading) + explore_end();
  const Json content = Json::parse(element(html, R"(<script type="application/json" id="heading">)"));
  EXPECT_EQ(content["model"], "{{script}} </script>");
  EXPECT_FLOAT_EQ(content["covered"][0], 32.0F / 35) << "rows behind the last whole patch belong to none";
  EXPECT_FLOAT_EQ(content["covered"][1], 48.0F / 50);
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  for (const char* loads : {"https:", "<link rel=\"stylesheet\"", "<script src", "@import", "fetch("}) {
    EXPECT_THAT(html, Not(HasSubstr(loads)));
  }
  EXPECT_THAT(html, testing::EndsWith("</html>\n"));
}

TEST(FillPage, PutsPartsInWithoutSearchingThemForMarks) {
  EXPECT_EQ(fill_page("<{{a}}|{{b}}>", {{"{{a}}", "{{b}}"}, {"{{b}}", "B"}}), "<{{b}}|B>");
  EXPECT_EQ(script_safe("a</b><!--"), "a\\u003c/b>\\u003c!--");
}

}  // namespace
}  // namespace fovea
