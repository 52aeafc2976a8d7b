#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "report/files/documents.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

Record full_record() {
  Record record;
  record.index = 41;
  record.path = "caf\xE9/\xFF\n\"quoted\" <b>.jpg";  // Latin-1, not UTF-8
  record.size = {300, 451};
  record.predictions = {{32, "Egyptian cat", "n02124075", 0.1F + 0.2F}, {1, {}, {}, 1e-12F}};
  record.maps = {{.method = "rollout",
                  .variant = "mean heads, residual 0.5",
                  .target = {},
                  .overlay = "overlays/caf\xE9.png",
                  .map = {}},
                 {.method = "generic",
                  .variant = "positive",
                  .target = MapTarget{32, "Egyptian cat"},
                  .overlay = {},
                  .map = "overlays/x.npy"}};
  record.thumbnail = "thumbnails/\xF0.jpg";
  record.source = SourceStamp{std::numeric_limits<std::uint64_t>::max(), -1, "run"};
  return record;
}

void expect_equal(const Record& a, const Record& b) {
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.thumbnail, b.thumbnail);
  EXPECT_EQ(a.source, b.source);
  ASSERT_EQ(a.predictions.size(), b.predictions.size());
  for (std::size_t i = 0; i < a.predictions.size(); ++i) {
    EXPECT_EQ(a.predictions[i].class_index, b.predictions[i].class_index);
    EXPECT_EQ(a.predictions[i].label, b.predictions[i].label);
    EXPECT_EQ(a.predictions[i].synset, b.predictions[i].synset);
    EXPECT_EQ(a.predictions[i].probability, b.predictions[i].probability);
    EXPECT_EQ(a.predictions[i].value, b.predictions[i].value);
  }
  ASSERT_EQ(a.maps.size(), b.maps.size());
  for (std::size_t i = 0; i < a.maps.size(); ++i) {
    EXPECT_EQ(a.maps[i].method, b.maps[i].method);
    EXPECT_EQ(a.maps[i].variant, b.maps[i].variant);
    EXPECT_EQ(a.maps[i].overlay, b.maps[i].overlay);
    EXPECT_EQ(a.maps[i].map, b.maps[i].map);
    ASSERT_EQ(a.maps[i].target.has_value(), b.maps[i].target.has_value());
    if (!a.maps[i].target) continue;
    EXPECT_EQ(a.maps[i].target->class_index, b.maps[i].target->class_index);
    EXPECT_EQ(a.maps[i].target->label, b.maps[i].target->label);
  }
  ASSERT_EQ(a.failure.has_value(), b.failure.has_value());
  if (!a.failure) return;
  EXPECT_EQ(a.failure->code, b.failure->code);
  EXPECT_EQ(a.failure->message, b.failure->message);
  EXPECT_EQ(a.failure->hint, b.failure->hint);
}

TEST(RecordJson, HasAValueInPlaceOfAProbabilityWhereTheModelGivesOne) {
  Record record;
  record.predictions = {{0, "age", {}, 0.0F, 41.5F}};
  const std::string line = record_to_json(record);
  EXPECT_THAT(line, HasSubstr(R"({"class_index":0,"label":"age","value":41.5})"));
  const auto read_back = record_from_json(line);
  ASSERT_TRUE(read_back);
  EXPECT_EQ(read_back->predictions.at(0).value, 41.5F);
}

TEST(RecordJson, ComesBackAsItWasWithPathsThatAreNotUtf8) {
  const std::string line = record_to_json(full_record());
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(line, HasSubstr("\"path\":\"caf\xEF\xBF\xBD/\xEF\xBF\xBD\\n"));
  EXPECT_THAT(line, HasSubstr(R"("path_base64":")"));
  const auto back = record_from_json(line);
  ASSERT_TRUE(back.has_value());
  expect_equal(*back, full_record());
  EXPECT_EQ(record_to_json(*back), line);
}

TEST(RecordJson, HasItsKeysInTheOrderOfTheContract) {
  Record record = full_record();
  record.path = "cat.jpg";
  record.thumbnail = "t.jpg";
  record.maps.front().overlay = "o.png";
  record.source = SourceStamp{47152, 1700000000123456789, "ab12", {{"o.png", 7}}};
  record.predictions.resize(1);
  record.predictions[0].probability = 0.452F;
  EXPECT_EQ(record_to_json(record),
            R"({"schema":1,"type":"result","index":41,"path":"cat.jpg","width":451,"height":300,"predictions":[)"
            R"({"class_index":32,"label":"Egyptian cat","synset":"n02124075","probability":0.452}],"maps":[)"
            R"({"method":"rollout","variant":"mean heads, residual 0.5","overlay":"o.png"},)"
            R"({"method":"generic","variant":"positive","target":{"class_index":32,"label":"Egyptian cat"},)"
            R"("map":"overlays/x.npy"}],"thumbnail":"t.jpg",)"
            R"("source":{"bytes":47152,"mtime_ns":1700000000123456789,"run":"ab12","files":{"o.png":7}}})");
}

TEST(RecordJson, WritesAMissingLabelAsNullAndAMissingSynsetNotAtAll) {
  Record record;
  record.predictions = {{5, {}, {}, 0.5F}};
  EXPECT_THAT(record_to_json(record),
              HasSubstr(R"("predictions":[{"class_index":5,"label":null,"probability":0.5}]})"));
}

TEST(RecordJson, KeepsEveryFailureCode) {
  for (const ErrorCode code :
       {ErrorCode::kUsage, ErrorCode::kNotFound, ErrorCode::kUnreadable, ErrorCode::kDecode, ErrorCode::kTooLarge,
        ErrorCode::kCheckpoint, ErrorCode::kShape, ErrorCode::kBackend, ErrorCode::kOutput}) {
    Record record;
    record.path = "x";
    record.failure = Failure{code, "x: is bad", ""};
    const auto back = record_from_json(record_to_json(record));
    ASSERT_TRUE(back.has_value()) << name(code);
    expect_equal(*back, record);
  }
}

TEST(RecordJson, WritesProbabilitiesShortAndExact) {
  std::mt19937 generator(5);
  std::uniform_real_distribution<float> exponent(-30.0F, 0.0F);
  for (int i = 0; i < 5000; ++i) {
    Record record;
    const float probability = std::exp(exponent(generator));
    record.predictions = {{0, {}, {}, probability}};
    const std::string line = record_to_json(record);
    const std::size_t at = line.find("\"probability\":") + 14;
    EXPECT_LE(line.find('}', at) - at, 14U) << line;  // nine digits, point, exponent
    const auto back = record_from_json(line);
    ASSERT_TRUE(back.has_value()) << line;
    ASSERT_EQ(back->predictions[0].probability, probability) << line;
  }
}

TEST(RecordJson, SaysHowMuchOfAPictureWasDecodedWhereThatIsNotAll) {
  EXPECT_THAT(record_to_json(full_record()), Not(HasSubstr("decoded_eighths")));
  Record record = full_record();
  record.decoded_eighths = 2;
  const std::string line = record_to_json(record);
  EXPECT_THAT(line, HasSubstr(R"("height":300,"decoded_eighths":2,)"));
  const auto back = record_from_json(line);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->decoded_eighths, 2);
  for (const char* eighths : {"0", "9", "-1", "1.5", "\"2\""}) {
    const std::string other = R"({"schema":1,"type":"result","index":1,"path":"b","width":1,"height":1,)"
                              R"("decoded_eighths":)" +
                              std::string(eighths) + R"(,"predictions":[]})";
    EXPECT_FALSE(record_from_json(other).has_value()) << eighths;
  }
}

TEST(RecordJson, TakesNothingForARecordThatIsNone) {
  const std::string good = record_to_json(full_record());
  ASSERT_TRUE(record_from_json(good).has_value());
  for (std::size_t end = 0; end < good.size(); ++end) {
    ASSERT_FALSE(record_from_json(good.substr(0, end)).has_value()) << "cut to " << end << " bytes";
  }
  for (
      const char* line : {
          "null",
          "[]",
          "{}",
          "7",
          R"({"schema":1,"type":"summary","succeeded":1,"failed":1})",
          R"({"schema":2,"type":"error","index":1,"path":"b","code":"decode","message":"","hint":""})",
          R"({"schema":1,"type":"error","index":-1,"path":"b","code":"decode","message":"","hint":""})",
          R"({"schema":1,"type":"error","index":1.5,"path":"b","code":"decode","message":"","hint":""})",
          R"({"schema":1,"type":"error","index":1,"path":3,"code":"decode","message":"","hint":""})",
          R"({"schema":1,"type":"error","index":1,"path":"b","code":"fancy","message":"","hint":""})",
          R"({"schema":1,"type":"error","index":1,"path":"b","path_base64":"a?==","code":"decode","message":"","hint":""})",
          R"({"schema":1,"type":"error","index":1,"path":"b","path_base64":"abc","code":"decode","message":"","hint":""})",
          R"({"schema":1,"type":"result","index":1,"path":"b","width":99999999999,"height":1,"predictions":[]})",
          R"({"schema":1,"type":"result","index":1,"path":"b","width":1,"height":1,"predictions":{}})",
          R"({"schema":1,"type":"result","index":1,"path":"b","width":1,"height":1,"predictions":[3]})",
          R"({"schema":1,"type":"result","index":1,"path":"b","width":1,"height":1,"predictions":[],"maps":7})",
          R"({"schema":1,"type":"result","index":1,"path":"b","width":1,"height":1,"predictions":[],"source":[]})",
          R"({"schema":1,"type":"result","index":1e999,"path":"b","width":1,"height":1,"predictions":[]})",
      }) {
    EXPECT_FALSE(record_from_json(line).has_value()) << line;
  }
}

}  // namespace
}  // namespace fovea
