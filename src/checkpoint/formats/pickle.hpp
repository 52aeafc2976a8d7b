// Reads Python's pickle as a description of values: nothing is called and nothing imported (protocols 2 to 5; CPython's
// Lib/pickletools.py documents the opcodes).
//
// A pickle is a program, and running one runs whatever it contains. This reader keeps what the program would build as
// inert values: a call is recorded as its function and arguments. A pickle may name only the functions and types that
// the caller lists. Every other name, and every opcode that checkpoints of tensors do not need, is refused by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// A function or type that a pickle may name.
struct PickleGlobal {
  enum class Role {
    kReference,  // is passed on, but never called (a type of storage)
    kFunction,   // a call of it becomes a kCall
    kDict,       // without arguments it makes a dict (collections.OrderedDict); attributes of that are dropped
    kOpaque,     // makes an object of which nothing is kept (argparse.Namespace)
    kValue,      // the same, of any arguments (torch.Size)
    kObject,     // makes an object whose attributes are kept (a module of TorchScript)
  };
  std::string_view name;  // "torch._utils._rebuild_tensor_v2"; "*" at the end stands for anything
  Role role = Role::kReference;
};

/// Index of a value. Values may refer to each other in cycles.
using PickleId = std::uint32_t;

struct PickleValue {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,
    kInt,
    kNumber,  // a float, or an integer beyond 64 bits; its value is not kept
    kString,
    kTuple,
    kList,
    kDict,
    kGlobal,
    kCall,        // elements: the function, the tuple of its arguments
    kPersistent,  // elements: the tuple that identifies an object outside the pickle
    kObject,      // elements: names and values of its attributes in turn
    kOpaque,
  };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;             // kBool, kInt; kGlobal: its index
  std::string_view text = {};           // kString: within the pickle's bytes; kGlobal: PickleGlobal::name
  std::vector<PickleId> elements = {};  // kTuple, kList; kDict: keys and values in turn
};
/// "dict"
[[nodiscard]] std::string_view name(PickleValue::Kind kind) noexcept;

struct Pickle {
  std::vector<PickleValue> values;
  PickleId root = 0;

  [[nodiscard]] const PickleValue& operator[](PickleId id) const { return values[id]; }
};

/// @param bytes    must live as long as the result.
/// @param globals  the functions and types that may be named; must live as long as the result.
/// @param where    "model.pth: member 'archive/data.pkl'", for messages.
/// @throws Error   kCheckpoint if the pickle is damaged, names anything else, or describes more than a million values.
[[nodiscard]] Pickle read_pickle(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals,
                                 const std::string& where);
/// The same of the pickle that the bytes begin with.
/// @param length  becomes its size, in bytes
[[nodiscard]] Pickle read_first_pickle(std::span<const std::byte> bytes, std::span<const PickleGlobal> globals,
                                       const std::string& where, std::size_t& length);

}  // namespace fovea
