#include <gtest/gtest.h>

#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "report/record.hpp"
#include "report/writer.hpp"

namespace fovea {
namespace {

/// A disk with room for so many bytes.
class FullDisk : public std::streambuf {
 public:
  explicit FullDisk(std::size_t room) : room_(room) {}

 protected:
  int_type overflow(int_type c) override {
    if (room_ == 0) return traits_type::eof();
    --room_;
    return c;
  }

 private:
  std::size_t room_;
};

/// Counts what reaches the other side and how often it is pushed there.
class Watched : public std::stringbuf {
 public:
  int flushes = 0;

 protected:
  int sync() override {
    ++flushes;
    return 0;
  }
};

Record some_record() {
  Record record;
  record.path = "cat.jpg";
  record.size = {300, 451};
  record.predictions.push_back({32, "Egyptian cat", "n02124075", 0.452F});
  return record;
}

TEST(ReportRegistry, KnowsTheFormatsOfTheContractTextFirst) {
  std::vector<std::string_view> names;
  for (const ReportFormat& format : report_formats()) {
    names.push_back(format.name);
    EXPECT_FALSE(format.about.empty());
    EXPECT_EQ(&report_format(format.name), &format);
  }
  EXPECT_EQ(names, (std::vector<std::string_view>{"text", "json", "jsonl", "csv"}));
}

TEST(ReportRegistry, AnUnknownNameIsAUsageErrorThatNamesTheNearest) {
  try {
    (void)report_format("jsonlines");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    EXPECT_EQ(std::string_view(error.what()), "format: 'jsonlines' is unknown, expected text, json, jsonl, csv");
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(ReportWriters, EveryFormatSaysSoWhenTheDiskIsFullAtAnyByte) {
  for (const ReportFormat& format : report_formats()) {
    std::ostringstream whole;
    format.make(whole, {})->write(some_record());
    for (std::size_t room = 0; room < whole.str().size(); ++room) {
      FullDisk disk(room);
      std::ostream out(&disk);
      const auto writer = format.make(out, {});
      try {
        writer->write(some_record());
        FAIL() << format.name << " lost bytes after " << room;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kOutput) << format.name;
      }
    }
  }
}

TEST(ReportWriters, AStreamThatThrowsGivesTheSameError) {
  for (const ReportFormat& format : report_formats()) {
    FullDisk disk(3);
    std::ostream out(&disk);
    out.exceptions(std::ios::badbit | std::ios::failbit);
    EXPECT_THROW(format.make(out, {})->write(some_record()), Error) << format.name;
  }
}

TEST(ReportWriters, EveryRecordIsFlushedBeforeTheNextIsKnown) {
  for (const ReportFormat& format : report_formats()) {
    Watched sink;
    std::ostream out(&sink);
    const auto writer = format.make(out, {});
    for (int n = 1; n <= 3; ++n) {
      writer->write(some_record());
      EXPECT_EQ(sink.flushes, n) << format.name;
    }
  }
}

TEST(ReportWriters, SayTheSameBytesForTheSameRecords) {
  for (const ReportFormat& format : report_formats()) {
    std::ostringstream once;
    std::ostringstream again;
    for (std::ostream* out : {&once, &again}) {
      const auto writer = format.make(*out, {});
      writer->write(some_record());
      writer->finish({.succeeded = 1, .failed = 0, .interrupted = false});
    }
    EXPECT_EQ(once.str(), again.str()) << format.name;
  }
}

}  // namespace
}  // namespace fovea
