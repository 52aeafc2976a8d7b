#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

std::string written_csv(std::initializer_list<Record> records, std::size_t top_k) {
  std::ostringstream out;
  const auto writer = report_format("csv").make(out, {.top_k = top_k, .color = false});
  for (const Record& record : records) writer->write(record);
  writer->finish({});
  return out.str();
}

Record cat() {
  Record record;
  record.path = "cat.jpg";
  record.size = {300, 451};
  record.predictions = {{32, "Egyptian cat", "n02124075", 0.452F}, {31, {}, {}, 0.1F}};
  return record;
}

TEST(CsvReport, HasTheColumnsOfTheContract) {
  EXPECT_EQ(written_csv({cat()}, 2),
            "index,path,width,height,label1,probability1,label2,probability2,error\n"
            "0,cat.jpg,451,300,Egyptian cat,0.452,31,0.1,\n");
}

TEST(CsvReport, SaysWhatFaithfulnessFoundOfEachMapWhereItWasAskedFor) {
  Record record = cat();
  record.maps.push_back({"rollout", "mean heads", {}, Faithfulness{}});
  record.maps.push_back({"generic", "", MapTarget{32, "Egyptian cat", MapContrast{7, "cock"}}, Faithfulness{}});
  record.maps.back().faithfulness->verdict = Verdict::kBetterThanRandom;
  record.maps.push_back({"attention", "not judged"});
  std::ostringstream out;
  const auto writer = report_format("csv").make(out, {.top_k = 1, .verdicts = true});
  writer->write(record);
  Record failed;
  failed.failure = Failure{ErrorCode::kDecode, "bad", ""};
  writer->write(failed);
  writer->finish({});
  EXPECT_EQ(out.str(),
            "index,path,width,height,label1,probability1,error,verdicts\n"
            "0,cat.jpg,451,300,Egyptian cat,0.452,,rollout: no better than random; generic.32-7: better than random\n"
            "0,,,,,,bad,\n");
}

TEST(CsvReport, HasValuesInPlaceOfProbabilitiesWhereTheModelGivesThem) {
  Record record = cat();
  record.predictions = {{0, "age", {}, 0.0F, 41.5F}};
  std::ostringstream out;
  const auto writer = report_format("csv").make(out, {.top_k = 1, .values = true});
  writer->write(record);
  EXPECT_EQ(out.str(), "index,path,width,height,label1,value1,error\n0,cat.jpg,451,300,age,41.5,\n");
}

TEST(CsvReport, HasAsManyColumnsAsWereAskedForWhateverTheModelHas) {
  EXPECT_EQ(written_csv({cat()}, 3),
            "index,path,width,height,label1,probability1,label2,probability2,label3,probability3,error\n"
            "0,cat.jpg,451,300,Egyptian cat,0.452,31,0.1,,,\n");
  EXPECT_EQ(written_csv({cat()}, 1),
            "index,path,width,height,label1,probability1,error\n"
            "0,cat.jpg,451,300,Egyptian cat,0.452,\n");
}

TEST(CsvReport, QuotesWhatWouldBreakARowAndKeepsAFailureInItsColumn) {
  Record failed;
  failed.index = 7;
  failed.path = "a,\"b\"\n\xFF.jpg";
  failed.failure = Failure{ErrorCode::kDecode, "it is \"bad\"", "hint"};
  EXPECT_EQ(written_csv({failed}, 1),
            "index,path,width,height,label1,probability1,error\n"
            "7,\"a,\"\"b\"\"\n\xEF\xBF\xBD.jpg\",,,,,\"it is \"\"bad\"\"\"\n");
}

TEST(CsvReport, HasItsHeadingEvenWithoutAnyRecord) {
  EXPECT_EQ(written_csv({}, 1), "index,path,width,height,label1,probability1,error\n");
}

}  // namespace
}  // namespace fovea
