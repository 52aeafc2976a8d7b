#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

Record cat_row() {
  Record record;
  record.path = "samples/chelsea.jpg";
  record.size = {300, 451};
  record.predictions = {{32, "Egyptian cat", "n02124075", 0.452F}, {31, "tabby", {}, 0.0871F}, {7, {}, {}, 1.0F}};
  return record;
}

Record broken_row() {
  Record record;
  record.index = 1;
  record.path = "broken.jpg";
  record.failure = Failure{ErrorCode::kDecode, "broken.jpg: JPEG is cut short, expected 300 rows", "copy it again"};
  return record;
}

std::string written(std::initializer_list<Record> records, const Summary& summary, const ReportOptions& options = {}) {
  std::ostringstream out;
  const auto writer = report_format("text").make(out, options);
  for (const Record& record : records) writer->write(record);
  writer->finish(summary);
  return out.str();
}

TEST(TextReport, IsABlockForEachInputWithItsNumbersInOneColumn) {
  EXPECT_EQ(written({cat_row()}, {.succeeded = 1, .failed = 0, .interrupted = false}),
            "samples/chelsea.jpg  451 x 300\n"
            "   45.2 %  Egyptian cat\n"
            "    8.7 %  tabby\n"
            "  100.0 %  class 7\n");
}

TEST(TextReport, PrintsTheValueOfARegression) {
  Record record = cat_row();
  record.predictions = {{0, "age", {}, 0.0F, 41.53F}, {1, {}, {}, 0.0F, -0.25F}};
  EXPECT_EQ(written({record}, {.succeeded = 1, .failed = 0, .interrupted = false}),
            "samples/chelsea.jpg  451 x 300\n"
            "      41.53  age\n"
            "      -0.25  class 1\n");
}

TEST(TextReport, CountsWhereThereIsMoreThanOneInput) {
  const std::string text = written({cat_row(), broken_row()}, {.succeeded = 1, .failed = 1, .interrupted = false});
  EXPECT_THAT(text, HasSubstr("broken.jpg\n"
                              "  failed (decode): broken.jpg: JPEG is cut short, expected 300 rows\n"
                              "  hint: copy it again\n"));
  EXPECT_TRUE(text.ends_with("\n\n1 done, 1 failed\n")) << text;
}

TEST(TextReport, SaysThatItWasInterrupted) {
  EXPECT_TRUE(
      written({cat_row()}, {.succeeded = 1, .failed = 0, .interrupted = true}).ends_with("1 done, interrupted\n"));
}

TEST(TextReport, IsOneLineForEachInputWhereOneClassIsAskedFor) {
  Record record = cat_row();
  record.predictions.resize(1);
  EXPECT_EQ(written({record}, {.succeeded = 1, .failed = 0, .interrupted = false}, {.top_k = 1, .color = false}),
            "samples/chelsea.jpg   45.2 %  Egyptian cat\n");
}

TEST(TextReport, NamesEveryMapWithItsVariant) {
  Record record = cat_row();
  record.maps.push_back({.method = "rollout",
                         .variant = "mean heads, residual 0.5",
                         .target = {},
                         .overlay = "chelsea.jpg.rollout.png",
                         .map = "chelsea.jpg.rollout.npy"});
  const std::string text = written({record}, {});
  EXPECT_THAT(text, HasSubstr("  rollout (mean heads, residual 0.5)  chelsea.jpg.rollout.png\n"
                              "  rollout (mean heads, residual 0.5)  chelsea.jpg.rollout.npy\n"));
}

TEST(TextReport, ColoursOnlyWhenAskedTo) {
  const Summary summary{.succeeded = 1, .failed = 1, .interrupted = true};
  EXPECT_THAT(written({cat_row(), broken_row()}, summary), Not(HasSubstr("\033")));
  EXPECT_THAT(written({cat_row(), broken_row()}, summary, {.top_k = 5, .color = true}),
              HasSubstr("\033[1;31mfailed\033[0m"));
}

TEST(TextReport, LetsNoNameLabelOrMessageReachTheTerminalAsAControlCharacter) {
  Record record = cat_row();
  record.path = "a\nb\033[2J\xFF.jpg";
  record.predictions[0].label = "cat\033[31m";
  Record failed = broken_row();
  failed.path = record.path;
  failed.failure->message = record.path + ": bad";
  failed.failure->hint = "try \a";
  const std::string text = written({record, failed}, {});
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(text, Not(HasSubstr("\a")));
  EXPECT_THAT(text, Not(HasSubstr("\xFF")));
  EXPECT_THAT(text, HasSubstr("a\\x0ab\\x1b[2J\\xff.jpg  451 x 300\n"));
}

}  // namespace
}  // namespace fovea
