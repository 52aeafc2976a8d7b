// A folder of everything that may go wrong with an input: one row each, nothing hangs, the good ones are classified.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "base/text.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

/// A PNG that claims this size and has eight bytes of pixels.
std::string png_header(std::uint32_t width, std::uint32_t height) {
  std::string header("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  for (const std::uint32_t side : {width, height}) {
    for (const int shift : {24, 16, 8, 0}) header += static_cast<char>(side >> shift & 0xFF);
  }
  header += std::string("\x08\x02\0\0\0", 5);
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = 12; i < header.size(); ++i) {
    crc ^= static_cast<unsigned char>(header[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  crc = ~crc;
  for (const int shift : {24, 16, 8, 0}) header += static_cast<char>(crc >> shift & 0xFF);
  return header + std::string("\0\0\0\x08IDAT\x78\x9c\0\0\0\0\0\0\0\0\0\0", 20);
}

class BadInput : public ::testing::Test {
 protected:
  BadInput() {
    write_tiny_model_folder(folder_ / "model");
    const auto in = folder_ / "in";
    write_picture(in / "good.jpg", 60, 80);
    write_picture(in / "good.png", 60, 80);
    write_picture(in / "one.png", 1, 1);
    write_picture(in / "long.png", 3, 5000);
    write_picture(in / "tall.png", 5000, 3);
    for (const std::string& name : weird_names()) write_picture(in / name, 40, 40);
    write_text(in / "empty.jpg", "");
    write_text(in / "text.jpg", "<html>no picture here</html>\n");
    for (const char* name : {"good.jpg", "good.png"}) {
      const std::string whole = read_text(in / name);
      write_text(in / (std::string("torn.") + name), whole.substr(0, whole.size() / 2));
    }
    write_text(in / "huge.png", png_header(60'000, 60'000));
    std::filesystem::create_directory(in / "x.png");
    std::filesystem::create_symlink("nowhere.jpg", in / "link.jpg");
    EXPECT_EQ(::mkfifo((in / "pipe.jpg").c_str(), 0600), 0);
    expected_ = {{"empty.jpg", "decode"},     {"text.jpg", "decode"},    {"torn.good.jpg", "decode"},
                 {"torn.good.png", "decode"}, {"huge.png", "too_large"}, {"x.png", "unreadable"},
                 {"link.jpg", "not_found"},   {"pipe.jpg", "unreadable"}};
    if (::geteuid() != 0) {  // root may read anything
      write_picture(in / "secret.png", 40, 40);
      ::chmod((in / "secret.png").c_str(), 0);
      expected_["secret.png"] = "unreadable";
    }
  }
  static std::vector<std::string> weird_names() {
    return {"with space.png", "quo\"te'.png", "new\nline.png", "latin\xe9.png", "-dash.png", "[list,of].png"};
  }
  void check(const ProcessResult& result) const {
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_EQ(result.signal, 0);
    const auto rows = result.json_lines();
    std::map<std::string, int> seen;
    std::size_t good = 0;
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
      EXPECT_EQ(rows[i].at("index"), i);
      const auto path = rows[i].at("path").get<std::string>();
      const std::string name = path.substr(path.rfind("/in/") + 4);
      ++seen[name];
      if (rows[i].at("type") == "result") {
        ++good;
        EXPECT_EQ(expected_.count(name), 0U) << name << " must fail";
        continue;
      }
      ASSERT_EQ(expected_.count(name), 1U) << name << ": " << rows[i];
      EXPECT_EQ(rows[i].at("code"), expected_.at(name)) << rows[i];
      EXPECT_THAT(rows[i].at("message").get<std::string>(), HasSubstr(name));
    }
    for (const auto& [name, count] : seen) EXPECT_EQ(count, 1) << name;
    EXPECT_EQ(good, 5 + weird_names().size());
    EXPECT_EQ(rows.size(), good + expected_.size() + 1);
    EXPECT_EQ(rows.back().at("failed"), expected_.size());
  }
  TempFolder folder_;
  std::map<std::string, std::string> expected_;  // name → code
};

TEST_F(BadInput, ClassifyGivesEachOneRow) {
  check(run_fovea({"classify", "-m", (folder_ / "model").string(), "-f", "jsonl", (folder_ / "in").string()}));
}

TEST_F(BadInput, ClassifyGivesEachOneRowWhenNamedOneByOneAndInBatches) {
  std::vector<std::string> arguments{"classify", "-m", (folder_ / "model").string(), "-f", "jsonl", "--batch",
                                     "4",        "--"};
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "in")) arguments.push_back(entry.path());
  check(run_fovea(arguments));
}

TEST_F(BadInput, ExplainGivesEachOneRow) {
  check(run_fovea({"explain", "-m", (folder_ / "model").string(), "-f", "jsonl", (folder_ / "in").string(), "-o",
                   (folder_ / "out").string()}));
}

TEST_F(BadInput, BatchGivesEachOneRowAndTheGoodOnesStayOnASecondRun) {
  const std::vector<std::string> command{"batch",
                                         "-m",
                                         (folder_ / "model").string(),
                                         "-q",
                                         "-f",
                                         "jsonl",
                                         (folder_ / "in").string(),
                                         "-o",
                                         (folder_ / "out").string()};
  check(run_fovea(command));
  check(run_fovea(command));
  const auto summary = nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  EXPECT_EQ(summary.at("skipped"), 5 + weird_names().size());
  EXPECT_EQ(summary.at("failures").at("decode"), 4);
}

TEST_F(BadInput, ANameThatIsNoUtf8IsShownReplacedWithItsBytesBeside) {
  const std::string path = (folder_ / "in/latin\xe9.png").string();
  const auto row = run_fovea({"classify", "-m", (folder_ / "model").string(), "-f", "jsonl", path}).json_lines().at(0);
  EXPECT_THAT(row.at("path").get<std::string>(), HasSubstr("latin\xef\xbf\xbd.png"));
  EXPECT_EQ(row.at("path_base64"), base64(path));
}

TEST_F(BadInput, TheSizeLimitIsTheCallers) {
  const auto result = run_fovea({"classify", "-m", (folder_ / "model").string(), "-f", "jsonl", "--max-pixels", "4799",
                                 (folder_ / "in/good.png").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.json_lines().at(0).at("code"), "too_large");
}

TEST_F(BadInput, EveryFailureIsAlsoASentenceOnStandardError) {
  const auto result = run_fovea({"classify", "-m", (folder_ / "model").string(), (folder_ / "in/pipe.jpg").string(),
                                 (folder_ / "in/new\nline.png").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("fovea: error: "));
  EXPECT_THAT(result.err, HasSubstr("pipe.jpg: is a FIFO, expected a regular file"));
}

}  // namespace
}  // namespace fovea::test
