#include "image/codec/run_deflate.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace fovea {
namespace {

// RFC 1951, 3.2.5 and 3.2.7.
constexpr std::size_t kSymbols = 286;  // 256 literals, the end of a block, 29 lengths of runs
constexpr std::size_t kEndOfBlock = 256;
constexpr std::size_t kLongestRun = 258;
constexpr std::array<std::size_t, 19> kLengthOrder{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

constexpr std::size_t kBlock = std::size_t{1} << 17;  // bytes that share one code
constexpr unsigned kLongestCode = 14;                 // bits: four codes and a begun byte fit into 64 bits
constexpr unsigned kLongestLengthCode = 7;            // bits: the format's limit
constexpr std::size_t kWord = 8;                      // bytes that are looked at together

struct Code {
  std::uint16_t bits = 0;  // as they are written, first bit lowest
  std::uint8_t length = 0;
};

std::uint64_t word_at(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, kWord);
  return word;
}

/// A run's length as a symbol, and the bits that follow the symbol.
struct RunLength {
  std::size_t symbol = 0;
  unsigned extra_bits = 0;
  std::uint64_t extra = 0;
};
RunLength run_length(std::size_t length) {
  constexpr std::size_t kShortest = 3;
  if (length == kLongestRun) return {kSymbols - 1, 0, 0};
  const std::size_t above = length - kShortest;
  const unsigned extra_bits = above < 8 ? 0 : static_cast<unsigned>(std::bit_width(above)) - 3;
  return {257 + 4 * std::size_t{extra_bits} + (above >> extra_bits), extra_bits, above & ((1U << extra_bits) - 1)};
}

/// Splits bytes [begin, end) into literals, at most a word of them at a time, and runs of the byte before. Runs are
/// looked for at every eighth byte only.
template <typename OnLiterals, typename OnRun>
void split(std::span<const std::uint8_t> bytes, std::size_t begin, std::size_t end, const OnLiterals& on_literals,
           const OnRun& on_run) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  for (std::size_t at = begin; at < end;) {
    if (end - at < kWord) {
      on_literals(bytes.data() + at, end - at);
      return;
    }
    if (at > 0 && word_at(bytes.data() + at) == kEach * bytes[at - 1]) {
      const std::size_t most = std::min(end - at, kLongestRun);
      std::size_t length = kWord;
      while (length < most && bytes[at + length] == bytes[at - 1]) ++length;
      on_run(length);
      at += length;
    } else {
      on_literals(bytes.data() + at, kWord);
      at += kWord;
    }
  }
}

/// The lengths of a Huffman code for these counts. A code that is too long for the limit is made again with the small
/// counts raised.
/// @param lengths  [counts.size()]; 0 where the count is 0
void huffman_lengths(std::span<const std::uint32_t> counts, unsigned most, std::span<std::uint8_t> lengths) {
  struct Node {
    std::uint64_t count;
    std::size_t symbol;
    std::size_t parent;
  };
  std::vector<Node> nodes;
  for (std::uint32_t least = 1;; least *= 2) {
    nodes.clear();
    for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
      if (counts[symbol] > 0) nodes.push_back({std::max(counts[symbol], least), symbol, 0});
    }
    std::fill(lengths.begin(), lengths.end(), std::uint8_t{0});
    const std::size_t leaves = nodes.size();
    if (leaves == 1) lengths[nodes.front().symbol] = 1;
    if (leaves < 2) return;
    std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) { return a.count < b.count; });
    // Inner nodes are made in ascending order, so the two smallest nodes are always at the front of two queues.
    std::size_t leaf = 0;
    for (std::size_t inner = leaves; nodes.size() < 2 * leaves - 1;) {
      const auto smallest = [&] {
        const bool is_leaf = leaf < leaves && (inner == nodes.size() || nodes[leaf].count <= nodes[inner].count);
        return is_leaf ? leaf++ : inner++;
      };
      const std::size_t first = smallest();
      const std::size_t second = smallest();
      nodes[first].parent = nodes[second].parent = nodes.size();
      nodes.push_back({nodes[first].count + nodes[second].count, 0, 0});
    }
    nodes.back().symbol = 0;  // from here on an inner node's symbol is its depth
    unsigned deepest = 0;
    for (std::size_t i = nodes.size() - 1; i-- > 0;) {
      const auto depth = static_cast<unsigned>(nodes[nodes[i].parent].symbol + 1);
      if (i >= leaves) {
        nodes[i].symbol = depth;
        continue;
      }
      deepest = std::max(deepest, depth);
      lengths[nodes[i].symbol] = static_cast<std::uint8_t>(depth);
    }
    if (deepest <= most) return;
  }
}

/// RFC 1951, 3.2.2: codes of one length are consecutive numbers in the order of their symbols.
void assign_codes(std::span<const std::uint8_t> lengths, std::span<Code> codes) {
  std::array<unsigned, 16> next{};
  for (const std::uint8_t length : lengths) ++next[length];
  next[0] = 0;
  unsigned first = 0;
  for (unsigned& count : next) first = (first + std::exchange(count, first)) << 1;
  for (std::size_t symbol = 0; symbol < lengths.size(); ++symbol) {
    const unsigned length = lengths[symbol];
    const unsigned code = length > 0 ? next[length]++ : 0;
    unsigned reversed = 0;
    for (unsigned bit = 0; bit < length; ++bit) reversed |= (code >> bit & 1U) << (length - 1 - bit);
    codes[symbol] = {static_cast<std::uint16_t>(reversed), static_cast<std::uint8_t>(length)};
  }
}

/// Bits into memory that is large enough.
class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* to) : to_(to) {}

  /// At most 56 bits may be put between two flushes.
  void put(std::uint64_t bits, unsigned count) {
    held_ |= bits << count_;
    count_ += count;
  }
  void put(Code code) { put(code.bits, code.length); }
  /// Writes a whole word, of which the last bytes may not count yet.
  void flush() {
    std::memcpy(to_, &held_, kWord);
    to_ += count_ / 8;
    held_ >>= count_ & ~7U;
    count_ &= 7;
  }
  /// Fills the last byte up with zeros.
  /// @return  the end of what was written
  std::uint8_t* finish() {
    count_ += 7;
    flush();
    return to_;
  }

 private:
  std::uint8_t* to_;
  std::uint64_t held_ = 0;
  unsigned count_ = 0;
};

/// How often each symbol occurs in a block. Neighbours count into different tables, because a table's entry cannot be
/// counted up twice in a row without waiting.
std::array<std::uint32_t, kSymbols> count_symbols(std::span<const std::uint8_t> bytes, std::size_t begin,
                                                  std::size_t end) {
  std::array<std::array<std::uint32_t, 256>, 4> literals{};
  std::array<std::uint32_t, kSymbols> counts{};
  split(
      bytes, begin, end,
      [&](const std::uint8_t* first, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) ++literals[i % 4][first[i]];
      },
      [&](std::size_t length) { ++counts[run_length(length).symbol]; });
  for (const auto& table : literals) {
    for (std::size_t symbol = 0; symbol < table.size(); ++symbol) counts[symbol] += table[symbol];
  }
  counts[kEndOfBlock] = 1;
  return counts;
}

/// The block's code, itself Huffman-coded: RFC 1951, 3.2.7, without codes for repeated lengths.
BitWriter put_header(std::span<const std::uint8_t> lengths, bool last, BitWriter out) {
  constexpr unsigned kDynamic = 2;
  constexpr std::uint8_t kDistanceLength = 1;  // of the only distance
  std::array<std::uint32_t, kLengthOrder.size()> counts{};
  for (const std::uint8_t length : lengths) ++counts[length];
  ++counts[kDistanceLength];
  std::array<std::uint8_t, kLengthOrder.size()> code_lengths{};
  huffman_lengths(counts, kLongestLengthCode, code_lengths);
  std::array<Code, kLengthOrder.size()> codes;
  assign_codes(code_lengths, codes);

  out.put(last ? 1 : 0, 1);
  out.put(kDynamic, 2);
  out.put(kSymbols - 257, 5);
  out.put(0, 5);  // one distance
  out.put(kLengthOrder.size() - 4, 4);
  for (const std::size_t symbol : kLengthOrder) {
    out.put(code_lengths[symbol], 3);
    out.flush();
  }
  for (const std::uint8_t length : lengths) {
    out.put(codes[length]);
    out.flush();
  }
  out.put(codes[kDistanceLength]);
  out.flush();
  return out;
}

/// A part of the bytes with the code that is best for it.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<std::uint8_t, kSymbols> lengths{};
  std::uint64_t most_bits = 0;  // that it takes
};

Block make_block(std::span<const std::uint8_t> bytes, std::size_t begin) {
  constexpr std::uint64_t kAfterLength = 6;  // bits of a run after its symbol, at most: five, and its distance
  constexpr std::uint64_t kHeader = 17 + 3 * kLengthOrder.size() + kLongestLengthCode * (kSymbols + 1);  // at most
  Block block{begin, std::min(begin + kBlock, bytes.size()), {}, kHeader};
  const std::array<std::uint32_t, kSymbols> counts = count_symbols(bytes, begin, block.end);
  huffman_lengths(counts, kLongestCode, block.lengths);
  for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
    block.most_bits +=
        std::uint64_t{counts[symbol]} * (block.lengths[symbol] + (symbol > kEndOfBlock ? kAfterLength : 0));
  }
  return block;
}

/// @return  the writer after the block; by value, so that it stays in registers
BitWriter put_block(std::span<const std::uint8_t> bytes, const Block& block, BitWriter out) {
  std::array<Code, kSymbols> codes;
  assign_codes(block.lengths, codes);
  split(
      bytes, block.begin, block.end,
      [&](const std::uint8_t* first, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
          out.put(codes[first[i]]);
          if (i % 4 == 3) out.flush();
        }
        out.flush();
      },
      [&](std::size_t length) {
        const RunLength run = run_length(length);
        out.put(codes[run.symbol]);
        out.put(run.extra, run.extra_bits + 1);  // the distance's code is one 0
        out.flush();
      });
  out.put(codes[kEndOfBlock]);
  out.flush();
  return out;
}

}  // namespace

std::vector<std::uint8_t> run_deflate(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kZlibHeader = 2;  // bytes
  std::vector<Block> blocks;
  std::uint64_t bits = 0;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kBlock) {
    blocks.push_back(make_block(bytes, begin));
    bits += blocks.back().most_bits;
  }
  std::vector<std::uint8_t> out(kZlibHeader + bits / 8 + 2 * kWord);  // with the checksum, and a word
  out[0] = 0x78;                                                      // deflate with a window of 32 kB
  out[1] = 0x01;                                                      // fastest
  BitWriter writer(out.data() + kZlibHeader);
  for (const Block& block : blocks) {
    writer = put_block(bytes, block, put_header(block.lengths, block.end == bytes.size(), writer));
  }
  std::uint8_t* end = writer.finish();
  const std::uint32_t checksum = libdeflate_adler32(1, bytes.data(), bytes.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U}) *end++ = static_cast<std::uint8_t>(checksum >> shift & 0xFFU);
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

}  // namespace fovea
