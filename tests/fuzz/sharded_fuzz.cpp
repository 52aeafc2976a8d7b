// An index beside two shards: a.safetensors has the tensors a1 and a2, b.safetensors has b1.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/tensors.hpp"
#include "support/zip_writer.hpp"

namespace fovea::fuzz {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, const std::string& content) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
}

void write_shard(const fs::path& path, const std::string& header, std::size_t payload_bytes) {
  write_file(path, test::little_endian(header.size(), 8) + header + std::string(payload_bytes, '\x3F'));
}

// One folder for all inputs, removed at the end.
class ShardFolder {
 public:
  ShardFolder() : path_((fs::temp_directory_path() / "fovea_fuzz_XXXXXX").string()) {
    require(::mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
    write_shard(fs::path(path_) / "a.safetensors",
                R"({"a1":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                R"("a2":{"dtype":"F16","shape":[1,2],"data_offsets":[8,12]}})",
                12);
    write_shard(fs::path(path_) / "b.safetensors", R"({"b1":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4);
  }
  ~ShardFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ShardFolder(const ShardFolder&) = delete;
  ShardFolder& operator=(const ShardFolder&) = delete;

  [[nodiscard]] fs::path with_index(const std::string& index) const {
    fs::path file = fs::path(path_) / "model.safetensors.index.json";
    write_file(file, index);
    return file;
  }

 private:
  std::string path_;
};

}  // namespace

bool accepts(std::span<const std::byte> input) {
  static const ShardFolder folder;
  try {
    const auto checkpoint =
        open_checkpoint(folder.with_index({reinterpret_cast<const char*>(input.data()), input.size()}));
    require(!checkpoint->tensors().empty() || !checkpoint->format().starts_with("sharded"), "shards have tensors");
    read_all(*checkpoint);
    return true;
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kCheckpoint || error.code() == ErrorCode::kUnreadable,
            "a damaged checkpoint is a checkpoint error");
    return false;
  }
}

}  // namespace fovea::fuzz
