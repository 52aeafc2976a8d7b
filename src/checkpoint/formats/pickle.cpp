#include "checkpoint/formats/pickle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "checkpoint/byte_reader.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;
using Role = PickleGlobal::Role;

// A published checkpoint has some ten thousand; the limit bounds the memory that a hostile one can take.
constexpr std::size_t kMaxValues = 1'000'000;
constexpr unsigned kLowestProtocol = 2;
constexpr unsigned kHighestProtocol = 5;

/// The stack machine. Its stack holds ids, so copying, nesting and circles cost nothing and need no recursion.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals, const std::string& where)
      : reader_(bytes, where), bytes_(bytes), globals_(globals), where_(where) {}

  [[nodiscard]] Pickle run();

  void protocol() {
    const unsigned version = reader_.read<std::uint8_t>();
    if (version < kLowestProtocol || version > kHighestProtocol) {
      fail(fmt::format("is of pickle protocol {}, expected {} to {}", version, kLowestProtocol, kHighestProtocol));
    }
  }
  void frame() {
    const auto length = reader_.read<std::uint64_t>();
    if (length > reader_.left()) {
      fail(fmt::format("has a frame of {} bytes, expected at most the {} that are left", length, reader_.left()));
    }
  }
  void stop() { stopped_ = true; }
  void mark() { marks_.push_back(stack_.size()); }

  void push_plain(Kind kind, std::int64_t integer = 0) { push({.kind = kind, .integer = integer}); }
  template <typename T>
  void push_integer() {
    push_plain(Kind::kInt, reader_.read<T>());
  }
  void push_signed_integer() { push_plain(Kind::kInt, static_cast<std::int32_t>(reader_.read<std::uint32_t>())); }
  void push_long_integer();
  void push_float() {
    reader_.skip(8);
    push_plain(Kind::kNumber);
  }
  template <typename Length>
  void push_string() {
    const auto text = reader_.take_text(reader_.read<Length>());
    if (!is_utf8(text)) fail("has a string that is not UTF-8");
    push({.kind = Kind::kString, .text = text});
  }

  void push_tuple_of(std::size_t count) {
    PickleValue tuple{.kind = Kind::kTuple};
    tuple.elements.resize(count);
    for (std::size_t i = count; i-- > 0;) tuple.elements[i] = pop();
    push(std::move(tuple));
  }
  void push_tuple_to_mark() { push({.kind = Kind::kTuple, .elements = pop_to_mark()}); }
  void append_one() { append({pop()}); }
  void append_to_mark() { append(pop_to_mark()); }
  void set_one_item() {
    const PickleId value = pop();
    const PickleId key = pop();
    set_items({key, value});
  }
  void set_items_to_mark() { set_items(pop_to_mark()); }

  template <typename Index>
  void remember_at() {
    memo_[reader_.read<Index>()] = top();
  }
  void remember_next() { memo_[static_cast<std::uint32_t>(memo_.size())] = top(); }
  template <typename Index>
  void recall() {
    const auto index = reader_.read<Index>();
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail(fmt::format("recalls value {}, expected one that was remembered before", index));
    push_id(found->second);
  }

  void push_global_from_lines() {
    const std::string module(line());
    push_global(fmt::format("{}.{}", module, line()));
  }
  void push_global_from_stack() {
    const PickleId attribute = pop();
    const PickleId module = pop();
    for (const PickleId id : {module, attribute}) expect_kind(id, Kind::kString);
    push_global(fmt::format("{}.{}", values_[module].text, values_[attribute].text));
  }
  void push_persistent() { push({.kind = Kind::kPersistent, .elements = {pop()}}); }
  void call();
  void set_state();

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{} {}", where_, what),
                "the file is damaged, or no checkpoint of tensors; nothing in it was run");
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{} {}, expected tensors, dicts, lists, numbers and strings only", where_, what),
        "nothing in it was run; save the weights alone: torch.save(model.state_dict(), FILE), or as safetensors");
  }

  void push_id(PickleId id) { stack_.push_back(id); }
  void push(PickleValue value) {
    if (values_.size() == kMaxValues) fail(fmt::format("describes more values than {}, the most expected", kMaxValues));
    push_id(static_cast<PickleId>(values_.size()));
    values_.push_back(std::move(value));
  }
  [[nodiscard]] PickleId top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      fail(fmt::format("takes a value from an empty stack before byte {}", reader_.at()));
    }
    return stack_.back();
  }
  [[nodiscard]] PickleId pop() {
    const PickleId id = top();
    stack_.pop_back();
    return id;
  }
  [[nodiscard]] std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) fail(fmt::format("goes back to a mark that was never set before byte {}", reader_.at()));
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleId> ids(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return ids;
  }
  void expect_kind(PickleId id, Kind kind) const {
    if (values_[id].kind != kind) {
      fail(fmt::format("has a {} before byte {}, expected a {}", name(values_[id].kind), reader_.at(), name(kind)));
    }
  }
  void append(const std::vector<PickleId>& ids) {
    expect_kind(top(), Kind::kList);
    auto& elements = values_[top()].elements;
    elements.insert(elements.end(), ids.begin(), ids.end());
  }
  void set_items(const std::vector<PickleId>& ids) {
    expect_kind(top(), Kind::kDict);
    if (ids.size() % 2 != 0) fail("sets dict items in half a pair");
    auto& elements = values_[top()].elements;
    elements.insert(elements.end(), ids.begin(), ids.end());
  }
  [[nodiscard]] std::string_view line() {
    const auto rest = bytes_.subspan(reader_.at());
    const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
    const auto text = reader_.take_text(static_cast<std::size_t>(end - rest.begin()));
    reader_.skip(1);
    return text;
  }
  void push_global(const std::string& global) {
    const auto found = std::find_if(globals_.begin(), globals_.end(), [&](const auto& g) { return g.name == global; });
    if (found == globals_.end()) refuse(fmt::format("names {}", printable(global)));
    push({.kind = Kind::kGlobal, .integer = found - globals_.begin(), .text = found->name});
  }

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

/// Little-endian two's complement of as many bytes as it says.
void Machine::push_long_integer() {
  const auto bytes = reader_.take(reader_.read<std::uint8_t>());
  if (bytes.size() > sizeof(std::int64_t)) return push_plain(Kind::kNumber);
  const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{};
  std::int64_t value = negative ? -1 : 0;
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(&value, 1)).begin());
  push_plain(Kind::kInt, value);
}

/// REDUCE and NEWOBJ: writes down the call of the function, or the making of the object, below the arguments.
void Machine::call() {
  const PickleId arguments = pop();
  const PickleId callee = pop();
  expect_kind(arguments, Kind::kTuple);
  if (values_[callee].kind != Kind::kGlobal) refuse(fmt::format("calls a {}", name(values_[callee].kind)));
  const PickleGlobal& global = globals_[static_cast<std::size_t>(values_[callee].integer)];
  if (global.role == Role::kFunction) return push({.kind = Kind::kCall, .elements = {callee, arguments}});
  if (global.role == Role::kReference) refuse(fmt::format("calls {}", global.name));
  if (!values_[arguments].elements.empty()) refuse(fmt::format("calls {} with arguments", global.name));
  push_plain(global.role == Role::kDict ? Kind::kDict : Kind::kOpaque);
}

/// BUILD: attributes of an object. Those of an OrderedDict (`_metadata`) and of opaque objects are dropped.
void Machine::set_state() {
  static_cast<void>(pop());
  const Kind kind = values_[top()].kind;
  if (kind != Kind::kDict && kind != Kind::kOpaque) refuse(fmt::format("sets the state (BUILD) of a {}", name(kind)));
}

struct Opcode {
  unsigned char code;
  std::string_view name;
  void (*carry_out)(Machine& machine);  // nullptr: refused
};

using M = Machine;
// All of CPython's, in the order of pickletools.
constexpr std::array<Opcode, 68> kOpcodes{{
    {'I', "INT", nullptr},
    {'J', "BININT", [](M& m) { m.push_signed_integer(); }},
    {'K', "BININT1", [](M& m) { m.push_integer<std::uint8_t>(); }},
    {'M', "BININT2", [](M& m) { m.push_integer<std::uint16_t>(); }},
    {'L', "LONG", nullptr},
    {0x8a, "LONG1", [](M& m) { m.push_long_integer(); }},
    {0x8b, "LONG4", nullptr},
    {'S', "STRING", nullptr},
    {'T', "BINSTRING", nullptr},
    {'U', "SHORT_BINSTRING", nullptr},
    {'B', "BINBYTES", nullptr},
    {'C', "SHORT_BINBYTES", nullptr},
    {0x8e, "BINBYTES8", nullptr},
    {0x96, "BYTEARRAY8", nullptr},
    {0x97, "NEXT_BUFFER", nullptr},
    {0x98, "READONLY_BUFFER", nullptr},
    {'N', "NONE", [](M& m) { m.push_plain(Kind::kNone); }},
    {0x88, "NEWTRUE", [](M& m) { m.push_plain(Kind::kBool, 1); }},
    {0x89, "NEWFALSE", [](M& m) { m.push_plain(Kind::kBool, 0); }},
    {'V', "UNICODE", nullptr},
    {0x8c, "SHORT_BINUNICODE", [](M& m) { m.push_string<std::uint8_t>(); }},
    {'X', "BINUNICODE", [](M& m) { m.push_string<std::uint32_t>(); }},
    {0x8d, "BINUNICODE8", [](M& m) { m.push_string<std::uint64_t>(); }},
    {'F', "FLOAT", nullptr},
    {'G', "BINFLOAT", [](M& m) { m.push_float(); }},
    {']', "EMPTY_LIST", [](M& m) { m.push_plain(Kind::kList); }},
    {'a', "APPEND", [](M& m) { m.append_one(); }},
    {'e', "APPENDS", [](M& m) { m.append_to_mark(); }},
    {'l', "LIST", nullptr},
    {')', "EMPTY_TUPLE", [](M& m) { m.push_plain(Kind::kTuple); }},
    {'t', "TUPLE", [](M& m) { m.push_tuple_to_mark(); }},
    {0x85, "TUPLE1", [](M& m) { m.push_tuple_of(1); }},
    {0x86, "TUPLE2", [](M& m) { m.push_tuple_of(2); }},
    {0x87, "TUPLE3", [](M& m) { m.push_tuple_of(3); }},
    {'}', "EMPTY_DICT", [](M& m) { m.push_plain(Kind::kDict); }},
    {'d', "DICT", nullptr},
    {'s', "SETITEM", [](M& m) { m.set_one_item(); }},
    {'u', "SETITEMS", [](M& m) { m.set_items_to_mark(); }},
    {0x8f, "EMPTY_SET", nullptr},
    {0x90, "ADDITEMS", nullptr},
    {0x91, "FROZENSET", nullptr},
    {'0', "POP", nullptr},
    {'2', "DUP", nullptr},
    {'(', "MARK", [](M& m) { m.mark(); }},
    {'1', "POP_MARK", nullptr},
    {'g', "GET", nullptr},
    {'h', "BINGET", [](M& m) { m.recall<std::uint8_t>(); }},
    {'j', "LONG_BINGET", [](M& m) { m.recall<std::uint32_t>(); }},
    {'p', "PUT", nullptr},
    {'q', "BINPUT", [](M& m) { m.remember_at<std::uint8_t>(); }},
    {'r', "LONG_BINPUT", [](M& m) { m.remember_at<std::uint32_t>(); }},
    {0x94, "MEMOIZE", [](M& m) { m.remember_next(); }},
    {0x82, "EXT1", nullptr},
    {0x83, "EXT2", nullptr},
    {0x84, "EXT4", nullptr},
    {'c', "GLOBAL", [](M& m) { m.push_global_from_lines(); }},
    {0x93, "STACK_GLOBAL", [](M& m) { m.push_global_from_stack(); }},
    {'R', "REDUCE", [](M& m) { m.call(); }},
    {'b', "BUILD", [](M& m) { m.set_state(); }},
    {'i', "INST", nullptr},
    {'o', "OBJ", nullptr},
    {0x81, "NEWOBJ", [](M& m) { m.call(); }},
    {0x92, "NEWOBJ_EX", nullptr},
    {0x80, "PROTO", [](M& m) { m.protocol(); }},
    {'.', "STOP", [](M& m) { m.stop(); }},
    {0x95, "FRAME", [](M& m) { m.frame(); }},
    {'P', "PERSID", nullptr},
    {'Q', "BINPERSID", [](M& m) { m.push_persistent(); }},
}};

/// Rows of kOpcodes by code; nullptr where there is no such opcode.
constexpr auto kOpcodeOf = [] {
  std::array<const Opcode*, std::numeric_limits<unsigned char>::max() + 1> table{};
  for (const Opcode& opcode : kOpcodes) table.at(opcode.code) = &opcode;
  return table;
}();

Pickle Machine::run() {
  while (!stopped_) {
    const std::size_t at = reader_.at();
    const auto code = reader_.read<std::uint8_t>();
    const Opcode* opcode = kOpcodeOf.at(code);
    if (opcode == nullptr) fail(fmt::format("has byte {:#04x} at {}, expected a pickle's opcode", code, at));
    if (opcode->carry_out == nullptr) refuse(fmt::format("has opcode {} at byte {}", opcode->name, at));
    if (at == 0 && opcode->name != "PROTO") fail("does not begin with its protocol, expected 2 to 5");
    opcode->carry_out(*this);
  }
  const PickleId root = pop();
  if (!stack_.empty() || !marks_.empty()) fail("leaves values behind, expected a single one at its end");
  if (reader_.left() > 0) fail(fmt::format("goes on for {} bytes after its end", reader_.left()));
  return {std::move(values_), root};
}

}  // namespace

std::string_view name(PickleValue::Kind kind) noexcept {
  switch (kind) {
    case Kind::kNone: return "None";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "integer";
    case Kind::kNumber: return "number";
    case Kind::kString: return "string";
    case Kind::kTuple: return "tuple";
    case Kind::kList: return "list";
    case Kind::kDict: return "dict";
    case Kind::kGlobal: return "function or type";
    case Kind::kCall: return "call";
    case Kind::kPersistent: return "storage";
    case Kind::kOpaque: return "object";
  }
  return "?";
}

Pickle read_pickle(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals, const std::string& where) {
  return Machine(bytes, globals, where).run();
}

}  // namespace fovea
