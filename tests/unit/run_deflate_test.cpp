// What run_deflate() packs, zlib unpacks.
#include "image/codec/run_deflate.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace fovea {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes unpacked(const Bytes& packed, std::size_t size) {
  Bytes bytes(size + 1);  // one more than there should be
  uLongf length = bytes.size();
  EXPECT_EQ(uncompress(bytes.data(), &length, packed.data(), packed.size()), Z_OK) << size;
  bytes.resize(length);
  return bytes;
}

void expect_round_trip(const Bytes& bytes) {
  EXPECT_EQ(unpacked(run_deflate(bytes), bytes.size()), bytes) << bytes.size() << " bytes";
}

Bytes random_bytes(std::size_t size, unsigned values, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() % values);
  return bytes;
}

TEST(RunDeflate, EveryLengthComesBack) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (const unsigned values : {1U, 2U, 256U}) expect_round_trip(random_bytes(size, values, 1));
  }
  constexpr std::size_t kBlock = std::size_t{1} << 17;
  for (const std::size_t size : {kBlock - 1, kBlock, kBlock + 1, kBlock + 7, 3 * kBlock}) {
    for (const unsigned values : {1U, 3U, 256U}) expect_round_trip(random_bytes(size, values, 2));
  }
}

TEST(RunDeflate, RunsOfEveryLengthComeBack) {
  for (std::size_t before = 1; before < 10; ++before) {
    for (std::size_t length = 1; length < 540; ++length) {
      Bytes bytes = random_bytes(before + length + 5, 256, static_cast<unsigned>(length));
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(before), length, std::uint8_t{77});
      expect_round_trip(bytes);
    }
  }
}

TEST(RunDeflate, CountsThatWouldNeedLongCodesComeBack) {
  Bytes bytes;
  double count = 1;  // grows as Fibonacci's numbers do, whose Huffman code is the longest
  for (int symbol = 0; symbol < 25; ++symbol, count *= 1.62) {
    for (int i = 0; i < static_cast<int>(count); ++i) bytes.push_back(static_cast<std::uint8_t>(symbol));
  }
  std::shuffle(bytes.begin(), bytes.end(), std::mt19937(3));
  expect_round_trip(bytes);
}

TEST(RunDeflate, SizeIsNearTheEntropyAndRunsAreShort) {
  // Four bits each, and a fifth for one value in sixteen, because a block's end needs a code, too.
  const Bytes even = random_bytes(100'000, 16, 4);
  EXPECT_LT(run_deflate(even).size(), 51'000U);
  const Bytes noise = random_bytes(100'000, 256, 5);
  EXPECT_LT(run_deflate(noise).size(), 100'500U);
  EXPECT_LT(run_deflate(Bytes(1'000'000)).size(), 3'000U);
}

}  // namespace
}  // namespace fovea
