// fovea explore as a process: rows, exit codes, and what of the attention is in the page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

class ExploreVerb : public ::testing::Test {
 protected:
  ExploreVerb() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "a.png", 40, 50);
    write_picture(folder_ / "c.png", 50, 40, 3);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult explore(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explore", "-m", at("model")});
    return run_fovea(arguments);
  }
  /// Every JSON or base64 text of a kind of element in the page.
  [[nodiscard]] std::vector<std::string> elements(const std::string& attribute) const {
    const std::string html = read_text(folder_ / "page.html");
    std::vector<std::string> texts;
    for (std::size_t begin = 0; (begin = html.find(attribute + ">", begin)) != std::string::npos;) {
      begin += attribute.size() + 1;
      texts.push_back(html.substr(begin, html.find("</script", begin) - begin));
    }
    return texts;
  }
  [[nodiscard]] Json heading() const { return Json::parse(elements(R"(id="heading")").at(0)); }
  [[nodiscard]] Json maps() const { return picture(0).at("maps"); }
  [[nodiscard]] Json picture(std::size_t i) const { return Json::parse(elements(R"(class="picture")").at(i)); }

  TempFolder folder_;
};

TEST_F(ExploreVerb, RowsAreThoseOfClassifyAndAFailureIsARowAnEntryAndExitOne) {
  write_text(folder_ / "b.png", "no picture");
  const std::vector<std::string> inputs{at("a.png"), at("b.png"), at("c.png"), "-f", "jsonl"};
  std::vector<std::string> arguments = inputs;
  arguments.insert(arguments.end(), {"-o", at("page.html")});
  const auto result = explore(arguments);
  arguments = inputs;
  arguments.insert(arguments.begin(), {"classify", "-m", at("model")});
  const auto classified = run_fovea(arguments);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, classified.out);
  EXPECT_EQ(result.err, classified.err);
  ASSERT_EQ(elements(R"(class="picture")").size(), 3U);
  EXPECT_EQ(picture(1).at("path"), at("b.png"));
  EXPECT_THAT(picture(1).at("failure").at("message"), HasSubstr("expected an image"));
  EXPECT_EQ(elements(R"(class="attention")").at(1), "");
  EXPECT_EQ(picture(2).at("predictions")[0][2], result.json_lines()[2].at("predictions")[0].at("class_index"));
}

TEST_F(ExploreVerb, MapsAreThoseAskedForAndWithoutWordsThoseOfOnePassAndOneBack) {
  ASSERT_EQ(explore({at("a.png"), "-o", at("page.html")}).exit_code, 0);
  std::vector<std::string> methods;
  const Json plain = maps();
  for (const Json& map : plain) {
    const auto method = map.at("method").get<std::string>();
    if (methods.empty() || methods.back() != method) methods.push_back(method);
  }
  EXPECT_EQ(methods, (std::vector<std::string>{"rollout", "attention", "libra", "generic", "grad-rollout", "grad-cam",
                                               "legrad", "token-rank"}));
  ASSERT_EQ(explore({at("a.png"), "-o", at("page.html"), "--target", "1", "--target", "3", "--against", "0"}).exit_code,
            0);
  std::vector<std::string> targets;
  const Json contrasts = maps();
  for (const Json& map : contrasts) {
    if (map.at("method") == "generic") targets.push_back(map.at("target")[0]);
  }
  EXPECT_EQ(targets, (std::vector<std::string>{"class 1 rather than class 0", "class 3 rather than class 0"}));
}

TEST_F(ExploreVerb, ContributionsOfEveryBlockAddUpToTheScoreAndTheirMeanIsTheSumOfLibrasMap) {
  ASSERT_EQ(explore({at("a.png"), "-o", at("page.html")}).exit_code, 0);
  const Json content = picture(0);
  ASSERT_EQ(content.at("why").size(), 3U) << "one for each explained class";
  for (const Json& why : content.at("why")) {
    double mean = 0;
    ASSERT_EQ(why.at("blocks").size(), 2U);
    for (const Json& block : why.at("blocks")) {
      double sum = block.at("patches").get<double>() + block.at("biases").get<double>();
      for (const Json& token : block.at("prefix")) sum += token.get<double>();
      EXPECT_NEAR(sum, why.at("score").get<double>(), 1e-4);
      mean += block.at("patches").get<double>() / 2;
      EXPECT_EQ(block.at("heads").size(), heading().at("heads").get<std::size_t>());
    }
    bool found = false;
    for (const Json& map : content.at("maps")) {
      if (map.at("method") != "libra" || map.at("target") != why.at("target")) continue;
      found = true;
      EXPECT_NEAR(std::stod(map.at("sum").get<std::string>().substr(std::string("patches ").size())), mean, 0.0051);
    }
    EXPECT_TRUE(found) << why.at("target");
  }
  ASSERT_EQ(explore({at("a.png"), "-o", at("page.html"), "--attention", "mean", "--attention-blocks", "1"}).exit_code,
            0);
  const Json summed = picture(0).at("why")[0].at("blocks");
  ASSERT_EQ(summed.size(), 1U) << "blocks as of the attention";
  ASSERT_EQ(summed[0].at("heads").size(), 1U) << "all heads together";
  const Json all = content.at("why")[0].at("blocks")[1].at("heads");
  double from_patches = 0;
  for (const Json& head : all) from_patches += head[0].get<double>();
  EXPECT_NEAR(summed[0].at("heads")[0][0].get<double>(), from_patches, 1e-4);
  for (const std::vector<std::string>& without :
       {std::vector<std::string>{"--attention", "none"}, {"--method", "generic"}, {"--start-block", "1"}}) {
    std::vector<std::string> arguments{at("a.png"), "-o", at("page.html")};
    arguments.insert(arguments.end(), without.begin(), without.end());
    ASSERT_EQ(explore(arguments).exit_code, 0) << without[0];
    EXPECT_FALSE(picture(0).contains("why")) << without[0];
  }
}

TEST_F(ExploreVerb, KeepsTheAttentionThatIsAskedFor) {
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {at("a.png"), "-o", at("page.html")});
    const auto result = explore(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return elements(R"(class="attention")").at(0);
  };
  const std::string all = run({});
  EXPECT_EQ(heading().at("blocks"), Json({0, 1}));
  EXPECT_EQ(heading().at("mean_heads"), false);
  const std::string mean = run({"--attention", "mean"});
  EXPECT_EQ(heading().at("mean_heads"), true);
  EXPECT_LT(mean.size(), all.size());
  EXPECT_LT(run({"--attention-blocks", "1"}).size(), all.size());
  EXPECT_EQ(heading().at("blocks"), Json({1}));
  EXPECT_EQ(run({"--attention-blocks", "1,0-1"}), all);
  EXPECT_THAT(run({"--attention", "none"}), IsEmpty());
  EXPECT_EQ(heading().at("blocks"), Json::array());
}

TEST_F(ExploreVerb, ThePageIsTheSameForAnyThreadsAndBatch) {
  const auto run = [&](const char* threads, const char* batch) {
    EXPECT_EQ(explore({at("a.png"), at("c.png"), at("a.png"), "-o", at("page.html"), "-t", threads, "--batch", batch})
                  .exit_code,
              0);
    return read_text(folder_ / "page.html");
  };
  const std::string one = run("1", "1");
  EXPECT_EQ(run("3", "1"), one);
  EXPECT_EQ(run("2", "2"), one);
}

TEST_F(ExploreVerb, MistakesAreExitTwoAndWriteNothing) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{at("a.png")}, "-o is missing"},
      {{"-o", at("page.html")}, "no PATH is given"},
      {{at("a.png"), "-o", at("a.png")}, "is the input"},
      {{at("a.png"), "-o", at("page.html"), "--attention", "som"}, "expected one of auto"},
      {{at("a.png"), "-o", at("page.html"), "--attention-blocks", "2"}, "expected blocks of 0 to 1"},
      {{at("a.png"), "-o", at("page.html"), "--attention-blocks", "1-0"}, "expected blocks of 0 to 1"},
      {{at("a.png"), "-o", at("page.html"), "--attention-blocks", "0,"}, "expected blocks of 0 to 1"},
      {{at("a.png"), "-o", at("page.html"), "--attention-blocks", "-"}, "expected blocks of 0 to 1"},
      {{at("a.png"), "-o", at("page.html"), "--method", "rolout"}, "did you mean 'rollout'?"}};
  for (const auto& [arguments, expected] : mistakes) {
    const auto result = explore(arguments);
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_THAT(result.err, HasSubstr(expected));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "page.html"));
}

TEST_F(ExploreVerb, APageThatCannotBeWrittenIsExitThreeAndTheOldOneStays) {
  write_text(folder_ / "page.html", "old");
  ProcessOptions limited;
  limited.file_size_limit = 20'000;
  const auto result = run_fovea({"explore", "-m", at("model"), at("a.png"), "-o", at("page.html")}, limited);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_EQ(read_text(folder_ / "page.html"), "old");
}

}  // namespace
}  // namespace fovea::test
