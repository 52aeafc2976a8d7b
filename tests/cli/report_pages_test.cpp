// The pages of fovea learn, fovea eval, fovea audit and explain --test-methods in a real Chromium: they show the report, and
// complain about nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/browser.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace fs = std::filesystem;
using Json = nlohmann::json;

class ReportPage : public ::testing::Test {
 protected:
  void SetUp() override {
    FOVEA_NEEDS_BROWSER();
    write_tiny_model_folder(folder_ / "model");
    const std::vector<std::string> kinds{"bolt", "nut <b>&", "washer"};
    for (std::size_t i = 0; i < 27; ++i) {  // some are wrong
      write_texture(folder_ / "photos" / kinds[i % 3] / (std::to_string(i) + ".png"), i % 7 == 0 ? 1 : i % 3, i);
    }
    browser_ = std::make_unique<Browser>();
    browser_->set_window(1280, 900);
  }
  void TearDown() override {
    if (!browser_) return;  // skipped
    EXPECT_THAT(browser_->complaints(), IsEmpty());
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  /// Runs the program, and opens what it made.
  Json make(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--report", at("page.html"), "-f", "json", "-q"});
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    browser_->open(folder_ / "page.html");
    return Json::parse(result.out);
  }
  Json learn() { return make({"learn", at("photos"), "-m", at("model"), "-o", at("mine.safetensors")}); }
  std::string text(const std::string& selector) {
    return browser_->evaluate("document.querySelector('" + selector + "').textContent");
  }
  std::size_t count(const std::string& selector) {
    return browser_->evaluate("document.querySelectorAll('" + selector + "').length");
  }
  static std::string in_percent(double share) {
    std::string text(16, ' ');
    text.resize(static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.1f %%", 100 * share)));
    return text;
  }
  /// A wrong cell shows as many pictures as it has, with their pixels.
  void expect_pictures_behind_a_wrong_cell(std::size_t pictures) {
    browser_->evaluate(
        "[...document.querySelectorAll('#confusion button')].find((b) => b.style.cssText.includes('--bad')).click()");
    EXPECT_EQ(count("#cell figure"), pictures);
    EXPECT_EQ(
        browser_->evaluate("Promise.all([...document.querySelectorAll('#cell img')].map((i) => (i.loading = 'eager', "
                           "i.decode().then(() => i.naturalWidth > 0)))).then((all) => all.filter((x) => x).length)"),
        pictures);
  }

  TempFolder folder_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(ReportPage, OfLearnShowsItsFiguresAndThePicturesBehindACell) {
  const Json report = learn();
  EXPECT_THAT(text("#title"), HasSubstr(in_percent(report["backbones"][0]["top1"]["value"])));
  EXPECT_EQ(count("#classes tbody tr"), 3U);
  EXPECT_THAT(text("#classes"), HasSubstr("nut <b>&"));
  EXPECT_EQ(count("#confusion tbody tr"), 3U);
  EXPECT_EQ(count("#curve circle"), report["learning_curve"].size());
  EXPECT_EQ(count("#compared tbody tr"), 3U);
  EXPECT_EQ(count("#surprising figure"), report["surprising"].size());
  ASSERT_FALSE(report["confused"].empty());
  // The first wrong button in the table's order.
  Json first;
  for (const Json& truth : report["classes"]) {
    for (const Json& predicted : report["classes"]) {
      for (const Json& pair : report["confused"]) {
        if (first.is_null() && pair["class"] == truth["name"] && pair["taken_for"] == predicted["name"]) first = pair;
      }
    }
  }
  expect_pictures_behind_a_wrong_cell(first["paths"].size());
}

TEST_F(ReportPage, OfEvalShowsBothModelsAndThePicturesBehindACell) {
  learn();
  const Json report = make({"eval", at("photos"), "-m", at("mine.safetensors"), "-m", at("mine.safetensors")});
  const Json& m = report["models"][0];
  EXPECT_THAT(text("#title"), HasSubstr(in_percent(m["top1"]["value"]) + " of 27 pictures"));
  EXPECT_EQ(count("#models button"), 2U);
  browser_->evaluate("document.querySelectorAll('#models button')[1].click()");
  EXPECT_EQ(browser_->evaluate("document.querySelectorAll('#models button')[1].getAttribute('aria-pressed')"), "true");
  EXPECT_THAT(text("#verdict"), HasSubstr("cannot be told apart"));
  std::size_t filled = 0;
  for (const Json& bin : m["reliability"]) filled += bin["pictures"] > 0 ? 1U : 0U;
  EXPECT_EQ(count("#reliability circle"), filled);
  EXPECT_EQ(count("#sure polyline"), 1U);
  EXPECT_EQ(count("#sure tbody tr"), m["right_above"].size());
  EXPECT_EQ(count("#confusion tbody tr"), 3U);
  EXPECT_FALSE(browser_->evaluate("document.getElementById('confusion').hidden").get<bool>());
  Json wrong;
  for (const Json& truth : m["classes"]) {
    for (const Json& predicted : m["classes"]) {
      for (const Json& cell : m["confusion"]) {
        const bool here = cell["class"] == truth["name"] && cell["taken_for"] == predicted["name"];
        if (wrong.is_null() && here && truth != predicted) wrong = cell;
      }
    }
  }
  ASSERT_FALSE(wrong.is_null());
  expect_pictures_behind_a_wrong_cell(wrong["pictures"]);
}

TEST_F(ReportPage, OfAuditShowsFindingsMapsAndListsAndItsDecisionsAreObeyed) {
  for (const std::string kind : {"bolt", "nut <b>&", "washer"}) {
    fs::copy(folder_ / "photos" / "bolt" / "3.png", folder_ / "photos" / kind / ("copy, of " + kind.substr(0, 3) + ".png"));
  }
  const auto result = run_fovea({"audit", at("photos"), "-m", at("model"), "-o", at("out"), "-q", "-f", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  browser_->open(folder_ / "out/audit.html");
  EXPECT_EQ(count("#findings .finding"), report["findings"].size());
  EXPECT_THAT(text("#findings"), HasSubstr(report["findings"].empty() ? "stands out" : "“"));
  constexpr std::size_t kAtOnce = 12;
  EXPECT_EQ(count("#labels figure"), std::min(kAtOnce, report["label_issues"].size()));
  ASSERT_GT(2 * report["duplicates"].size(), kAtOnce);
  EXPECT_EQ(count("#duplicates figure"), kAtOnce);
  browser_->evaluate("document.querySelector('#duplicates .more').click()");
  EXPECT_EQ(count("#duplicates figure"), std::min(2 * kAtOnce, 2 * report["duplicates"].size()));
  EXPECT_EQ(count("#atlas canvas"), report["atlas"].size() + 1);
  EXPECT_EQ(count("#confusion tbody tr"), 3U);
  EXPECT_EQ(count("#reliability circle"), report["reliability"].size());
  EXPECT_EQ(browser_->evaluate("[...document.querySelectorAll('#atlas canvas')].filter((canvas) => new Set("
                               "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size > 4)"
                               ".length"),
            count("#atlas canvas"))
      << "each map has colours";

  EXPECT_EQ(browser_->evaluate("decisionsTable()"), "file_name,decision,label\n");
  EXPECT_TRUE(browser_->evaluate("document.querySelector('#take button').disabled").get<bool>());
  browser_->evaluate("document.querySelector('#duplicates input[value=drop]').click()");
  EXPECT_FALSE(browser_->evaluate("document.querySelector('#take button').disabled").get<bool>());
  const std::string first = report["duplicates"][0]["file_name"];
  const std::string other = report["duplicates"][0]["other_file_name"];
  ASSERT_NE(first, other);
  browser_->evaluate("(() => { const select = document.querySelectorAll('#duplicates select')[1]; select.value = 'washer';"
                     " select.dispatchEvent(new Event('change')); })()");
  const std::string table = browser_->evaluate("decisionsTable()");
  EXPECT_THAT(table, HasSubstr("drop,\n"));
  EXPECT_THAT(table, HasSubstr("relabel,washer\n"));
  write_text(folder_ / "decisions.csv", table);
  const auto learned = run_fovea({"learn", at("photos"), "-m", at("model"), "-o", at("better.safetensors"), "-q", "-f", "json",
                                  "--decisions", at("decisions.csv")});
  ASSERT_EQ(learned.exit_code, 0) << learned.err;
  const Json decided = Json::parse(learned.out)["decisions"];
  EXPECT_EQ(decided["dropped"], 1);
  EXPECT_EQ(decided["relabelled"], 1);
  browser_->evaluate("document.querySelector('#duplicates input[value=drop]').click()");
  EXPECT_THAT(browser_->evaluate("decisionsTable()").get<std::string>(), Not(HasSubstr("drop,")));
}

TEST_F(ReportPage, OfATestOfMethodsShowsTablesAndMapsBesideTheTruth) {
  write_pictures_alike(folder_ / "alike");
  const Json report =
      make({"explain", at("alike"), "-m", (source_dir() / "tests/golden/families/timm_vit_cls").string(),
            "--test-methods", "--plant", "--method", "libra,occlusion,rollout"});
  ASSERT_TRUE(report["planted"]["measurable"].get<bool>()) << report["planted"];
  EXPECT_EQ(count("#recommended tbody tr"), report["recommendations"].size());
  EXPECT_EQ(count("#tables section"), 3U) << "deletion and insertion, the mark, single deletion; no mosaics";
  EXPECT_EQ(count("#tables section:first-child tbody tr"), 5U) << "three methods and two controls";
  EXPECT_THAT(text("#tables section:first-child thead"), HasSubstr("insertion"));
  EXPECT_THAT(text("#remarks"), HasSubstr("No mosaic"));
  EXPECT_THAT(text("#remarks"), HasSubstr("The planted mark is"));
  EXPECT_THAT(text("#title"), HasSubstr(report["recommendations"][0]["methods"][0].get<std::string>()));

  const std::string marks = "section[data-measure=mark_average_precision] ";
  EXPECT_EQ(count(marks + ".test"), 8U);
  EXPECT_EQ(count(marks + ".test:first-child figure"), 6U) << "the picture, and a map of each method and control";
  EXPECT_EQ(count(marks + ".test:first-child .truth"), 6U);
  EXPECT_EQ(count("section[data-measure=insertion_less_deletion] .truth"), 0U) << "nobody knows it there";
  EXPECT_EQ(
      browser_->evaluate("Promise.all([...document.querySelectorAll('.test img')].map((i) => i.decode().then(() =>"
                         " i.naturalWidth))).then((all) => all.filter((width) => width === 32).length)"),
      count(".test img"))
      << "the network's input";
  EXPECT_EQ(browser_->evaluate("[...document.querySelectorAll('.test canvas')].filter((canvas) => new Set("
                               "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size > 4)"
                               ".length"),
            count(".test canvas"))
      << "each map has colours";
}

}  // namespace
}  // namespace fovea::test
