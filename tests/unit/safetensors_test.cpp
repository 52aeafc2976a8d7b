#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

using test::TempFolder;

/// The message and hint of the error that opening this header and payload gives.
std::string refusal(const std::string& header, std::size_t payload_bytes) {
  const TempFolder folder;
  test::write_raw_safetensors(folder / "x.safetensors", header, payload_bytes);
  try {
    (void)open_checkpoint(folder / "x.safetensors");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
    EXPECT_FALSE(error.hint().empty());
    EXPECT_NE(std::string(error.what()).find("x.safetensors: "), std::string::npos) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(Safetensors, ReadsF32F16AndBf16Exactly) {
  const TempFolder folder;
  const test::TinyTensors tensors{{"a", {{2, 3}, {0.0F, 1.0F, -2.5F, 0.15625F, 1024.0F, -0.0078125F}}},
                                  {"b", {{1}, {3.0F}}}};
  for (const char* dtype : {"F32", "F16", "BF16"}) {
    test::write_safetensors(folder / "x.safetensors", tensors, dtype);
    const auto checkpoint = open_checkpoint(folder / "x.safetensors");
    ASSERT_EQ(checkpoint->tensors().size(), 2U);
    const TensorView* a = checkpoint->find("a");
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->shape, (std::vector<std::size_t>{2, 3}));
    EXPECT_EQ(to_float(*a), tensors.at("a").values) << dtype;
    EXPECT_EQ(checkpoint->find("c"), nullptr);
  }
}

TEST(Safetensors, ShowsFloatsWhereTheyLieIfThatIsAsTheyAreRead) {
  const TempFolder folder;
  const test::TinyTensors tensors{{"a", {{2, 2}, {0.0F, 1.0F, -2.5F, 0.15625F}}}};
  test::write_safetensors(folder / "x.safetensors", tensors, "F32");
  const auto checkpoint = open_checkpoint(folder / "x.safetensors");
  TensorView a = checkpoint->tensors()[0];
  const auto aligned = reinterpret_cast<std::uintptr_t>(a.bytes.data()) % alignof(float) == 0;
  const std::span<const float> floats = floats_in_place(a);
  ASSERT_EQ(floats.size(), aligned ? 4U : 0U);
  if (aligned) {
    EXPECT_EQ(std::vector<float>(floats.begin(), floats.end()), to_float(a));
  }
  a.strides = {1, 2};
  EXPECT_TRUE(floats_in_place(a).empty()) << "not row by row";
  test::write_safetensors(folder / "x.safetensors", tensors, "F16");
  EXPECT_TRUE(floats_in_place(open_checkpoint(folder / "x.safetensors")->tensors()[0]).empty());
  // A header of any length: numbers that begin inside a word are not pointed at.
  for (const char* spaces : {"", " ", "  ", "   "}) {
    test::write_raw_safetensors(folder / "y.safetensors",
                                std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})") + spaces, 8);
    const auto other = open_checkpoint(folder / "y.safetensors");
    const TensorView& b = other->tensors()[0];
    const bool on_a_word = reinterpret_cast<std::uintptr_t>(b.bytes.data()) % alignof(float) == 0;
    EXPECT_EQ(floats_in_place(b).size(), on_a_word ? 2U : 0U);
    EXPECT_EQ(to_float(b).size(), 2U);
  }
}

TEST(Safetensors, ReadsAnEmptyTensorAndTheMetadata) {
  const TempFolder folder;
  test::write_raw_safetensors(
      folder / "x.safetensors",
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}})", 0);
  const auto checkpoint = open_checkpoint(folder / "x.safetensors");
  ASSERT_EQ(checkpoint->tensors().size(), 1U);
  EXPECT_TRUE(to_float(checkpoint->tensors()[0]).empty());
}

TEST(Safetensors, RefusesOverlapsGapsAndWhatLiesOutside) {
  const std::string a = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)";
  EXPECT_NE(refusal(a + R"("b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12).find("overlaps"),
            std::string::npos);
  EXPECT_NE(refusal(a + R"("b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})", 20).find("gap"),
            std::string::npos);
  EXPECT_NE(refusal(a + R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 12).find("cut short"),
            std::string::npos);
  EXPECT_NE(refusal(a + R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 20).find("end of the file"),
            std::string::npos);
}

TEST(Safetensors, RefusesSizesThatDoNotFitTheShapeAndShapesThatOverflow) {
  EXPECT_NE(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8).find("8 bytes, expected 12"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}})", 8)
                .find("no file can hold"),
            std::string::npos);
}

TEST(Safetensors, RefusesMalformedHeaders) {
  for (const char* header :
       {"{", R"({"a":1})", R"({"a":{}})", R"({"a":{"dtype":"F8","shape":[],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
        R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})"}) {
    EXPECT_NE(refusal(header, 4), "accepted") << header;
  }
  EXPECT_NE(
      refusal(
          R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
          0)
          .find("twice"),
      std::string::npos);
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFileOrThanAnyHeader) {
  const TempFolder folder;
  for (const std::string& length : {std::string("\0\0\0\0\0\0\0\x80", 8), std::string("\xFF\0\0\0\0\0\0\0", 8)}) {
    std::ofstream(folder / "x.safetensors", std::ios::binary) << length << "{}";
    try {
      (void)open_checkpoint(folder / "x.safetensors");
      FAIL() << "accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("header's length"), std::string::npos) << error.what();
    }
  }
}

TEST(Safetensors, ReadsAtEveryTruncationWithoutReadingPastTheEnd) {
  const TempFolder folder;
  test::write_safetensors(folder / "x.safetensors", {{"a", {{4}, {1, 2, 3, 4}}}});
  const auto size = std::filesystem::file_size(folder / "x.safetensors");
  for (std::uintmax_t cut = 0; cut < size; ++cut) {
    std::filesystem::resize_file(folder / "x.safetensors", cut);
    EXPECT_THROW((void)open_checkpoint(folder / "x.safetensors"), Error) << cut;
    test::write_safetensors(folder / "x.safetensors", {{"a", {{4}, {1, 2, 3, 4}}}});
  }
}

TEST(Checkpoint, SaysWhatAFileIsNot) {
  const TempFolder folder;
  std::ofstream(folder / "empty.safetensors");
  EXPECT_THROW((void)open_checkpoint(folder / "empty.safetensors"), Error);
  try {
    (void)open_checkpoint(folder / "missing.safetensors");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace fovea
