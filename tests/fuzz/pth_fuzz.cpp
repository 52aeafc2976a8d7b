// A PyTorch checkpoint: a whole archive, a file of torch before 1.6, or else the pickle of one with three storages
// (stored, and one deflated).
#include <string>

#include "fuzz/fuzz.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/tensors.hpp"
#include "support/pickle_writer.hpp"

namespace fovea::fuzz {
namespace {

std::string archive_of(const std::string& input) {
  const std::size_t magic = input.find("\x8a\nl\xfc\x9c");  // of torch before 1.6
  if (input.starts_with("PK") || magic < 16) return input;
  std::string numbers;
  for (int i = 0; i < 96; ++i) numbers += static_cast<char>(i);
  auto members = test::torch_members(input, {numbers, numbers.substr(0, 24), numbers});
  for (test::ZipEntry& member : members) member.deflated = member.name.ends_with("/2");
  return test::make_zip(members);
}

}  // namespace

bool accepts(std::span<const std::byte> input) {
  const std::string archive = archive_of({reinterpret_cast<const char*>(input.data()), input.size()});
  const ScratchFile file(std::as_bytes(std::span(archive)));
  return accepts_checkpoint(file.path(), [](const Checkpoint& checkpoint) {
    require(!checkpoint.tensors().empty() || checkpoint.format() != "pth", "a state dict has tensors");
  });
}

}  // namespace fovea::fuzz
