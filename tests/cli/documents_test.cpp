// The documents hold: their links lead somewhere, and their commands print what they say. CONTRIBUTING.md has the
// conventions of the blocks that are run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/precision.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/transcript.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// README.md and what else a reader of the sources meets; no builds.
std::vector<fs::path> documents() {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(source_dir())) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  for (const char* folder : {"samples", "weights"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source_dir() / folder)) {
      if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
  }
  return found;
}

/// The lines outside of code blocks; the others are empty, so that line numbers stay.
std::vector<std::string> prose_of(const fs::path& document) {
  std::vector<std::string> lines = lines_of(read_text(document));
  bool code = false;
  for (std::string& line : lines) {
    const bool fence = line.starts_with("```");
    if (code || fence) line.clear();
    if (fence) code = !code;
  }
  return lines;
}

/// As GitHub makes an anchor of a heading: "C++" is "c", "Look closer" is "look-closer".
std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

std::set<std::string> anchors_of(const fs::path& document) {
  std::set<std::string> anchors;
  for (const std::string& line : prose_of(document)) {
    const std::size_t level = line.find_first_not_of('#');
    if (level == 0 || level == std::string::npos || line[level] != ' ') continue;
    anchors.insert(anchor_of(line.substr(level + 1)));
  }
  return anchors;
}

/// The targets of `[text](target)`, but code and the web.
std::vector<std::string> links_in(const std::string& line) {
  static const std::regex kCode("`[^`]*`");
  static const std::regex kLink(R"(\]\(([^)\s]+)\))");
  const std::string text = std::regex_replace(line, kCode, "");
  std::vector<std::string> links;
  for (std::sregex_iterator match(text.begin(), text.end(), kLink), end; match != end; ++match) {
    const std::string link = (*match)[1];
    if (link.find("://") == std::string::npos) links.push_back(link);
  }
  return links;
}

TEST(Documents, EveryLinkLeadsToAFileAndItsHeading) {
  std::size_t checked = 0;
  for (const fs::path& document : documents()) {
    for (const std::string& line : prose_of(document)) {
      for (const std::string& link : links_in(line)) {
        const std::size_t hash = link.find('#');
        const std::string file = link.substr(0, hash);
        const fs::path target = file.empty() ? document : document.parent_path() / file;
        ++checked;
        ASSERT_TRUE(fs::exists(target)) << document << " links to " << link;
        if (hash == std::string::npos) continue;
        EXPECT_EQ(anchors_of(target).count(link.substr(hash + 1)), 1U) << document << " links to " << link;
      }
    }
  }
  EXPECT_GT(checked, 20U);
}

TEST(Documents, TheReadmeStaysShort) {
  EXPECT_LE(lines_of(read_text(source_dir() / "README.md")).size(), 160U);
}

TEST(Documents, NoSentenceStartsWithOf) {
  for (const fs::path& document : documents()) {
    const std::vector<std::string> lines = prose_of(document);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(lines[i], std::regex("\\bOf($|[ ,])"))) << document << ':' << i + 1 << lines[i];
    }
  }
}

struct Command {
  std::string text;
  std::vector<std::string> expected;  // lines of both streams
};
struct Block {
  std::string place;  // "README.md:40"
  std::string mark;   // of the comment in the line before: "long", "needs int8", "not run: ..."
  std::vector<Command> commands;
};

std::string mark_in(const std::string& line) {
  constexpr std::string_view kOpen = "<!-- ";
  constexpr std::string_view kClose = " -->";
  if (!line.starts_with(kOpen) || !line.ends_with(kClose)) return {};
  return line.substr(kOpen.size(), line.size() - kOpen.size() - kClose.size());
}

std::vector<Block> blocks_of(const std::string& document) {
  const std::vector<std::string> lines = lines_of(read_text(source_dir() / document));
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i] != "```console") continue;
    Block block{document + ':' + std::to_string(i + 1), i > 0 ? mark_in(lines[i - 1]) : "", {}};
    for (++i; i < lines.size() && lines[i] != "```"; ++i) {
      if (lines[i].starts_with("$ ")) {
        block.commands.push_back({lines[i].substr(2), {}});
      } else if (!block.commands.empty()) {
        block.commands.back().expected.push_back(lines[i]);
      }
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

/// What the block's commands print, run in one shell one after the other.
std::vector<std::string> outputs_of(const Block& block, const fs::path& folder) {
  constexpr char kNext = '\x01';  // stands before the output of each command
  std::string script = "exec 2>&1\nexport PATH=" + program_path().parent_path().string() + ":$PATH LC_ALL=C\n";
  for (const Command& command : block.commands) {
    script += "status=$?; printf '\\001'; (exit $status)\n" + command.text + '\n';
  }
  ProcessOptions options;
  options.folder = folder;
  const ProcessResult result = Process({"-c", script}, options, "/bin/bash").wait();
  std::vector<std::string> outputs;
  std::istringstream stream(result.out.substr(std::min<std::size_t>(1, result.out.size())));
  for (std::string output; std::getline(stream, output, kNext);) outputs.push_back(output);
  outputs.resize(block.commands.size());
  return outputs;
}

bool has_int8() {
  try {
    require_precision(Precision::kInt8);
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool is_run(const Block& block) {
  if (block.mark == "long") return sanitizers().empty();
  if (block.mark == "needs int8") return has_int8();
  constexpr std::string_view kNotRun = "not run: ";
  EXPECT_TRUE(block.mark.empty() || (block.mark.starts_with(kNotRun) && block.mark.size() > kNotRun.size()))
      << block.place << " is marked '" << block.mark << "'";
  return block.mark.empty();
}

/// Runs the blocks in order in one folder; later ones may use what earlier ones wrote.
void expect_what_it_says(const std::string& document) {
  const TempFolder folder;
  fs::copy(source_dir() / "samples", folder / "samples", fs::copy_options::recursive);
  fs::create_directory_symlink(source_dir() / "weights", folder / "weights");
  fs::create_directory(folder / "tools");
  fs::create_symlink(program_path(), folder / "tools/fovea");  // already built
  std::size_t run = 0;
  for (const Block& block : blocks_of(document)) {
    EXPECT_FALSE(block.commands.empty()) << block.place;
    if (!is_run(block)) {
      std::cout << "not run  " << block.place << "  " << block.mark << '\n';
      continue;
    }
    ++run;
    const std::vector<std::string> outputs = outputs_of(block, folder.path());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_TRUE(lines_agree(block.commands[i].expected, lines_of(outputs[i])))
          << block.place << ": " << block.commands[i].text << "\nprints\n"
          << outputs[i];
    }
  }
  std::cout << run << " blocks of " << document << " were run\n";
  EXPECT_GT(run, 0U);
}

TEST(Documents, TheCommandsOfTheReadmePrintWhatItSays) {
  expect_what_it_says("README.md");
}

TEST(Documents, TheCommandsOfTheGuidePrintWhatItSays) {
  expect_what_it_says("GUIDE.md");
}

TEST(Documents, ALineAgreesWithWhatItsEllipsisAndNumbersAllow) {
  EXPECT_TRUE(line_agrees("57.7 %  espresso", "57.6 %  espresso"));
  EXPECT_FALSE(line_agrees("57.7 %  espresso", "57.5 %  espresso"));
  EXPECT_FALSE(line_agrees("57.7 %  espresso", "57.7 %  tabby"));
  EXPECT_TRUE(line_agrees("4 done, 0.1 s; out", "4 done, 12.5 s; out"));
  EXPECT_FALSE(line_agrees("4 done, 0.1 s; out", "3 done, 0.1 s; out"));
  EXPECT_TRUE(line_agrees("fovea: cut: …", "fovea: cut: any reason"));
  EXPECT_FALSE(line_agrees("file … end", "file of another kind"));
  const std::vector<std::string> expected{"first", "…", "last"};
  EXPECT_TRUE(lines_agree(expected, {"first", "a", "b", "last"}));
  EXPECT_TRUE(lines_agree(expected, {"first", "last"}));
  EXPECT_FALSE(lines_agree(expected, {"first", "a", "b"}));
}

}  // namespace
}  // namespace fovea::test
