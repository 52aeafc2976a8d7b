#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/mapped_file.hpp"
#include "base/numerics.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using testing::ElementsAre;

TEST(Softmax, RowSumsToOneEvenWhenLogitsAreHuge) {
  std::vector<float> logits{1000.0F, 1001.0F, 999.0F};
  softmax(logits);
  EXPECT_NEAR(std::accumulate(logits.begin(), logits.end(), 0.0F), 1.0F, 1e-6F);
  EXPECT_NEAR(logits[1], 0.66524F, 1e-5F);
}

TEST(Softmax, OfNothingIsNothing) {
  std::vector<float> none;
  softmax(none);
  EXPECT_TRUE(none.empty());
}

TEST(TopK, IsSortedBreaksTiesByIndexAndIsCutToTheSize) {
  const std::vector<float> values{1, 5, 3, 5};
  EXPECT_THAT(top_k(values, 3), ElementsAre(1, 3, 2));
  EXPECT_THAT(top_k(values, 9), ElementsAre(1, 3, 2, 0));
  EXPECT_TRUE(top_k(values, 0).empty());
}

TEST(Quantile, InterpolatesAsNumpyDoes) {
  const std::vector<double> values{4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 3.7);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 4);
}

/// IEEE 754 by its definition.
double half_value(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1F;
  const int mantissa = half & 0x3FF;
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31)
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(HalfToFloat, IsExactForAll65536Values) {
  std::vector<std::uint16_t> halves(65536);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  std::vector<float> floats(halves.size());
  half_to_float(halves, floats);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const double wanted = half_value(halves[i]);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(floats[i])) << i;
    } else {
      ASSERT_EQ(double(floats[i]), wanted) << i;
      ASSERT_EQ(std::signbit(floats[i]), std::signbit(wanted)) << i;
    }
  }
}

TEST(Bfloat16ToFloat, IsTheUpperHalfOfAFloat) {
  const std::vector<std::uint16_t> narrow{0x3F80, 0xC000, 0x7F80};
  std::vector<float> wide(3);
  bfloat16_to_float(narrow, wide);
  EXPECT_THAT(wide, ElementsAre(1.0F, -2.0F, std::numeric_limits<float>::infinity()));
}

TEST(NaturalOrder, CountsNumbersAndIsTotal) {
  EXPECT_TRUE(natural_less("img2.jpg", "img10.jpg"));
  EXPECT_FALSE(natural_less("img10.jpg", "img2.jpg"));
  EXPECT_TRUE(natural_less("a", "b"));
  EXPECT_TRUE(natural_less("a", "a1"));
  EXPECT_TRUE(natural_less("a01", "a1") != natural_less("a1", "a01"));
  EXPECT_FALSE(natural_less("x", "x"));
  EXPECT_TRUE(natural_less("a99999999999999999999998", "a99999999999999999999999"));
}

TEST(DidYouMean, NamesTheNearestOrElseAll) {
  const std::vector<std::string> names{"rollout", "attention"};
  EXPECT_EQ(nearest("rolout", names), "rollout");
  EXPECT_EQ(nearest("zzz", names), std::nullopt);
  EXPECT_EQ(nearest("jsno", std::vector<std::string>{"text", "json"}), "json");  // two letters changed places
  EXPECT_EQ(did_you_mean("atention", names), "did you mean 'attention'?");
  EXPECT_EQ(did_you_mean("zzz", names), "one of rollout, attention");
}

TEST(Utf8, KnowsWellFormedSequences) {
  EXPECT_TRUE(is_utf8("Käse \xF0\x9F\x90\x88"));
  EXPECT_FALSE(is_utf8("\xC0\xAF"));          // overlong
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xE2\x82"));          // cut short
  EXPECT_EQ(to_utf8("a\xFF"
                    "b\xE2\x82"),
            "a\uFFFD"
            "b\uFFFD\uFFFD");
}

TEST(Base64, PadsAsTheStandardSays) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xFF\xFE"), "//4=");
}

ErrorCode read_error(const std::filesystem::path& path) {
  try {
    (void)read_file(path);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kUsage;
}

TEST(ReadFile, NeverHangsAndSaysWhatItMet) {
  const test::TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink(folder / "nowhere", folder / "dangling");
  EXPECT_EQ(read_error(folder / "fifo"), ErrorCode::kUnreadable);
  EXPECT_EQ(read_error(folder.path()), ErrorCode::kUnreadable);
  EXPECT_EQ(read_error("/dev/null"), ErrorCode::kUnreadable);
  EXPECT_EQ(read_error(folder / "dangling"), ErrorCode::kNotFound);
  EXPECT_EQ(read_error(folder / "missing"), ErrorCode::kNotFound);
}

TEST(ReadFile, ReturnsWhatReplaceFileWrote) {
  const test::TempFolder folder;
  const std::string content("a\0b\n", 4);
  replace_file(folder / "sub/dir/file", content);
  EXPECT_EQ(read_text_file(folder / "sub/dir/file"), content);
  replace_file(folder / "sub/dir/file", std::string_view("shorter"));
  EXPECT_EQ(read_text_file(folder / "sub/dir/file"), "shorter");
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / "sub/dir")) ++files;
  EXPECT_EQ(files, 1U);  // no temporary file is left
}

TEST(ReplaceFile, NamesTheFileThatIsInTheWay) {
  const test::TempFolder folder;
  std::ofstream(folder / "file") << "x";
  try {
    replace_file(folder / "file/below", std::string_view("y"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutput);
    EXPECT_NE(std::string(error.what()).find("is a file, expected a folder"), std::string::npos) << error.what();
  }
}

TEST(MappedFile, IsEmptyForAnEmptyFileAndMovable) {
  const test::TempFolder folder;
  std::ofstream(folder / "empty");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
  std::ofstream(folder / "one") << "1";
  MappedFile first(folder / "one");
  const MappedFile second(std::move(first));
  EXPECT_EQ(second.bytes().size(), 1U);
}

TEST(Printable, EscapesControlCharactersAndWhatIsNotUtf8) {
  EXPECT_EQ(printable("a b\n"), "a b\\x0a");
  EXPECT_EQ(printable("k\xC3\xA4se"), "k\xC3\xA4se");
  EXPECT_EQ(printable("\xFFx"), "\\xffx");
  EXPECT_EQ(printable("\xC2\x9B"
                      "1m"),
            "\\xc2\\x9b1m");  // a terminal's escape in one character
}

}  // namespace
}  // namespace fovea
