// The view "why" of fovea explore's page in a real Chromium.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/browser.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

TEST(ExploreWhy, ShowsWhatAScoreIsMadeOfAndAContrastIsTheDifferenceOfTwoClasses) {
  FOVEA_NEEDS_BROWSER();
  const TempFolder folder;
  const std::string page = (folder / "page.html").string();
  ASSERT_EQ(run_fovea({"explore", "-q", "-o", page, (source_dir() / "samples" / "cat_and_espresso.jpg").string(), "-m",
                       (source_dir() / "weights" / "vit_tiny_tin200").string()})
                .exit_code,
            0);
  Browser browser;
  browser.set_window(1280, 800);
  browser.open(page);
  browser.evaluate("fovea.ready.then(() => 1)");
  const auto state = [&]() -> Json {
    return browser.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(fovea.state()))))");
  };
  const auto text = [&](const std::string& id) -> std::string {
    return browser.evaluate("document.getElementById('" + id + "').textContent");
  };
  const auto after = [&](const std::string& key) {
    browser.press(key);
    return state();
  };
  const auto made_of = [&](int rank, std::size_t block, const std::string& head) -> Json {
    return browser.evaluate(
        "(() => { const picture = JSON.parse(document.querySelector('script.picture').textContent);"
        " return fovea.why({ target: picture.why[" +
        std::to_string(rank) + "].target[1], block: " + std::to_string(block) + head + " }); })()");
  };
  Json now = after("w");
  EXPECT_EQ(now.at("view"), "why");
  const std::size_t last = now.at("block");
  const std::string size = "[document.getElementById('cells').width, document.getElementById('cells').height]";
  const Json cells = browser.evaluate(size);
  for (std::size_t block = last + 1; block-- > 0; now = after("[")) {
    ASSERT_EQ(now.at("block"), block);
    const Json made = made_of(0, block, "");
    double sum = made.at("patches").get<double>() + made.at("biases").get<double>();
    for (const Json& token : made.at("prefix")) sum += token.get<double>();
    EXPECT_NEAR(sum, made.at("score").get<double>(), 1e-4) << "block " << block;
    ASSERT_EQ(now.at("values").size(), 196U);
    for (std::size_t i = 0; i < 196; ++i) EXPECT_EQ(now.at("values")[i], made.at("field")[i]) << block << ", " << i;
  }
  EXPECT_THAT(text("sentence"), HasSubstr("Where block 0 begins, espresso is made of patches "));
  now = after("r");
  EXPECT_THAT(text("sentence"), HasSubstr("espresso rather than "));
  const Json first = made_of(0, 0, "");
  const Json second = made_of(1, 0, "");
  for (std::size_t i = 0; i < 196; ++i) {
    EXPECT_NEAR(now.at("values")[i].get<double>(),
                first.at("field")[i].get<double>() - second.at("field")[i].get<double>(), 1e-6);
  }
  after("r");
  EXPECT_EQ(after("r").at("against"), nullptr) << "by itself again";
  now = after("w");
  EXPECT_EQ(now.at("terms"), false) << "by heads";
  now = after("2");
  EXPECT_EQ(now.at("values"), made_of(0, 0, ", head: 2").at("field"));
  EXPECT_THAT(text("sentence"), HasSubstr("Block 0, head 2 brings "));
  const Json third = made_of(0, 0, ", head: 2").at("heads")[2];
  EXPECT_THAT(text("ledger-note"), HasSubstr("in all"));
  double drawn = 0;
  for (const Json& value : now.at("values")) drawn += value.get<double>();
  EXPECT_NEAR(drawn, third[0].get<double>(), 0.02 * (0.05 + std::abs(third[0].get<double>())));
  EXPECT_EQ(after("k").at("view"), "why") << "the next class, in the same view";
  EXPECT_EQ(after(" ").at("playing"), true);
  browser.evaluate("new Promise((done) => setTimeout(done, 1000))");
  EXPECT_EQ(state().at("view"), "why") << "it plays there";
  EXPECT_NE(state().at("block"), 0);
  after(" ");
  EXPECT_EQ(after("v").at("view").get<std::string>().substr(0, 7), "rollout");
  EXPECT_EQ(after("m").at("view"), "attention");
  EXPECT_LT(browser.evaluate(size)[1], cells[1]) << "the sheet has a row more in why";
  EXPECT_THAT(browser.complaints(), IsEmpty());
}

}  // namespace
}  // namespace fovea::test
