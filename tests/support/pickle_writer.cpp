#include "support/pickle_writer.hpp"

namespace fovea::test {
namespace pickle {
namespace {

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += value;
  return all;
}

std::string items_text(const Items& items) {
  std::string all = "(";
  for (const auto& [key, value] : items) all += key + value;
  return all + "u";
}

}  // namespace

std::string string(const std::string& text) {
  return 'X' + little_endian(text.size(), 4) + text;
}

std::string integer(std::int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<std::uint64_t>(value), 8);
}

std::string global(const std::string& module, const std::string& name) {
  return 'c' + module + "\n" + name + "\n";
}

std::string tuple(const std::vector<std::string>& values) {
  return '(' + joined(values) + "t";
}

std::string tuple_of(const std::vector<std::size_t>& values) {
  std::vector<std::string> integers;
  for (const std::size_t value : values) integers.push_back(integer(static_cast<std::int64_t>(value)));
  return tuple(integers);
}

std::string list(const std::vector<std::string>& values) {
  return "](" + joined(values) + "e";
}

std::string dict(const Items& items) {
  return '}' + items_text(items);
}

std::string ordered_dict(const Items& items) {
  return call(global("collections", "OrderedDict"), {}) + items_text(items);
}

std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}

std::string whole(const std::string& value) {
  return "\x80\x02" + value + ".";
}

}  // namespace pickle

std::string pickled(const TorchTensor& tensor) {
  const std::string storage =
      pickle::tuple({pickle::string("storage"), pickle::global("torch", tensor.storage_type),
                     pickle::string(tensor.storage_key), pickle::string("cpu"), pickle::integer(tensor.storage_numel)});
  return pickle::call(pickle::global("torch._utils", "_rebuild_tensor_v2"),
                      {storage + "Q", pickle::integer(tensor.offset), pickle::tuple_of(tensor.shape),
                       pickle::tuple_of(tensor.strides), "\x89", pickle::ordered_dict({})});
}

std::vector<ZipEntry> torch_members(const std::string& pickle, const std::vector<std::string>& storages,
                                    const std::string& folder) {
  std::vector<ZipEntry> members{{.name = folder + "/data.pkl", .content = pickle},
                                {.name = folder + "/byteorder", .content = "little"}};
  for (std::size_t i = 0; i < storages.size(); ++i) {
    members.push_back({.name = folder + "/data/" + std::to_string(i), .content = storages[i], .padding = 16});
  }
  members.push_back({.name = folder + "/version", .content = "3\n"});
  return members;
}

}  // namespace fovea::test
