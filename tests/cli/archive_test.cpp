// Tar archives as inputs: rows are those of the same files in a folder, and a batch goes on where it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/tar_writer.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Archives : public ::testing::Test {
 protected:
  Archives() {
    write_tiny_model_folder(folder_ / "model");
    fs::create_directory(folder_ / "temporary");
    for (int shard = 0; shard < 3; ++shard) {
      std::vector<std::pair<std::string, std::string>> files;
      for (int i = 0; i < 4; ++i) {
        const std::string name = std::to_string(i) + ".png";
        const fs::path file = folder_ / ("in/" + std::to_string(shard) + ".tar/" + name);
        write_picture(file, 40, 50, 10 * shard + i);
        if (shard == 1 && i == 2) write_text(file, "no picture");
        files.emplace_back(name, read_text(file));
        files.emplace_back(std::to_string(i) + ".cls", std::to_string(i));
      }
      write_text(folder_ / ("tars/" + std::to_string(shard) + ".tar"), make_tar(files));
    }
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] ProcessResult batch(const std::string& input, const std::string& out,
                                    const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"batch", at(input), "-o", at(out), "-m", at("model"), "-f", "jsonl"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ProcessOptions process;
    process.environment = {"TMPDIR=" + at("temporary")};
    return run_fovea(arguments, process);
  }
  /// NAME.gz, by the program that every system has.
  [[nodiscard]] bool gzip(const std::string& name) const {
    return std::system(("gzip -nc " + at(name) + " > " + at(name) + ".gz").c_str()) == 0;
  }
  /// With the paths of the folder in place of the archives', and without the time of the file.
  [[nodiscard]] std::string plain_rows(const std::string& out) const {
    std::string rows = std::regex_replace(read_text(folder_ / out / "results.jsonl"), std::regex("\\.tar\\.gz"), ".tar");
    rows = std::regex_replace(rows, std::regex("tars/([0-9]).tar#"), "in/$1.tar/");
    return std::regex_replace(rows, std::regex("\"mtime_ns\":[0-9]+"), "");
  }
  TempFolder folder_;
};

TEST_F(Archives, GiveTheRowsAndOverlaysOfTheSameFilesInAFolder) {
  ASSERT_EQ(batch("tars/{0..2}.tar", "out").exit_code, 1);  // one is no picture
  ASSERT_EQ(batch("in", "whole").exit_code, 1);
  EXPECT_EQ(plain_rows("out"), plain_rows("whole"));
  EXPECT_THAT(read_text(folder_ / "out/results.jsonl"), HasSubstr("tars/1.tar#2.png: file is text"));
  EXPECT_EQ(read_text(folder_ / "out/overlays/2.tar/3.png.rollout.png"),
            read_text(folder_ / "whole/overlays/2.tar/3.png.rollout.png"));
}

TEST_F(Archives, AreContinuedMemberByMemberAndDoneAgainWhereTheyHaveChanged) {
  ASSERT_EQ(batch("tars/{0..1}.tar", "out").exit_code, 1);
  EXPECT_THAT(batch("tars/{0..2}.tar", "out").err, HasSubstr("(7 kept from before)"));
  EXPECT_THAT(batch("tars/{0..2}.tar", "out").err, HasSubstr("(11 kept from before)"));
  const std::string rows = read_text(folder_ / "out/results.jsonl");
  fs::last_write_time(folder_ / "tars/0.tar", fs::file_time_type::clock::now() + std::chrono::seconds(10));
  EXPECT_THAT(batch("tars/{0..2}.tar", "out").err, HasSubstr("(7 kept from before)"));
  EXPECT_NE(read_text(folder_ / "out/results.jsonl"), rows);  // the time of the archive
  // A member that is gone loses its row.
  write_text(folder_ / "tars/2.tar", make_tar({{"0.png", read_text(folder_ / "in/2.tar/0.png")}}));
  EXPECT_THAT(batch("tars/{0..2}.tar", "out").err, HasSubstr("3 removed as their files are gone"));
  EXPECT_EQ(batch("tars/0.tar", "out").exit_code, 2);  // the rows of the others would be lost
}

TEST_F(Archives, MayBeCompressed) {
  for (int shard = 0; shard < 3; ++shard) {
    ASSERT_TRUE(gzip("tars/" + std::to_string(shard) + ".tar"));
  }
  ASSERT_EQ(batch("tars/{0..2}.tar.gz", "out").exit_code, 1);  // one is no picture
  ASSERT_EQ(batch("in", "whole").exit_code, 1);
  EXPECT_EQ(plain_rows("out"), plain_rows("whole"));
  EXPECT_THAT(batch("tars/{0..2}.tar.gz", "out").err, HasSubstr("(11 kept from before)"));
  EXPECT_TRUE(fs::is_empty(folder_ / "temporary"));
}

TEST_F(Archives, InFoldersAreReadByTheNameOfTheFolder) {
  write_picture(folder_ / "tars/9.png", 40, 50, 99);
  write_text(folder_ / "tars/empty.tar", make_tar({{"a.txt", "x"}}));
  write_text(folder_ / "tars/torn.tar", "no archive");
  fs::create_directories(folder_ / "tars/deep");
  fs::rename(folder_ / "tars/2.tar", folder_ / "tars/deep/2.tar");
  const auto first = batch("tars", "out");
  ASSERT_EQ(first.exit_code, 1);  // one is no picture, and one no archive
  std::vector<std::string> names;
  for (const auto& row : first.json_lines()) {
    if (row.at("type") != "summary") names.push_back(row.at("path").get<std::string>().substr(at("tars/").size()));
  }
  EXPECT_THAT(names, ElementsAre("0.tar#0.png", "0.tar#1.png", "0.tar#2.png", "0.tar#3.png", "1.tar#0.png",
                                 "1.tar#1.png", "1.tar#2.png", "1.tar#3.png", "9.png", "deep/2.tar#0.png",
                                 "deep/2.tar#1.png", "deep/2.tar#2.png", "deep/2.tar#3.png", "torn.tar"));
  EXPECT_TRUE(fs::exists(folder_ / "out/overlays/deep/2.tar/3.png.rollout.png"));
  EXPECT_THAT(batch("tars", "out").err, HasSubstr("(12 kept from before)"));
  fs::remove(folder_ / "tars/0.tar");
  EXPECT_THAT(batch("tars", "out").err, HasSubstr("4 removed as their files are gone"));
}

TEST_F(Archives, InFoldersThatAreCompressedAreCountedAndNotRead) {
  ASSERT_TRUE(gzip("tars/0.tar"));
  fs::copy(folder_ / "tars/0.tar.gz", folder_ / "tars/1.TGZ");
  const auto result = batch("tars", "out");
  EXPECT_THAT(result.err, HasSubstr("warning: 2 archives in folders give no pictures, such as " + at("tars/0.tar.gz") +
                                    "\nhint: compressed archives are read where they are named"));
  EXPECT_EQ(result.json_lines().size(), 13U);
  for (int shard = 0; shard < 3; ++shard) fs::remove(folder_ / ("tars/" + std::to_string(shard) + ".tar"));
  const auto nothing = batch("tars", "nothing");
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("only .gz, .tgz files\nhint: compressed archives are read where they are named"));
}

TEST_F(Archives, InFoldersAreSharedByShardsAsFilesAre) {
  for (const char* shard : {"0/2", "1/2"}) EXPECT_LE(batch("tars", "out", {"--shard", shard}).exit_code, 1);
  ASSERT_EQ(run_fovea({"merge", at("out")}).exit_code, 0);
  ASSERT_EQ(batch("in", "whole").exit_code, 1);
  EXPECT_EQ(plain_rows("out"), plain_rows("whole"));
}

TEST_F(Archives, InALabelledFolderHaveTheirOwnLabelsOrTheFoldersAndAreNoClass) {
  fs::create_directories(folder_ / "kinds");
  const auto one = [&](const std::string& shade) { return read_text(folder_ / ("in/0.tar/" + shade + ".png")); };
  write_text(folder_ / "kinds/0.tar", make_tar({{"a.png", one("0")}, {"a.cls", "1"}, {"b.png", one("1")}}));
  write_text(folder_ / "kinds/2/x.tar", make_tar({{"c.png", one("2")}}));
  write_text(folder_ / "kinds/2/y.tar.gz", "");
  const auto result = run_fovea({"eval", at("kinds"), "-m", at("model")});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("warning: 1 archive in folders gives no picture, such as " +
                                    at("kinds/2/y.tar.gz") + ": compressed archives are read where they are named"));
  EXPECT_THAT(result.err, HasSubstr("0.tar#b.png: the picture has no class: it lies in no folder that could name one"));
  EXPECT_THAT(result.out, HasSubstr("measured on 2 pictures"));
}

TEST_F(Archives, ThatHoldNoPictureAreARowWhereTheyWereNamed) {
  write_text(folder_ / "empty.tar", make_tar({{"a.txt", "x"}}));
  const auto result = batch("empty.tar", "out");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("empty.tar: the archive holds no picture, expected some"));
}

TEST_F(Archives, ThatTheDiskHasNoRoomForAreARow) {
  if (sanitizers() == "thread") GTEST_SKIP() << "ThreadSanitizer writes a file of its own there at its start";
  const std::string tar = at("tars/0.tar");
  ASSERT_TRUE(gzip("tars/0.tar"));
  ProcessOptions full;
  full.environment = {"TMPDIR=" + at("temporary")};
  full.file_size_limit = 1000;  // bytes
  const auto result = run_fovea({"classify", tar + ".gz", at("in/0.tar/0.png"), "-m", at("model"), "-f", "jsonl"}, full);
  EXPECT_EQ(result.exit_code, 1);
  const auto rows = result.json_lines();
  ASSERT_EQ(rows.size(), 3U) << result.out;  // and the summary
  EXPECT_EQ(rows[0].at("code"), "unreadable");
  EXPECT_THAT(rows[0].at("message").get<std::string>(),
              HasSubstr("tars/0.tar.gz: cannot be unpacked: " + at("temporary") + ": "));
  EXPECT_EQ(rows[1].at("type"), "result");
}

TEST_F(Archives, AreSharedByShardsAsFoldersAre) {
  for (const char* shard : {"0/2", "1/2"}) EXPECT_LE(batch("tars/{0..2}.tar", "out", {"--shard", shard}).exit_code, 1);
  ASSERT_EQ(run_fovea({"merge", at("out")}).exit_code, 0);
  ASSERT_EQ(batch("in", "whole").exit_code, 1);
  EXPECT_EQ(plain_rows("out"), plain_rows("whole"));
}

TEST_F(Archives, HoldTheTrueClassBesideThePicture) {
  const auto result = run_fovea({"explain", at("tars/0.tar"), "-o", at("maps"), "-m", at("model"), "--method",
                                 "generic", "--target", "true", "-f", "jsonl"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = result.json_lines();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(rows.at(i).at("maps").at(0).at("target").at("class_index"), i);
}

TEST_F(Archives, AreMeasuredByTheLabelsBesideThePictures) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < 4; ++i) {
    const std::string key = std::to_string(i);
    files.emplace_back(key + ".png", read_text(folder_ / ("in/0.tar/" + key + ".png")));
    files.emplace_back(key + ".json", R"({"class": )" + key + R"(, "other": "x"})");
  }
  files.emplace_back("none.png", files[0].second);
  write_text(folder_ / "json.tar", make_tar(files));
  const auto eval = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"eval", "-m", at("model"), "-f", "json", "-q"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_fovea(all);
  };
  const auto by_cls = eval({at("tars/{0..0}.tar")});
  ASSERT_EQ(by_cls.exit_code, 0) << by_cls.err;
  const auto by_json = eval({at("json.tar"), "--label-key", "class"});
  EXPECT_EQ(by_json.exit_code, 1);  // one picture has no class
  EXPECT_THAT(by_json.err, HasSubstr("json.tar#none.png: the picture has no class"));
  const auto first = nlohmann::json::parse(by_cls.out);
  const auto second = nlohmann::json::parse(by_json.out);
  EXPECT_EQ(first.at("labels"), "archives");
  for (const char* figure : {"pictures", "right", "top1"}) {
    EXPECT_EQ(first.at("models").at(0).at(figure), second.at("models").at(0).at(figure)) << figure;
  }
  EXPECT_EQ(first.at("models").at(0).at("pictures"), 4);
  EXPECT_EQ(eval({at("in"), "--label-key", "class"}).exit_code, 2);
  EXPECT_THAT(eval({at("tars/{2..3}.tar")}).err, HasSubstr("tars/3.tar: no such file, expected a tar archive"));
}

TEST_F(Archives, AreLearnedFromAndTheirPicturesFeaturesKept) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < 4; ++i) {
    const std::string key = std::to_string(i);
    files.emplace_back(key + ".png", read_text(folder_ / ("in/0.tar/" + key + ".png")));
    files.emplace_back(key + ".cls", i % 2 == 0 ? "even" : "odd");
  }
  write_text(folder_ / "kinds.tar", make_tar(files));
  const auto learn = [&] {
    const auto result = run_fovea({"learn", at("kinds.tar"), "-m", at("model"), "-o", at("mine.safetensors"), "-q"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::string features;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "mine.features")) {
      if (entry.path().extension() == ".features") features += read_text(entry.path());
    }
    return std::pair(features, read_text(folder_ / "mine.safetensors"));
  };
  const auto first = learn();
  EXPECT_EQ(first == learn(), true);
}

TEST_F(Archives, ThatAreDamagedKeepTheirGoodMembersAndHaveARowForTheRest) {
  fs::resize_file(folder_ / "tars/0.tar", 3000);
  const auto result = run_fovea({"classify", at("tars/0.tar"), at("tars/9.tar"), "-m", at("model"), "-f", "jsonl"});
  EXPECT_EQ(result.exit_code, 1);
  std::vector<std::string> ends;
  for (const auto& row : result.json_lines()) {
    if (row.at("type") == "summary") continue;
    ends.push_back(row.contains("code") ? row.at("message").get<std::string>() : row.at("path").get<std::string>());
  }
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends[0], at("tars/0.tar#0.png"));
  EXPECT_THAT(ends[1], HasSubstr("tars/0.tar: the archive is cut short"));
  EXPECT_THAT(ends[2], HasSubstr("tars/9.tar: no such file"));
}

}  // namespace
}  // namespace fovea::test
