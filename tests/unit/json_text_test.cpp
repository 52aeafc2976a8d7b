#include "base/json_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fovea::test {
namespace {

TEST(JsonText, QuotesTextSoThatAnyBytesAreValidJson) {
  EXPECT_EQ(json_quoted("plain"), R"("plain")");
  EXPECT_EQ(json_quoted("a\"b\\c\n"), R"("a\"b\\c\u000a")");
  EXPECT_EQ(json_quoted("\xff"), "\"\xEF\xBF\xBD\"");
}

TEST(JsonText, WritesNumbersInTheirShortestFormAndNullForWhatJsonLacks) {
  EXPECT_EQ(json_number(0.1F), "0.1");
  EXPECT_EQ(json_number(100.0), "100");
  EXPECT_EQ(json_number(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(json_number(-std::numeric_limits<float>::infinity()), "null");
}

TEST(JsonText, KeepsTheOrderOfKeysAndNestsObjectsOnOneLine) {
  JsonObject inner;
  inner.add("z", true).add("a", 1);
  JsonObject outer;
  outer.add("text", "t").add("inner", inner).add_raw("list", json_array({"1", "null"}));
  EXPECT_EQ(outer.line(), R"({"text": "t", "inner": {"z": true, "a": 1}, "list": [1, null]})");
  EXPECT_EQ(outer.lines(), "{\n  \"text\": \"t\",\n  \"inner\": {\"z\": true, \"a\": 1},\n  \"list\": [1, null]\n}\n");
}

}  // namespace
}  // namespace fovea::test
