// --decode fast, as its users meet it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "image/codec/codec.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The tiny model resizes to 35 px: of 600x800 px an eighth of each side is enough, of 100x120 px all is needed.
class DecodeFast : public ::testing::Test {
 protected:
  DecodeFast() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "in/large.jpg", 600, 800);
    write_picture(folder_ / "in/middle.jpg", 150, 180, 1);
    write_picture(folder_ / "in/small.jpg", 100, 120, 2);
    write_picture(folder_ / "in/whole.png", 600, 800, 3);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin() + 1, {"-m", at("model")});
    return run_fovea(arguments);
  }
  [[nodiscard]] std::vector<nlohmann::json> rows(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-f", "jsonl"});
    const ProcessResult result = run(std::move(arguments));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json_lines();
  }
  TempFolder folder_;
};

TEST_F(DecodeFast, RowsSayTheWholeSizeAndHowMuchWasDecoded) {
  const auto exact = rows({"classify", at("in")});
  const auto fast = rows({"classify", at("in"), "--decode", "fast"});
  ASSERT_EQ(fast.size(), exact.size());
  const int eighths[] = {1, 4, 8, 8};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(fast[i].at("width"), exact[i].at("width")) << i;
    EXPECT_EQ(fast[i].at("height"), exact[i].at("height")) << i;
    EXPECT_EQ(fast[i].value("decoded_eighths", 8), eighths[i]) << i;
    EXPECT_EQ(exact[i].count("decoded_eighths"), 0U);
    EXPECT_EQ(fast[i].at("predictions") == exact[i].at("predictions"), eighths[i] == 8) << i;
  }
}

TEST_F(DecodeFast, TheDefaultIsExactAndAWrongWordIsAUsageError) {
  EXPECT_EQ(rows({"classify", at("in"), "--decode", "exact"}), rows({"classify", at("in")}));
  const auto wrong = run({"classify", at("in"), "--decode", "fats"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean 'fast'?"));
}

TEST_F(DecodeFast, OverlaysShowTheWholePictureAndTheModelSeesWhatClassifyDoes) {
  const std::vector<std::string> common{"explain", at("in/large.jpg"), "--alpha", "0", "--no-caption", "-o"};
  const auto drawn = [&](const std::string& out, const std::string& mode) {
    auto arguments = common;
    arguments.insert(arguments.end(), {at(out), "--decode", mode});
    const auto row = rows(arguments)[0];
    return std::pair(row, decode_image(read_file(folder_ / out / "large.jpg.rollout.png"), "overlay", {}));
  };
  const auto [exact_row, exact] = drawn("exact", "exact");
  const auto [fast_row, fast] = drawn("fast", "fast");
  EXPECT_EQ(fast.size(), (Size{600, 800}));
  ASSERT_EQ(exact.size(), fast.size());
  EXPECT_TRUE(std::equal(exact.pixels().begin(), exact.pixels().end(), fast.pixels().begin()))
      << "with no map over it the overlay is the picture, every pixel of it";
  const auto classified = rows({"classify", at("in/large.jpg"), "--decode", "fast"})[0];
  EXPECT_EQ(fast_row.at("predictions"), classified.at("predictions"));
  EXPECT_NE(fast_row.at("predictions"), exact_row.at("predictions"));
}

TEST_F(DecodeFast, ABatchIsDoneAgainWhenItChanges) {
  const auto batch = [&](const std::string& mode) {
    const auto result = run({"batch", at("in"), "-o", at("out"), "-q", "--decode", mode});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(read_text(folder_ / "out/summary.json"));
  };
  EXPECT_EQ(batch("exact").at("skipped"), 0);
  EXPECT_EQ(batch("exact").at("skipped"), 4);
  const auto fast = batch("fast");
  EXPECT_EQ(fast.at("skipped"), 0);
  EXPECT_EQ(fast.at("options").at("decode"), "fast");
  const std::string first = read_text(folder_ / "out/results.jsonl");
  EXPECT_THAT(first, HasSubstr("\"decoded_eighths\":1"));
  EXPECT_EQ(batch("fast").at("skipped"), 4);
  EXPECT_EQ(read_text(folder_ / "out/results.jsonl"), first) << "rows that were kept say it, too";
  EXPECT_EQ(batch("exact").at("skipped"), 0);
  EXPECT_THAT(read_text(folder_ / "out/results.jsonl"), Not(HasSubstr("decoded_eighths")));
}

TEST_F(DecodeFast, DoctorShowsTheStep) {
  const auto doctor = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"doctor", at("model"), at("in/large.jpg")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const auto fast = nlohmann::json::parse(doctor({"--decode", "fast", "-f", "json"}));
  const auto exact = nlohmann::json::parse(doctor({"-f", "json"}));
  EXPECT_EQ(fast.at("steps").at("decoded"), nlohmann::json({75, 100}));
  EXPECT_EQ(fast.at("steps").at("decoded_eighths"), 1);
  EXPECT_EQ(exact.at("steps").at("decoded_eighths"), 8);
  for (const char* step : {"stored", "upright", "resized", "cropped", "top", "left"}) {
    EXPECT_EQ(fast.at("steps").at(step), exact.at("steps").at(step)) << step;
  }
  EXPECT_NE(fast.at("input_sha256"), exact.at("input_sha256"));
  EXPECT_TRUE(fast.at("python").is_null()) << "the script would decode everything";
  EXPECT_THAT(doctor({"--decode", "fast"}), HasSubstr("75x100, 1/8 of it"));
}

TEST_F(DecodeFast, BenchSaysWhatItSavesAndChanges) {
  const std::vector<std::string> common{"bench",    "--seconds", "0.1",      "-t",    "1",
                                        "--decode", "fast",      "--folder", at("in")};
  auto arguments = common;
  arguments.insert(arguments.end(), {"-f", "json"});
  const auto result = run(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out).at("fast_decode");
  EXPECT_EQ(json.at("images"), 4);
  EXPECT_EQ(json.at("images_smaller"), 2);
  for (const char* key : {"decode_ms", "exact_decode_ms", "preprocess_ms", "exact_preprocess_ms"}) {
    EXPECT_GT(json.at(key), 0) << key;
  }
  const auto exact = rows({"classify", at("in"), "-k", "1"});
  const auto fast = rows({"classify", at("in"), "-k", "1", "--decode", "fast"});
  int agreeing = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto best = [i](const auto& all) { return all[i].at("predictions")[0].at("class_index"); };
    agreeing += best(exact) == best(fast) ? 1 : 0;
  }
  EXPECT_EQ(json.at("same_top1"), agreeing);
  EXPECT_GT(json.at("largest_logit_difference"), 0);
  EXPECT_LT(json.at("largest_share_of_logit_range"), 1);
  EXPECT_THAT(run(common).out, HasSubstr("smaller than they are: 2 of 4 images"));
}

}  // namespace
}  // namespace fovea::test
