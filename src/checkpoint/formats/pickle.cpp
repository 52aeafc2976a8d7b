#include "checkpoint/formats/pickle.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "checkpoint/formats/pickle_machine.hpp"

namespace fovea {
namespace {

using Kind = PickleValue::Kind;

struct Opcode {
  unsigned char code;
  std::string_view name;
  void (*carry_out)(PickleMachine& machine);  // nullptr: refused
};

using M = PickleMachine;
// All of CPython's opcodes, in the order of pickletools.
constexpr std::array<Opcode, 68> kOpcodes{{
    {'I', "INT", nullptr},
    {'J', "BININT", [](M& m) { m.push_signed_integer(); }},
    {'K', "BININT1", [](M& m) { m.push_integer<std::uint8_t>(); }},
    {'M', "BININT2", [](M& m) { m.push_integer<std::uint16_t>(); }},
    {'L', "LONG", nullptr},
    {0x8a, "LONG1", [](M& m) { m.push_long_integer(); }},
    {0x8b, "LONG4", nullptr},
    {'S', "STRING", nullptr},
    {'T', "BINSTRING", [](M& m) { m.push_old_string<std::uint32_t>(); }},
    {'U', "SHORT_BINSTRING", [](M& m) { m.push_old_string<std::uint8_t>(); }},
    {'B', "BINBYTES", [](M& m) { m.push_bytes<std::uint32_t>(); }},
    {'C', "SHORT_BINBYTES", [](M& m) { m.push_bytes<std::uint8_t>(); }},
    {0x8e, "BINBYTES8", [](M& m) { m.push_bytes<std::uint64_t>(); }},
    {0x96, "BYTEARRAY8", [](M& m) { m.push_bytes<std::uint64_t>(); }},
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
    {0x8f, "EMPTY_SET", [](M& m) { m.push_plain(Kind::kOpaque); }},
    {0x90, "ADDITEMS", [](M& m) { m.add_to_mark(); }},
    {0x91, "FROZENSET", [](M& m) { m.push_set_to_mark(); }},
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
    {0x80, "PROTO", [](M& m) { m.check_protocol(); }},
    {'.', "STOP", [](M& m) { m.stop(); }},
    {0x95, "FRAME", [](M& m) { m.check_frame(); }},
    {'P', "PERSID", nullptr},
    {'Q', "BINPERSID", [](M& m) { m.push_persistent(); }},
}};

/// Maps an opcode to its row in kOpcodes; nullptr for unknown opcodes.
constexpr auto kOpcodeOf = [] {
  std::array<const Opcode*, std::numeric_limits<unsigned char>::max() + 1> table{};
  for (const Opcode& opcode : kOpcodes) table.at(opcode.code) = &opcode;
  return table;
}();

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
    case Kind::kObject: return "module";
    case Kind::kOpaque: return "object";
  }
  return "?";
}

namespace {

Pickle run(PickleMachine& machine) {
  while (!machine.stopped()) {
    const std::size_t at = machine.at();
    const auto code = machine.read_opcode();
    const Opcode* opcode = kOpcodeOf.at(code);
    if (opcode == nullptr) machine.fail(fmt::format("has byte {:#04x} at {}, expected a pickle's opcode", code, at));
    if (opcode->carry_out == nullptr) machine.refuse(fmt::format("has opcode {} at byte {}", opcode->name, at));
    if (at == 0 && opcode->name != "PROTO") machine.fail("does not begin with its protocol, expected 2 to 5");
    opcode->carry_out(machine);
  }
  return machine.take_result();
}

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals, const std::string& where) {
  PickleMachine machine(bytes, globals, where);
  Pickle pickle = run(machine);
  if (machine.at() < bytes.size()) {
    machine.fail(fmt::format("goes on for {} bytes after its end", bytes.size() - machine.at()));
  }
  return pickle;
}

Pickle read_first_pickle(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals,
                         const std::string& where, std::size_t& length) {
  PickleMachine machine(bytes, globals, where);
  Pickle pickle = run(machine);
  length = machine.at();
  return pickle;
}

}  // namespace fovea
