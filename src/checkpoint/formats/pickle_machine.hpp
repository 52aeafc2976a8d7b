// A pickle is a program for a stack machine: this is the machine, a method for each opcode that it carries out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/byte_reader.hpp"
#include "checkpoint/formats/pickle.hpp"

namespace fovea {

/// The stack holds ids, so that copies, nesting and cycles cost nothing and need no recursion. Every method throws
/// Error (kCheckpoint) where the pickle is damaged or wants what no checkpoint of tensors needs.
class PickleMachine {
 public:
  using Kind = PickleValue::Kind;

  PickleMachine(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals, const std::string& where)
      : reader_(bytes, where), bytes_(bytes), globals_(globals), where_(where) {}

  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  /// Position of the next byte.
  [[nodiscard]] std::size_t at() const noexcept { return reader_.at(); }
  [[nodiscard]] std::uint8_t read_opcode() { return reader_.read<std::uint8_t>(); }
  /// What the program leaves on the stack, which must be a single value.
  [[nodiscard]] Pickle take_result();

  void check_protocol();
  void check_frame();
  void stop() { stopped_ = true; }
  void mark() { marks_.push_back(stack_.size()); }

  void push_plain(Kind kind, std::int64_t integer = 0) { push({.kind = kind, .integer = integer}); }
  template <typename T>
  void push_integer() {
    push_plain(Kind::kInt, reader_.read<T>());
  }
  void push_signed_integer() { push_plain(Kind::kInt, static_cast<std::int32_t>(reader_.read<std::uint32_t>())); }
  void push_long_integer();
  void push_float();
  template <typename Length>
  void push_string() {
    push_text(reader_.take_text(reader_.read<Length>()));
  }
  /// Python 2's `str`, which may be text or bytes.
  template <typename Length>
  void push_old_string() {
    push_text_or_bytes(reader_.take_text(reader_.read<Length>()));
  }
  template <typename Length>
  void push_bytes() {
    reader_.skip(reader_.read<Length>());
    push_plain(Kind::kOpaque);
  }

  void push_tuple_of(std::size_t count);
  void push_tuple_to_mark() { push({.kind = Kind::kTuple, .elements = pop_to_mark()}); }
  void append_one() { append({pop()}); }
  void append_to_mark() { append(pop_to_mark()); }
  void add_to_mark();
  void push_set_to_mark();
  void set_one_item();
  void set_items_to_mark() { set_items(pop_to_mark()); }

  template <typename Index>
  void remember_at() {
    memo_[reader_.read<Index>()] = top();
  }
  void remember_next() { memo_[static_cast<std::uint32_t>(memo_.size())] = top(); }
  template <typename Index>
  void recall() {
    push_remembered(reader_.read<Index>());
  }

  void push_global_from_lines();
  void push_global_from_stack();
  void push_persistent() { push({.kind = Kind::kPersistent, .elements = {pop()}}); }
  void call();
  void set_state();

  /// The pickle is damaged.
  [[noreturn]] void fail(const std::string& what) const;
  /// The pickle is sound, but is more than tensors.
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void push(PickleValue value);
  void push_text(std::string_view text);
  void push_text_or_bytes(std::string_view text);
  void push_remembered(std::uint32_t index);
  void push_global(const std::string& global);
  [[nodiscard]] PickleId top() const;
  [[nodiscard]] PickleId pop();
  [[nodiscard]] std::vector<PickleId> pop_to_mark();
  void expect_kind(PickleId id, Kind kind) const;
  void append(const std::vector<PickleId>& ids);
  void set_items(const std::vector<PickleId>& ids);
  [[nodiscard]] std::string_view line();

  ByteReader reader_;
  std::span<const std::byte> bytes_;
  std::span<const PickleGlobal> globals_;
  const std::string& where_;
  std::vector<PickleValue> values_;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint32_t, PickleId> memo_;
  bool stopped_ = false;
};

}  // namespace fovea
