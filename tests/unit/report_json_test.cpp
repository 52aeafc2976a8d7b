#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

Record cat_record() {
  Record record;
  record.path = "a/cat.jpg";
  record.size = {300, 451};
  record.predictions = {{32, "Egyptian cat", "n02124075", 0.452F}};
  return record;
}

Record broken() {
  Record record;
  record.index = 1;
  record.path = "b.jpg";
  record.failure = Failure{ErrorCode::kTooLarge, "b.jpg: picture is 9x9 px, expected at most 4", "raise --max-pixels"};
  return record;
}

constexpr const char* kCatLine =
    R"({"schema":1,"type":"result","index":0,"path":"a/cat.jpg","width":451,"height":300,"predictions":[)"
    R"({"class_index":32,"label":"Egyptian cat","synset":"n02124075","probability":0.452}]})";
constexpr const char* kBrokenLine =
    R"({"schema":1,"type":"error","index":1,"path":"b.jpg","code":"too_large",)"
    R"("message":"b.jpg: picture is 9x9 px, expected at most 4","hint":"raise --max-pixels"})";

std::string written(std::string_view format, std::initializer_list<Record> records, const Summary& summary) {
  std::ostringstream out;
  const auto writer = report_format(format).make(out, {});
  for (const Record& record : records) writer->write(record);
  writer->finish(summary);
  return out.str();
}

TEST(JsonLinesReport, IsTheContractsRecordsKeyForKey) {
  EXPECT_EQ(written("jsonl", {cat_record(), broken()}, {.succeeded = 1, .failed = 1, .interrupted = false}),
            std::string(kCatLine) + '\n' + kBrokenLine + '\n' +
                R"({"schema":1,"type":"summary","succeeded":1,"failed":1})" + '\n');
}

TEST(JsonLinesReport, SaysInTheSummaryThatItWasInterrupted) {
  EXPECT_EQ(written("jsonl", {}, {.succeeded = 0, .failed = 0, .interrupted = true}),
            R"({"schema":1,"type":"summary","succeeded":0,"failed":0,"interrupted":true})"
            "\n");
}

TEST(JsonReport, IsOneDocumentOfTheSameRecords) {
  const std::string text =
      written("json", {cat_record(), broken()}, {.succeeded = 1, .failed = 1, .interrupted = false});
  const auto document = nlohmann::ordered_json::parse(text);
  std::string keys;
  for (const auto& [key, value] : document.items()) keys += key + ' ';
  EXPECT_EQ(keys, "schema results summary ");
  EXPECT_EQ(document["schema"], 1);
  ASSERT_EQ(document["results"].size(), 2U);
  EXPECT_EQ(document["results"][0].dump(), kCatLine);
  EXPECT_EQ(document["results"][1].dump(), kBrokenLine);
  EXPECT_EQ(document["summary"].dump(), R"({"schema":1,"type":"summary","succeeded":1,"failed":1})");
}

TEST(JsonReport, IsADocumentEvenWithoutAnyRecord) {
  EXPECT_EQ(written("json", {}, {}),
            R"({"schema":1,"results":[],"summary":{"schema":1,"type":"summary","succeeded":0,"failed":0}})"
            "\n");
}

TEST(JsonReport, WritesEachRecordAsSoonAsItIsKnown) {
  std::ostringstream out;
  const auto writer = report_format("json").make(out, {});
  EXPECT_EQ(out.str(), "") << "a run that fails before its first record must leave nothing";
  writer->write(cat_record());
  EXPECT_EQ(out.str(), std::string(R"({"schema":1,"results":[)") + '\n' + kCatLine);
}

}  // namespace
}  // namespace fovea
