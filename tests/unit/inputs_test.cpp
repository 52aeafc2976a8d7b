#include "pipeline/folder/inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Input> list(const std::vector<std::string>& arguments, bool recurse = false,
                        const std::filesystem::path& output = {}) {
  return list_inputs(arguments, {recurse, output});
}

std::vector<std::string> names(const std::vector<Input>& inputs) {
  std::vector<std::string> names;
  for (const Input& input : inputs) names.push_back(input.name);
  return names;
}

class Inputs : public ::testing::Test {
 protected:
  void touch(const std::string& name) const { write_text(folder_ / name, "x"); }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  TempFolder folder_;
};

TEST_F(Inputs, AFolderGivesItsImagesInNaturalOrderWithoutHiddenAndForeignFiles) {
  for (const char* name : {"img10.jpg", "img2.JPG", "img1.Png", ".hidden.jpg", "notes.txt", "b/c.jpg", "noextension"}) {
    touch(name);
  }
  EXPECT_THAT(names(list({folder_.path().string()})), ElementsAre("img1.Png", "img2.JPG", "img10.jpg"));
}

TEST_F(Inputs, PicturesOfPhonesAreListedAndWhatIsLeftOutIsNamedByItsExtension) {
  for (const char* name : {"a.heic", "b.AVIF", "c.jxl", "d.hif", "e.cr2", "f.CR2", "g.txt", ".h.mov", "noextension"}) {
    touch(name);
  }
  const std::vector<std::string> folder{folder_.path().string()};
  EXPECT_THAT(names(list(folder)), ElementsAre("a.heic", "b.AVIF", "c.jxl", "d.hif"));
  EXPECT_THAT(skipped_extensions(folder, {}), ElementsAre(".cr2", ".txt"));
}

TEST_F(Inputs, RecursionGoesIntoVisibleFoldersAndNamesAreRelativeToTheArgument) {
  for (const char* name : {"a.jpg", "sub/b.jpg", "sub/deep/c.jpg", ".git/d.jpg"}) touch(name);
  const auto inputs = list({folder_.path().string()}, true);
  EXPECT_THAT(names(inputs), ElementsAre("a.jpg", "sub/b.jpg", "sub/deep/c.jpg"));
  EXPECT_EQ(inputs[2].path, at("sub/deep/c.jpg"));
}

TEST_F(Inputs, ATrailingSlashIsNotDoubledInPaths) {
  touch("a.jpg");
  EXPECT_EQ(list({folder_.path().string() + "/"}).at(0).path, at("a.jpg"));
}

TEST_F(Inputs, ArgumentsKeepTheirOrderAndNamedFilesAreAlwaysTried) {
  for (const char* name : {"z.txt", "a.jpg"}) touch(name);
  const auto inputs = list({at("z.txt"), at("missing"), at("a.jpg")});
  EXPECT_THAT(names(inputs), ElementsAre("z.txt", "missing", "a.jpg"));
  for (const Input& input : inputs) EXPECT_FALSE(input.failure);
}

TEST_F(Inputs, AFolderCalledLikeAnImageIsOneFailureWithoutRecursion) {
  touch("x.png/inside.jpg");
  const auto inputs = list({folder_.path().string()});
  ASSERT_EQ(inputs.size(), 1U);
  ASSERT_TRUE(inputs[0].failure);
  EXPECT_EQ(inputs[0].failure->code, ErrorCode::kUnreadable);
  EXPECT_THAT(inputs[0].failure->message, HasSubstr("x.png: is a folder"));
  EXPECT_TRUE(list({at("x.png")}).at(0).failure);
  EXPECT_THAT(names(list({at("x.png/")})), ElementsAre("inside.jpg"));
}

TEST_F(Inputs, WithRecursionAFolderCalledLikeAnImageIsReadAndFailsOnlyIfNothingIsInIt) {
  touch("x.png/inside.jpg");
  std::filesystem::create_directory(folder_ / "y.png");
  const auto inputs = list({folder_.path().string()}, true);
  EXPECT_THAT(names(inputs), ElementsAre("x.png/inside.jpg", "y.png"));
  EXPECT_FALSE(inputs[0].failure);
  EXPECT_TRUE(inputs[1].failure);
}

TEST_F(Inputs, NothingBelowTheOutputFolderIsRead) {
  for (const char* name : {"a.jpg", "out/overlays/a.jpg", "out/b.jpg"}) touch(name);
  EXPECT_THAT(names(list({folder_.path().string()}, true, folder_ / "out")), ElementsAre("a.jpg"));
  EXPECT_THAT(list({at("out/overlays")}, true, folder_ / "out"), IsEmpty());
  EXPECT_THAT(names(list({at("out/b.jpg")}, true, folder_ / "out")), ElementsAre("b.jpg"));
}

TEST_F(Inputs, ALinkToAFolderAboveDoesNotGoRoundForEver) {
  touch("sub/a.jpg");
  std::filesystem::create_directory_symlink(folder_.path(), folder_ / "sub/up");
  EXPECT_THAT(names(list({folder_.path().string()}, true)), ElementsAre("sub/a.jpg"));
}

TEST_F(Inputs, ListingNeitherWaitsForAFifoNorDropsADanglingLink) {
  ASSERT_EQ(::mkfifo(at("pipe.jpg").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", folder_ / "link.jpg");
  EXPECT_THAT(names(list({folder_.path().string()})), ElementsAre("link.jpg", "pipe.jpg"));
}

TEST_F(Inputs, NamesWithNewlinesQuotesAndBytesThatAreNoUtf8StayAsTheyAre) {
  const std::string weird = "a \"b\"\n'c'\xff.jpg";
  touch(weird);
  EXPECT_EQ(list({folder_.path().string()}).at(0).path, at(weird));
}

TEST_F(Inputs, StandardInputMayStandOnlyOnce) {
  EXPECT_TRUE(list({"-"}).at(0).is_standard_input());
  EXPECT_THROW((void)list({"-", "-"}), Error);
}

TEST(SplitList, LinesOrNulsEndEntriesAndEmptyOnesAreSkipped) {
  EXPECT_THAT(split_list("a b\n\nc", false), ElementsAre("a b", "c"));
  EXPECT_THAT(split_list(std::string("a\nb\0c\0", 6), true), ElementsAre("a\nb", "c"));
  EXPECT_THAT(split_list("", false), IsEmpty());
  EXPECT_THAT(split_list("a\r\n\r\nb\r\nc", false), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split_list("a\r\nb\n", false), ElementsAre("a\r", "b"));
  EXPECT_THAT(split_list("a\r", false), ElementsAre("a\r"));
}

}  // namespace
}  // namespace fovea::test
