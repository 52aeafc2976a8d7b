// Exit code 2, help, version, configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::vector<std::string> kVerbs{"classify", "explain", "explore", "batch", "embed", "inspect", "doctor", "bench"};

TEST(Usage, EveryMistakeIsExitTwoWithASentenceAndAHint) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{}, "no verb"},
      {{"clasify", "x"}, "did you mean 'classify'?"},
      {{"classify"}, "no PATH is given"},
      {{"classify", "x", "--fromat", "json"}, "did you mean '--format'?"},
      {{"classify", "x", "-f", "jsn"}, "did you mean 'json'?"},
      {{"classify", "x", "-Z"}, "unknown option -Z"},
      {{"classify", "x", "-k", "0"}, "expected a whole number from 1"},
      {{"classify", "x", "-k", "many"}, "expected a whole number from 1"},
      {{"classify", "x", "-t", "-3"}, "expected a whole number from 1"},
      {{"classify", "x", "--max-pixels", "-1"}, "expected a whole number from 1"},
      {{"classify", "x", "-k"}, "--top-k"},
      {{"classify", "-", "-"}, "standard input"},
      {{"classify", "-", "--files-from", "-"}, "standard input"},
      {{"explain", "x"}, "-o is missing"},
      {{"explain", "x", "-o", "y", "--alpha", "2"}, "--alpha"},
      {{"explain", "x", "-o", "y", "--colormap", "infrno"}, "did you mean 'inferno'?"},
      {{"batch", "x"}, "-o is missing"},
      {{"inspect", "a", "b"}, "expected one"},
      {{"bench", "--arch", "vit_bas_patch16_224"}, "vit_base_patch16_224"},
      {{"classify", "x", "--config", "/nowhere/fovea.toml"}, "no such file"},
  };
  for (const auto& [arguments, expected] : mistakes) {
    const auto result = run_fovea(arguments);
    EXPECT_EQ(result.exit_code, 2) << expected;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, StartsWith("fovea: error: "));
    EXPECT_THAT(result.err, HasSubstr(expected));
  }
}

TEST(Usage, NoInputIsExitTwo) {
  const TempFolder folder;
  const auto result = run_fovea({"classify", folder.path().string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("no image was found"));
}

TEST(Usage, HelpGoesToStandardOutputAndShowsThreeExamples) {
  EXPECT_EQ(run_fovea({"-h"}).exit_code, 0);
  for (const std::string& verb : kVerbs) {
    EXPECT_THAT(run_fovea({"--help"}).out, HasSubstr(verb));
    const auto help = run_fovea({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.err, IsEmpty());
    const std::string examples = help.out.substr(help.out.find("Examples:"));
    EXPECT_EQ(std::count(examples.begin(), examples.end(), '\n'), 4) << help.out;
    EXPECT_THAT(help.out, HasSubstr("--threads"));
  }
}

TEST(Usage, VersionIsShortAndWithVerboseNamesWhatItWasBuiltWith) {
  const auto plain = run_fovea({"--version"});
  EXPECT_EQ(plain.exit_code, 0);
  EXPECT_EQ(std::count(plain.out.begin(), plain.out.end(), '\n'), 1);
  for (const auto& arguments :
       {std::vector<std::string>{"--version", "-v"}, {"-v", "--version"}, {"bench", "--version", "-v"}}) {
    const auto verbose = run_fovea(arguments);
    EXPECT_EQ(verbose.exit_code, 0);
    for (const char* word : {"commit", "compiler", "oneDNN", "isa"}) EXPECT_THAT(verbose.out, HasSubstr(word));
  }
}

class Configuration : public ::testing::Test {
 protected:
  Configuration() {
    write_tiny_model_folder(folder_ / "model");
    write_picture(folder_ / "a.png", 40, 40);
  }
  /// How many classes are printed.
  std::size_t classes(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) const {
    arguments.insert(arguments.begin(), {"classify", "-f", "jsonl", (folder_ / "a.png").string()});
    ProcessOptions options;
    options.environment = environment;
    options.environment.push_back("FOVEA_MODEL=" + (folder_ / "model").string());
    const auto result = run_fovea(arguments, options);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.json_lines().at(0).at("predictions").size();
  }
  std::string config(std::string_view text) const {
    write_text(folder_ / "fovea.toml", text);
    return (folder_ / "fovea.toml").string();
  }
  TempFolder folder_;
};

TEST_F(Configuration, AFlagBeatsTheEnvironmentWhichBeatsTheFileWhichBeatsTheDefault) {
  const std::string file = config("top-k = 2\n");
  EXPECT_EQ(classes({}), 5U);
  EXPECT_EQ(classes({"--config", file}), 2U);
  EXPECT_EQ(classes({"--config", file}, {"FOVEA_TOP_K=3"}), 3U);
  EXPECT_EQ(classes({"--config", file, "-k", "4"}, {"FOVEA_TOP_K=3"}), 4U);
}

TEST_F(Configuration, SectionsAreForTheirVerbAndOneFileServesAll) {
  EXPECT_EQ(classes({"--config", config("alpha = 0.5\nmethod = [\"rollout\"]\nquiet = true\n[batch]\ntop-k = 1\n"
                                        "[classify]\ntop-k = 3\n")}),
            3U);
}

TEST_F(Configuration, UnknownKeysSectionsAndWrongValuesAreUsageErrors) {
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, std::string>>{{"top-j = 3\n", "did you mean 'top-k'?"},
                                                        {"[clasify]\ntop-k = 3\n", "did you mean 'classify'?"},
                                                        {"[classify]\nalpha = 0.5\n", "unknown option alpha"},
                                                        {"top-k = \"x\"\n", "expected a whole number"}}) {
    const auto result = run_fovea({"classify", (folder_ / "a.png").string(), "--config", config(text)});
    EXPECT_EQ(result.exit_code, 2) << text;
    EXPECT_THAT(result.err, HasSubstr(expected)) << text;
  }
}

TEST_F(Configuration, NoFileIsReadThatWasNotNamed) {
  config("top-k = 1\n");
  ProcessOptions options;
  options.folder = folder_.path();
  options.environment = {"FOVEA_MODEL=" + (folder_ / "model").string(), "XDG_CONFIG_HOME=" + folder_.path().string(),
                         "HOME=" + folder_.path().string()};
  const auto result = run_fovea({"classify", "-f", "jsonl", "a.png"}, options);
  EXPECT_EQ(result.json_lines().at(0).at("predictions").size(), 5U);
}

TEST(Documentation, ManPageAndCompletionsKnowEveryVerbAndOption) {
  const auto man = run_fovea({"manpage"});
  EXPECT_EQ(man.exit_code, 0);
  EXPECT_THAT(man.out, StartsWith(".TH FOVEA 1"));
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto completions = run_fovea({"completions", shell});
    EXPECT_EQ(completions.exit_code, 0);
    for (const char* word : {"classify", "head-fusion", "save-logits", "rollout", "inferno", "arch"}) {
      EXPECT_THAT(completions.out, HasSubstr(word)) << shell;
    }
    EXPECT_THAT(completions.out, Not(HasSubstr("manpage")));
  }
  for (const char* word : {"fovea classify", "\\-\\-head\\-fusion", "\\-\\-threads", "FOVEA_TOP_K", "EXIT STATUS"}) {
    EXPECT_THAT(man.out, HasSubstr(word));
  }
  EXPECT_EQ(run_fovea({"completions", "tcsh"}).exit_code, 2);
}

TEST(Documentation, TheShellTakesTheCompletions) {
  if (!std::filesystem::exists("/bin/bash")) GTEST_SKIP() << "no bash";
  const TempFolder folder;
  write_text(folder / "fovea.bash", run_fovea({"completions", "bash"}).out);
  const std::string script = "source '" + (folder / "fovea.bash").string() +
                             "'; COMP_WORDS=(fovea classify --for); COMP_CWORD=2; _fovea; echo \"${COMPREPLY[*]}\";"
                             "COMP_WORDS=(fovea classify -f js); COMP_CWORD=3; _fovea; echo \"${COMPREPLY[*]}\"";
  Process bash({"-c", script}, {}, "/bin/bash");
  EXPECT_EQ(bash.wait().out, "--format\njson jsonl\n");
}

}  // namespace
}  // namespace fovea::test
