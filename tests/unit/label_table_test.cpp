// imagefolder's tables of labels, and the perceptual hash.
#include "report/files/label_table.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>

#include "fovea/error.hpp"
#include "fovea/image.hpp"
#include "image/preprocess/difference_hash.hpp"
#include "support/sample_images.hpp"

namespace fovea {
namespace {

template <typename Read>
std::string refusal(const Read& read) {
  try {
    (void)read();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LabelTable, ReadsCsvWithQuotesOtherColumnsAndTheLineEndsOfWindows) {
  const LabelTable table = labels_from_csv(
      "\xEF\xBB\xBFlabel,note,file_name\r\n\"a \"\"b\"\", c\",\"x\ny\",1.png\r\nnut,,sub/2.png\r\n\r\n", "m.csv");
  EXPECT_EQ(table, (LabelTable{{"1.png", "a \"b\", c"}, {"sub/2.png", "nut"}}));
}

TEST(LabelTable, ReadsJsonLinesWhoseLabelsMayBeNumbers) {
  const LabelTable table = labels_from_jsonl(
      "{\"file_name\": \"1.png\", \"label\": 3, \"other\": [1]}\n\n{\"label\": \"nut\", \"file_name\": \"2.png\"}",
      "m.jsonl");
  EXPECT_EQ(table, (LabelTable{{"1.png", "3"}, {"2.png", "nut"}}));
}

TEST(LabelTable, SaysWhatIsWrongAndWhere) {
  const auto csv = [](const char* text) { return refusal([&] { return labels_from_csv(text, "m.csv"); }); };
  const auto jsonl = [](const char* text) { return refusal([&] { return labels_from_jsonl(text, "m.jsonl"); }); };
  EXPECT_EQ(csv("name,label\n"), "m.csv: the columns are 'name', 'label', expected 'file_name' among them");
  EXPECT_EQ(csv("file_name,label\na,b\nc\n"), "m.csv: row 3 has 1 fields, expected 2");
  EXPECT_EQ(csv("file_name,label\na,\n"), "m.csv: the label of 'a' is empty, expected a class");
  EXPECT_EQ(csv("file_name,label\na,b\na,c\n"), "m.csv: 'a' has the labels 'b' and 'c', expected one");
  EXPECT_EQ(csv("file_name,label\n\"a,b\n"), "m.csv: a field in quotation marks has no end");
  EXPECT_EQ(jsonl("{\"file_name\": \"a\"}"), "m.jsonl: line 1 has no text 'label'");
  EXPECT_EQ(jsonl("nonsense"), "m.jsonl: line 1 has no text 'file_name'");
}

TEST(DifferenceHash, IsNearlyTheSameForAPictureOfAnotherSizeAndFarFromOthers) {
  Image large({96, 144});
  Image small({32, 48});
  for (Image* image : {&large, &small}) {
    const Size size = image->size();
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < 3 * size.width; ++x) {
        const double across = static_cast<double>(x / 3) / size.width;
        const double down = static_cast<double>(y) / size.height;
        image->row(y)[x] = static_cast<std::uint8_t>(255 * across * (1 - down) + 90 * down * (across < 0.5 ? 1 : 0));
      }
    }
  }
  EXPECT_LE(std::popcount(difference_hash(large) ^ difference_hash(small)), 3);
  EXPECT_GE(std::popcount(difference_hash(large) ^ difference_hash(test::random_image({96, 144}, 1))), 15);
  EXPECT_EQ(difference_hash(Image({1, 1})), 0U);
}

}  // namespace
}  // namespace fovea
