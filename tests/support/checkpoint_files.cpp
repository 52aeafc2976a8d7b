#include "support/checkpoint_files.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "fovea/error.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {

void write_bytes(const std::filesystem::path& file, const std::string& content) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
}

std::string read_bytes(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string refusal(const std::filesystem::path& file) {
  try {
    const auto checkpoint = open_checkpoint(file);
    for (const TensorView& tensor : checkpoint->tensors()) static_cast<void>(visited_bytes(tensor));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
    EXPECT_NE(std::string(error.what()).find(file.filename().string() + ": "), std::string::npos) << error.what();
    return error.what();
  }
  return "accepted";
}

std::string refusal_of(const std::string& content, const std::string& file_name) {
  const TempFolder folder;
  write_bytes(folder / file_name, content);
  return refusal(folder / file_name);
}

std::string naive_bytes(const std::string& storage, std::size_t item_size, std::size_t offset,
                        const std::vector<std::size_t>& shape, const std::vector<std::size_t>& strides) {
  std::string bytes;
  const std::function<void(std::size_t, std::size_t)> visit = [&](std::size_t axis, std::size_t at) {
    if (axis == shape.size()) {
      bytes += storage.substr(at * item_size, item_size);
      return;
    }
    for (std::size_t i = 0; i < shape[axis]; ++i) visit(axis + 1, at + i * strides[axis]);
  };
  visit(0, offset);
  return bytes;
}

std::string visited_bytes(const TensorView& tensor) {
  std::string all;
  visit_bytes(tensor, [&](std::span<const std::byte> run) {
    all.append(reinterpret_cast<const char*>(run.data()), run.size());
  });
  return all;
}

}  // namespace fovea::test
