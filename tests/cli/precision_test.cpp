#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class PrecisionOption : public ::testing::Test {
 protected:
  PrecisionOption() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "a.png", 60, 80, 1);
  }
  [[nodiscard]] ProcessResult classify(const std::string& precision, const std::vector<std::string>& environment = {},
                                       const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"classify", "-m",   (folder_ / "model").string(), (folder_ / "a.png").string(),
                                       "-f",       "jsonl"};
    if (!precision.empty()) arguments.insert(arguments.end(), {"--precision", precision});
    arguments.insert(arguments.end(), more.begin(), more.end());
    ProcessOptions options;
    options.environment = environment;
    return run_fovea(arguments, options);
  }
  TempFolder folder_;
};

TEST_F(PrecisionOption, AnUnknownNameIsExitTwoWithTheKnownOnes) {
  const auto result = classify("bf17");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--precision is 'bf17', expected one of auto, f32, bf16x6, bf16x3, bf16"));
}

TEST_F(PrecisionOption, WithoutTheUnitsBf16IsRefusedWithASentenceAndAutoIsF32) {
  // oneDNN's own switch: this CPU taken for an older one.
  const std::vector<std::string> older{"DNNL_MAX_CPU_ISA=AVX2", "ONEDNN_MAX_CPU_ISA=AVX2"};
  for (const char* precision : {"bf16", "bf16x3", "bf16x6"}) {
    const auto refused = classify(precision, older);
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_THAT(refused.err, HasSubstr("does not multiply bfloat16 numbers"));
    EXPECT_THAT(refused.err, HasSubstr("--precision f32"));
    EXPECT_THAT(refused.out, IsEmpty());
  }
  const auto automatic = classify("auto", older, {"-v"});
  EXPECT_EQ(automatic.exit_code, 0) << automatic.err;
  EXPECT_THAT(automatic.err, HasSubstr("linear layers in f32"));
}

TEST_F(PrecisionOption, WhatRanIsSaidAndWhatIsSlowerIsWarnedAbout) {
  const auto automatic = classify("auto", {}, {"-v"});
  ASSERT_EQ(automatic.exit_code, 0) << automatic.err;
  const bool has_amx = automatic.err.find("linear layers in bf16x3") != std::string::npos;
  const auto three = classify("bf16x3", {}, {"-v"});
  if (three.exit_code != 0) GTEST_SKIP() << three.err;
  EXPECT_THAT(three.err, HasSubstr("linear layers in bf16x3"));
  if (has_amx) {
    EXPECT_THAT(three.err, Not(HasSubstr("slower")));
  } else {
    EXPECT_THAT(automatic.err, HasSubstr("linear layers in f32"));
    EXPECT_THAT(three.err, HasSubstr("bf16x3 is slower than f32 on this CPU"));
    EXPECT_THAT(classify("bf16x3", {}, {"-q"}).err, IsEmpty());
  }
  EXPECT_THAT(classify("bf16", {}).err, Not(HasSubstr("slower")));
  const auto exact = classify("f32").json_lines().at(0).at("predictions").at(0);
  const auto rounded = classify("bf16").json_lines().at(0).at("predictions").at(0);
  EXPECT_NEAR(exact.at("probability").get<double>(), rounded.at("probability").get<double>(), 0.02);
  EXPECT_NE(exact.at("probability"), rounded.at("probability"));
}

TEST_F(PrecisionOption, BenchAndABatchSayIt) {
  const std::string model = (folder_ / "model").string();
  const auto bench = run_fovea({"bench", "-m", model, "-f", "json", "--seconds", "0.1", "--precision", "f32"});
  EXPECT_EQ(nlohmann::json::parse(bench.out).at("precision"), "f32");
  const std::string out = (folder_ / "out").string();
  ASSERT_EQ(run_fovea({"batch", "-m", model, (folder_ / "a.png").string(), "-o", out}).exit_code, 0);
  const auto other = run_fovea({"batch", "-m", model, (folder_ / "a.png").string(), "-o", out, "--precision", "bf16"});
  if (other.err.find("does not multiply") != std::string::npos) GTEST_SKIP() << other.err;
  EXPECT_EQ(other.exit_code, 0) << other.err;
  EXPECT_THAT(other.err, Not(HasSubstr("kept from before"))) << "rows of another precision are other rows";
}

}  // namespace
}  // namespace fovea::test
