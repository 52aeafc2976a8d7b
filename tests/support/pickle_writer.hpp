// Writes pickles and archives as torch.save does, and as it never would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/zip_writer.hpp"

namespace fovea::test {

/// Opcodes of protocol 2; each function gives the bytes that leave one value on the stack.
namespace pickle {

[[nodiscard]] std::string string(const std::string& text);
[[nodiscard]] std::string integer(std::int64_t value);
[[nodiscard]] std::string global(const std::string& module, const std::string& name);
[[nodiscard]] std::string tuple(const std::vector<std::string>& values);
[[nodiscard]] std::string tuple_of(const std::vector<std::size_t>& values);
[[nodiscard]] std::string list(const std::vector<std::string>& values);
using Items = std::vector<std::pair<std::string, std::string>>;  // key, value
[[nodiscard]] std::string dict(const Items& items);
[[nodiscard]] std::string ordered_dict(const Items& items);
[[nodiscard]] std::string call(const std::string& function, const std::vector<std::string>& arguments);
/// PROTO 2, the value, STOP.
[[nodiscard]] std::string whole(const std::string& value);

}  // namespace pickle

struct TorchTensor {
  std::string storage_key = "0";
  std::string storage_type = "FloatStorage";
  std::int64_t storage_numel = 0;
  std::int64_t offset = 0;  // elements
  std::vector<std::size_t> shape = {};
  std::vector<std::size_t> strides = {};
};
/// The call of torch._utils._rebuild_tensor_v2 that makes this tensor.
[[nodiscard]] std::string pickled(const TorchTensor& tensor);

/// The members of an archive: data.pkl, byteorder, version, and these storages as data/0, data/1, …
[[nodiscard]] std::vector<ZipEntry> torch_members(const std::string& pickle, const std::vector<std::string>& storages,
                                                  const std::string& folder = "archive");

}  // namespace fovea::test
