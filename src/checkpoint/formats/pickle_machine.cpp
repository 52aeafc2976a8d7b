#include "checkpoint/formats/pickle_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/files.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using Role = PickleGlobal::Role;

// A published checkpoint has some ten thousand values. The limit bounds the memory that a hostile one can use.
constexpr std::size_t kMaxValues = 1'000'000;
constexpr unsigned kLowestProtocol = 2;
constexpr unsigned kHighestProtocol = 5;

}  // namespace

void PickleMachine::fail(const std::string& what) const {
  throw Error(ErrorCode::kCheckpoint, fmt::format("{} {}", where_, what),
              "the file is damaged or is no checkpoint of tensors; nothing in it was run");
}

void PickleMachine::refuse(const std::string& what) const {
  throw Error(ErrorCode::kCheckpoint,
              fmt::format("{} {}, expected tensors, dicts, lists, numbers and strings only", where_, what),
              "nothing in it was run; save only the weights: torch.save(model.state_dict(), FILE), or as safetensors");
}

Pickle PickleMachine::take_result() {
  const PickleId root = pop();
  if (!stack_.empty() || !marks_.empty()) fail("leaves several values on the stack, expected a single one at its end");
  return {std::move(values_), root};
}

void PickleMachine::check_protocol() {
  const unsigned version = reader_.read<std::uint8_t>();
  if (version < kLowestProtocol || version > kHighestProtocol) {
    fail(fmt::format("is of pickle protocol {}, expected {} to {}", version, kLowestProtocol, kHighestProtocol));
  }
}

void PickleMachine::check_frame() {
  const auto length = reader_.read<std::uint64_t>();
  if (length > reader_.left()) {
    fail(fmt::format("has a frame of {} bytes, expected at most the {} that are left", length, reader_.left()));
  }
}

/// Pushes a little-endian two's complement integer, whose length in bytes comes first.
void PickleMachine::push_long_integer() {
  const auto bytes = reader_.take(reader_.read<std::uint8_t>());
  if (bytes.size() > sizeof(std::int64_t)) return push_plain(Kind::kNumber);
  const bool negative = !bytes.empty() && (bytes.back() & std::byte{0x80}) != std::byte{};
  std::int64_t value = negative ? -1 : 0;
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(&value, 1)).begin());
  push_plain(Kind::kInt, value);
}

void PickleMachine::push_float() {
  reader_.skip(8);
  push_plain(Kind::kNumber);
}

void PickleMachine::push_text(std::string_view text) {
  if (!is_utf8(text)) fail("has a string that is not UTF-8");
  push({.kind = Kind::kString, .text = text});
}

void PickleMachine::push_text_or_bytes(std::string_view text) {
  is_utf8(text) ? push({.kind = Kind::kString, .text = text}) : push_plain(Kind::kOpaque);
}

/// ADDITEMS: into a set, of which nothing is kept.
void PickleMachine::add_to_mark() {
  static_cast<void>(pop_to_mark());
  expect_kind(top(), Kind::kOpaque);
}

void PickleMachine::push_set_to_mark() {
  static_cast<void>(pop_to_mark());
  push_plain(Kind::kOpaque);
}

void PickleMachine::push_tuple_of(std::size_t count) {
  PickleValue tuple{.kind = Kind::kTuple};
  tuple.elements.resize(count);
  for (std::size_t i = count; i-- > 0;) tuple.elements[i] = pop();
  push(std::move(tuple));
}

void PickleMachine::set_one_item() {
  const PickleId value = pop();
  const PickleId key = pop();
  set_items({key, value});
}

void PickleMachine::push_remembered(std::uint32_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fail(fmt::format("reads memo entry {}, expected one that was stored before", index));
  stack_.push_back(found->second);
}

void PickleMachine::push_global_from_lines() {
  const std::string module(line());
  push_global(fmt::format("{}.{}", module, line()));
}

void PickleMachine::push_global_from_stack() {
  const PickleId attribute = pop();
  const PickleId module = pop();
  for (const PickleId id : {module, attribute}) expect_kind(id, Kind::kString);
  push_global(fmt::format("{}.{}", values_[module].text, values_[attribute].text));
}

void PickleMachine::push_global(const std::string& global) {
  const auto found = std::find_if(globals_.begin(), globals_.end(), [&](const PickleGlobal& known) {
    const bool pattern = known.name.ends_with('*');
    return pattern ? global.starts_with(known.name.substr(0, known.name.size() - 1)) : known.name == global;
  });
  if (found == globals_.end()) refuse(fmt::format("names {}", printable(global)));
  push({.kind = Kind::kGlobal, .integer = found - globals_.begin(), .text = found->name});
}

/// REDUCE and NEWOBJ: records the call of the function, or the construction of the object, without running it.
void PickleMachine::call() {
  const PickleId arguments = pop();
  const PickleId callee = pop();
  expect_kind(arguments, Kind::kTuple);
  if (values_[callee].kind != Kind::kGlobal) refuse(fmt::format("calls a {}", name(values_[callee].kind)));
  const PickleGlobal& global = globals_[static_cast<std::size_t>(values_[callee].integer)];
  if (global.role == Role::kFunction) return push({.kind = Kind::kCall, .elements = {callee, arguments}});
  if (global.role == Role::kReference) refuse(fmt::format("calls {}", global.name));
  if (global.role == Role::kValue) return push_plain(Kind::kOpaque);
  if (!values_[arguments].elements.empty()) refuse(fmt::format("calls {} with arguments", global.name));
  push_plain(global.role == Role::kDict ? Kind::kDict : global.role == Role::kObject ? Kind::kObject : Kind::kOpaque);
}

/// BUILD: sets attributes of an object. Those of an OrderedDict (`_metadata`) and of opaque objects are dropped.
void PickleMachine::set_state() {
  const PickleId state = pop();
  const Kind kind = values_[top()].kind;
  if (kind == Kind::kObject) {
    expect_kind(state, Kind::kDict);
    values_[top()].elements = values_[state].elements;
    return;
  }
  if (kind != Kind::kDict && kind != Kind::kOpaque) refuse(fmt::format("sets the state (BUILD) of a {}", name(kind)));
}

void PickleMachine::push(PickleValue value) {
  if (values_.size() == kMaxValues)
    fail(fmt::format("describes more than {} values, expected at most that many", kMaxValues));
  stack_.push_back(static_cast<PickleId>(values_.size()));
  values_.push_back(std::move(value));
}

PickleId PickleMachine::top() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
    fail(fmt::format("takes a value from an empty stack before byte {}", reader_.at()));
  }
  return stack_.back();
}

PickleId PickleMachine::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

std::vector<PickleId> PickleMachine::pop_to_mark() {
  if (marks_.empty()) fail(fmt::format("goes back to a mark that was never set before byte {}", reader_.at()));
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleId> ids(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return ids;
}

void PickleMachine::expect_kind(PickleId id, Kind kind) const {
  if (values_[id].kind != kind) {
    fail(fmt::format("has a {} before byte {}, expected a {}", name(values_[id].kind), reader_.at(), name(kind)));
  }
}

void PickleMachine::append(const std::vector<PickleId>& ids) {
  expect_kind(top(), Kind::kList);
  auto& elements = values_[top()].elements;
  elements.insert(elements.end(), ids.begin(), ids.end());
}

void PickleMachine::set_items(const std::vector<PickleId>& ids) {
  expect_kind(top(), Kind::kDict);
  if (ids.size() % 2 != 0) fail("sets dict items in half a pair");
  auto& elements = values_[top()].elements;
  elements.insert(elements.end(), ids.begin(), ids.end());
}

std::string_view PickleMachine::line() {
  const auto rest = bytes_.subspan(reader_.at());
  const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
  const auto text = reader_.take_text(static_cast<std::size_t>(end - rest.begin()));
  reader_.skip(1);
  return text;
}

}  // namespace fovea
