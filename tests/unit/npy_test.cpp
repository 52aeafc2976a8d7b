#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "fovea/error.hpp"
#include "report/files/documents.hpp"

namespace fovea {
namespace {

using Shape = std::vector<std::size_t>;

NpyArray parse(const std::string& file) {
  return parse_npy_f32(std::as_bytes(std::span(file.data(), file.size())), "x.npy");
}

/// A version 1.0 file with this header and as many zero bytes behind it.
std::string file_with(const std::string& header, std::size_t value_bytes, char version = 1) {
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + header + std::string(value_bytes, '\0');
}

std::string npy_refusal(const std::string& file) {
  try {
    (void)parse(file);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDecode);
    return error.what();
  }
  return "accepted";
}

TEST(Npy, IsByteForByteWhatNumpySaves) {
  // numpy.save(f, numpy.array([[1, 2, 3], [4, 5, -0.5]], dtype='<f4')), numpy 2.4
  const std::vector<float> values{1, 2, 3, 4, 5, -0.5F};
  const std::string file = npy_f32(values, Shape{2, 3});
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  header.resize(117, ' ');
  header += '\n';
  ASSERT_EQ(file.size(), 128 + 24U);
  EXPECT_EQ(file.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(file.substr(10, 118), header);
  EXPECT_EQ(file.substr(128, 4), std::string("\x00\x00\x80\x3f", 4));
  EXPECT_EQ(file.substr(148, 4), std::string("\x00\x00\x00\xbf", 4));
}

TEST(Npy, WritesATupleOfOneWithItsComma) {
  EXPECT_THAT(npy_f32(std::vector<float>(3), Shape{3}), testing::HasSubstr("'shape': (3,), }"));
  EXPECT_THAT(npy_f32(std::vector<float>(1), Shape{}), testing::HasSubstr("'shape': (), }"));
}

TEST(Npy, ComesBackAsItWasForAnyShapeAndStartsItsValuesOnACacheLine) {
  for (const Shape& shape :
       {Shape{}, Shape{0}, Shape{1}, Shape{7, 0, 3}, Shape{14, 14}, Shape{2, 3, 4, 5}, Shape(20, 1), Shape(32, 1)}) {
    std::size_t count = 1;
    for (const std::size_t size : shape) count *= size;
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i) / 3;
    const std::string file = npy_f32(values, shape);
    EXPECT_EQ((file.size() - count * sizeof(float)) % 64, 0U);
    const NpyArray back = parse(file);
    EXPECT_EQ(back.shape, shape);
    EXPECT_EQ(back.values, values);
  }
}

TEST(Npy, KeepsNaNAndInfinity) {
  const std::vector<float> values{std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()};
  const NpyArray back = parse(npy_f32(values, Shape{2}));
  EXPECT_TRUE(std::isnan(back.values[0]));
  EXPECT_EQ(back.values[1], values[1]);
}

TEST(Npy, ReadsHeadersInAnyOrderSpacingQuotesAndVersion) {
  for (const char version : {'\1', '\2', '\3'}) {
    EXPECT_EQ(parse(file_with(R"({"shape":(2,2),"fortran_order":False,"descr":"<f4"})", 16, version)).shape,
              (Shape{2, 2}));
  }
  EXPECT_EQ(parse(file_with("{ 'shape' : ( 4 , ) , 'descr' : '<f4' , 'fortran_order' : False }  \n", 16)).shape,
            Shape{4});
}

TEST(Npy, RefusesAFileCutAtAnyByteOrTooLong) {
  const std::string file = npy_f32(std::vector<float>(3, 1.0F), Shape{3});
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_NE(npy_refusal(file.substr(0, size)), "accepted") << size;
  }
  EXPECT_EQ(npy_refusal(file + "x"), "x.npy: values are 13 bytes, expected 12 for shape (3)");
}

TEST(Npy, RefusesWhatItCannotBeAndSaysWhy) {
  const auto header = [](const std::string& descr, const std::string& order, const std::string& shape) {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  };
  EXPECT_EQ(npy_refusal("not an array at all"), "x.npy: file is not a .npy file, expected numpy's magic bytes");
  EXPECT_EQ(npy_refusal(file_with(header("'<f4'", "False", "(1,)"), 4, 9)),
            "x.npy: .npy version is 9, expected 1, 2 or 3");
  EXPECT_EQ(npy_refusal(file_with(header("'<f8'", "False", "(1,)"), 8)),
            "x.npy: type is '<f8', expected '<f4' (little-endian float32)");
  EXPECT_EQ(npy_refusal(file_with(header("'>f4'", "False", "(1,)"), 4)),
            "x.npy: type is '>f4', expected '<f4' (little-endian float32)");
  EXPECT_EQ(npy_refusal(file_with(header("'<f4'", "True", "(1,)"), 4)),
            "x.npy: fortran_order is not False, expected False (C order)");
  EXPECT_EQ(npy_refusal(file_with("{'descr': '<f4', 'shape': (1,)}", 4)),
            "x.npy: header is incomplete, expected descr, fortran_order and shape");
  for (const char* shape : {"(-1,)", "(1.5,)", "('a',)", "(,)", "3", "(1 2)", "(99999999999999999999999,)"}) {
    EXPECT_NE(npy_refusal(file_with(header("'<f4'", "False", shape), 4)), "accepted") << shape;
  }
  // Products that wrap around to the bytes that are there.
  for (const char* shape : {"(4294967296, 4294967296)", "(9223372036854775808, 2)", "(4611686018427387905,)"}) {
    EXPECT_NE(npy_refusal(file_with(header("'<f4'", "False", shape), 4)), "accepted") << shape;
    EXPECT_NE(npy_refusal(file_with(header("'<f4'", "False", shape), 0)), "accepted") << shape;
  }
  const std::string twice = "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
  EXPECT_NE(npy_refusal(file_with(twice, 4)), "accepted");
  EXPECT_NE(npy_refusal(file_with(header("'<f4'", "False", "(1,)") + " os.system()", 4)), "accepted");
  std::string many = "(";
  for (int i = 0; i < 33; ++i) many += "1,";
  EXPECT_NE(npy_refusal(file_with(header("'<f4'", "False", many + ")"), 4)), "accepted");
}

}  // namespace
}  // namespace fovea
