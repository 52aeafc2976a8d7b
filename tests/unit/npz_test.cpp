#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "support/checkpoint_files.hpp"
#include "support/npy_writer.hpp"
#include "support/temp_folder.hpp"
#include "support/zip_writer.hpp"

namespace fovea {
namespace {

using test::make_npy;
using test::make_npy_with;
using test::make_zip;
using test::raw_bytes;
using test::TempFolder;
using testing::HasSubstr;

std::vector<float> count_up(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.5F);
  return values;
}

std::string refusal_of_array(const std::string& array) {
  return test::refusal_of(make_zip({{.name = "a.npy", .content = array}}), "x.npz");
}

TEST(Npz, ReadsEverySizeStoredAndDeflated) {
  const TempFolder folder;
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 4095U, 4096U, 4097U, 8191U, 8192U, 8193U, 20000U}) {
    for (const bool deflated : {false, true}) {
      const auto values = count_up(size);
      const std::string array = make_npy("<f4", {size}, raw_bytes(values));
      test::write_bytes(folder / "x.npz", make_zip({{.name = "a.npy", .content = array, .deflated = deflated}}));
      const auto checkpoint = open_checkpoint(folder / "x.npz");
      EXPECT_EQ(checkpoint->format(), "npz");
      const TensorView* a = checkpoint->find("a");
      ASSERT_NE(a, nullptr);
      EXPECT_EQ(a->stored_bytes(), size * 4);
      EXPECT_EQ(a->deflated != nullptr, deflated);
      EXPECT_EQ(to_float(*a), values) << size;
    }
  }
}

TEST(Npz, ReadsFortranOrderAsRowMajorInEveryShape) {
  const TempFolder folder;
  const std::vector<std::vector<std::size_t>> shapes = {{},        {5},       {2, 3},       {1, 7},   {7, 1},
                                                        {2, 3, 4}, {2, 0, 3}, {4, 3, 2, 5}, {100, 90}};
  for (const auto& shape : shapes) {
    for (const bool deflated : {false, true}) {
      std::size_t numel = 1;
      std::vector<std::size_t> strides;
      for (const std::size_t size : shape) {
        strides.push_back(numel);
        numel *= size;
      }
      const std::string storage = raw_bytes(count_up(numel));
      const std::string array = make_npy("<f4", shape, storage, true, 2);
      test::write_bytes(folder / "x.npz", make_zip({{.name = "a.npy", .content = array, .deflated = deflated}}));
      const auto checkpoint = open_checkpoint(folder / "x.npz");
      const TensorView& a = checkpoint->tensors()[0];
      EXPECT_EQ(a.shape, shape);
      EXPECT_EQ(test::visited_bytes(a), test::naive_bytes(storage, 4, 0, shape, strides)) << shape_text(shape);
    }
  }
}

TEST(Npz, KnowsNumpysTypesByTheirNames) {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> types = {
      {"<f8", "F64"}, {"<f4", "F32"}, {"<f2", "F16"}, {"|V2", "BF16"}, {"<V2", "BF16"},
      {"<i8", "I64"}, {"<i4", "I32"}, {"<i2", "I16"}, {"|i1", "I8"},   {"<u8", "U64"},
      {"<u4", "U32"}, {"<u2", "U16"}, {"|u1", "U8"},  {"|b1", "BOOL"}};
  for (const auto& [descr, expected] : types) {
    const auto item = static_cast<std::size_t>(descr[2] - '0');
    for (const unsigned version : {1U, 2U, 3U}) {
      const std::string array = make_npy(descr, {3}, std::string(3 * item, '\1'), false, version);
      test::write_bytes(folder / "x.npz", make_zip({{.name = "a.npy", .content = array}}));
      const auto checkpoint = open_checkpoint(folder / "x.npz");
      EXPECT_EQ(name(checkpoint->tensors()[0].dtype), expected) << descr;
    }
  }
}

TEST(Npz, SortsByTheNamesWithoutTheirExtension) {
  const TempFolder folder;
  const std::string array = make_npy("<f4", {}, raw_bytes(count_up(1)));
  test::write_bytes(folder / "x.npz", make_zip({{.name = "a-b.npy", .content = array},
                                                {.name = "a.npy", .content = array},
                                                {.name = "a/b.npy", .content = array}}));
  const auto checkpoint = open_checkpoint(folder / "x.npz");
  for (const char* expected : {"a", "a-b", "a/b"}) EXPECT_NE(checkpoint->find(expected), nullptr) << expected;
}

TEST(Npz, UsesStoredMembersWhereTheyLie) {
  const TempFolder folder;
  const std::string array = make_npy("<f4", {4}, raw_bytes(count_up(4)));
  const std::string file = make_zip({{.name = "a.npy", .content = array}, {.name = "b.npy", .content = array}});
  test::write_bytes(folder / "x.npz", file);
  const auto checkpoint = open_checkpoint(folder / "x.npz");
  const auto distance = checkpoint->find("b")->bytes.data() - checkpoint->find("a")->bytes.data();
  EXPECT_EQ(distance, static_cast<std::ptrdiff_t>(30 + 5 + array.size()));
}

TEST(Npz, RefusesWhatIsNoArrayOfNumbers) {
  const std::string four = raw_bytes(count_up(1));
  EXPECT_THAT(refusal_of_array(make_npy("|O", {1}, four)), HasSubstr("has numpy's type '|O'"));
  EXPECT_THAT(refusal_of_array(make_npy(">f4", {1}, four)), HasSubstr("expected little-endian"));
  EXPECT_THAT(refusal_of_array(make_npy("<c8", {1}, four)), HasSubstr("'<c8'"));
  EXPECT_THAT(refusal_of_array(make_npy_with("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}", four)),
              HasSubstr("arrays of structures are not supported"));
  EXPECT_THAT(refusal_of_array("no array"), HasSubstr("member 'a.npy' does not begin with \\x93NUMPY"));
  EXPECT_THAT(test::refusal_of(make_zip({{.name = "a.npy", .content = make_npy("<f4", {1}, four)},
                                         {.name = "readme", .content = "hello"}}),
                               "x.npz"),
              HasSubstr("member 'readme' is not an array"));
}

TEST(Npz, RefusesHeadersThatAreNoPlainDictionary) {
  const std::string four = raw_bytes(count_up(1));
  for (const char* header :
       {"", "{", "{}", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} 1",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),)}", "{'descr: (1,)}"}) {
    EXPECT_THAT(refusal_of_array(make_npy_with(header, four)), HasSubstr("has a header that is")) << header;
  }
  EXPECT_THAT(refusal_of_array(make_npy("<f4", {1}, four, false, 4)),
              HasSubstr("version 4.0, expected 1.0, 2.0 or 3.0"));
  EXPECT_THAT(refusal_of_array(make_npy_with(std::string(20'000, ' '), four, 2)), HasSubstr("expected at most 10000"));
}

TEST(Npz, RefusesShapesThatDoNotFitTheirBytes) {
  const std::string four = raw_bytes(count_up(1));
  EXPECT_THAT(refusal_of_array(make_npy("<f4", {2}, four)), HasSubstr("has 4 bytes after its header, expected 8"));
  EXPECT_THAT(refusal_of_array(make_npy("<f4", {0}, four)), HasSubstr("has 4 bytes after its header, expected 0"));
  EXPECT_THAT(refusal_of_array(make_npy("<f4", {(1ULL << 62U) + 1}, four)), HasSubstr("which no file can hold"));
}

TEST(Npz, RefusesEveryTruncation) {
  const std::string array = make_npy("<f4", {4}, raw_bytes(count_up(4)));
  const std::string file =
      make_zip({{.name = "a.npy", .content = array}, {.name = "b.npy", .content = array, .deflated = true}});
  ASSERT_EQ(test::refusal_of(file, "x.npz"), "accepted");
  for (std::size_t cut = 0; cut < file.size(); ++cut) {
    EXPECT_NE(test::refusal_of(file.substr(0, cut), "x.npz"), "accepted") << cut;
  }
  // The array cut short, in an archive that is whole.
  for (std::size_t cut = 0; cut < array.size(); ++cut) {
    EXPECT_NE(refusal_of_array(array.substr(0, cut)), "accepted") << cut;
  }
}

TEST(Npz, SaysWhichMemberIsDamagedWhenItIsRead) {
  const std::string array = make_npy("<f4", {64}, raw_bytes(count_up(64)));
  const std::string file = make_zip({{.name = "a.npy", .content = array, .deflated = true, .crc32 = 1}});
  EXPECT_THAT(test::refusal_of(file, "x.npz"), HasSubstr("x.npz: member 'a.npy' has CRC-32"));
}

}  // namespace
}  // namespace fovea
