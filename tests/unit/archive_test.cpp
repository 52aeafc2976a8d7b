// Pictures in tar archives: which inputs an archive gives, and which names an argument stands for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>

#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/archive/tar.hpp"
#include "pipeline/archive/unpacked.hpp"
#include "support/pictures.hpp"
#include "support/tar_writer.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string bytes_of(const Input& input) {
  const std::vector<std::byte> bytes = read_input_file(input);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Archive : public ::testing::Test {
 protected:
  std::vector<Input> list(const std::string& content) const {
    write_text(path(), content);
    return list_archive(path(), "0.tar", {}, std::make_shared<UnpackedArchives>());
  }
  [[nodiscard]] std::string path() const { return (folder_ / "0.tar").string(); }
  TempFolder folder_;
};

TEST_F(Archive, GivesItsPicturesInItsOwnOrderWithPathNameBytesAndLabel) {
  const auto inputs = list(make_tar({{"b.jpg", "second"},
                                     {"b.cls", " 12\n"},
                                     {"./a/k.x.PNG", std::string(700, 'x')},
                                     {"a/k.json", "{}"},
                                     {".hidden.jpg", "x"},
                                     {"a/k.left.jpg", "left"},
                                     {"a/k.cls", "tabby"},
                                     {"/c.webp", ""}}));
  ASSERT_THAT(inputs, SizeIs(4));
  const std::vector<std::string> names{"b.jpg", "a/k.x.PNG", "a/k.left.jpg", "c.webp"};
  const std::vector<std::string> bytes{"second", std::string(700, 'x'), "left", ""};
  const std::vector<std::optional<std::string>> labels{"12", "tabby", "tabby", std::nullopt};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(inputs[i].path, path() + "#" + names[i]);
    EXPECT_EQ(inputs[i].name, "0.tar/" + names[i]);
    EXPECT_EQ(inputs[i].file, path());
    EXPECT_EQ(bytes_of(inputs[i]), bytes[i]);
    EXPECT_EQ(inputs[i].label, labels[i]);
    EXPECT_FALSE(inputs[i].failure);
    EXPECT_EQ(archive_of(inputs[i].path), path());
  }
}

TEST_F(Archive, WhatIsNoPlainFileIsAFailureOfItsOwn) {
  const auto inputs =
      list(tar_member("link.jpg", "", '2') + tar_member("hard.jpg", "", '1') + tar_member("../../up.jpg", "x") +
           tar_member("folder.jpg/", "", '5') + tar_member("sparse.jpg", "x", 'S') + make_tar({{"fine.jpg", "x"}}));
  ASSERT_THAT(inputs, SizeIs(5));
  const std::vector<std::string> reasons{"is a link", "is a link", "has a name with '..'", "is a sparse file"};
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    ASSERT_TRUE(inputs[i].failure) << i;
    EXPECT_THAT(inputs[i].failure->message, HasSubstr("the member " + reasons[i]));
  }
  EXPECT_EQ(bytes_of(inputs[4]), "x");
}

TEST_F(Archive, WhatLiesBeforeADamageIsReadAndTheDamageIsALastFailure) {
  const std::string whole = make_tar({{"a.jpg", "first"}, {"b.jpg", "second"}});
  for (std::size_t size = 0; size < whole.size(); size += 64) {
    const TarListing listing = list_tar(std::as_bytes(std::span(whole.data(), size)));
    // A member counts once its content is there; an empty block ends the archive.
    EXPECT_EQ(listing.members.size(), size < 512 + 5 ? 0U : size < 1024 + 512 + 6 ? 1U : 2U) << size;
    EXPECT_EQ(listing.damage.empty(), size >= 2048 + 512) << size;
  }
  const auto inputs = list(whole.substr(0, 1400));
  ASSERT_THAT(inputs, SizeIs(2));
  EXPECT_EQ(bytes_of(inputs[0]), "first");
  EXPECT_EQ(inputs[1].path, path());
  EXPECT_EQ(inputs[1].failure->code, ErrorCode::kDecode);
  EXPECT_THAT(inputs[1].failure->message, HasSubstr("0.tar: the archive is cut short"));
  EXPECT_THAT(list(make_tar({{"a.txt", "x"}})), SizeIs(0));
}

TEST_F(Archive, ThatHasBecomeShorterIsAnErrorWhenAMemberIsRead) {
  const auto inputs = list(make_tar({{"a.jpg", std::string(5000, 'x')}}));
  write_text(path(), "short");
  EXPECT_THROW(static_cast<void>(read_input_file(inputs.at(0))), Error);
}

TEST_F(Archive, NamesWithBracesStandForAllShards) {
  EXPECT_THAT(expand_archive_names("s-{008..011}.tar"),
              ElementsAre("s-008.tar", "s-009.tar", "s-010.tar", "s-011.tar"));
  EXPECT_THAT(expand_archive_names("{9..11}.tar"), ElementsAre("9.tar", "10.tar", "11.tar"));
  EXPECT_THAT(expand_archive_names("{a,b}/{0..1}.TAR"), ElementsAre("a/0.TAR", "a/1.TAR", "b/0.TAR", "b/1.TAR"));
  for (const char* same : {"s-{1..2}.jpg", "s-{2..1}.tar", "s-{a..b}.tar", "s-{}.tar", "s-{1.tar", "plain.tar"}) {
    EXPECT_THAT(expand_archive_names(same), ElementsAre(same));
  }
  write_text(folder_ / "{1..2}.tar", "");
  const std::string there = (folder_ / "{1..2}.tar").string();
  EXPECT_THAT(expand_archive_names(there), ElementsAre(there));
  EXPECT_THROW(static_cast<void>(expand_archive_names("{0..999}{0..999}{0..999}.tar")), Error);
}

}  // namespace
}  // namespace fovea::test
