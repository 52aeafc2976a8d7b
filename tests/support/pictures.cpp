#include "support/pictures.hpp"

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "base/random.hpp"
#include "fovea/architecture.hpp"
#include "image/codec/encode.hpp"
#include "support/tiny_model.hpp"

namespace fovea::test {

void write_picture(const std::filesystem::path& path, int height, int width, int shade) {
  Image image({height, width});
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>((x * 5 + shade * 40) % 256);
      image.row(y)[3 * x + 1] = static_cast<std::uint8_t>((y * 3 + shade * 90) % 256);
      image.row(y)[3 * x + 2] = static_cast<std::uint8_t>((x + y) % 256);
    }
  }
  const std::string name = path.string();
  const bool jpeg = name.size() > 4 && name.compare(name.size() - 4, 4, ".jpg") == 0;
  const std::vector<std::byte> bytes = jpeg ? encode_jpeg(image, 90) : encode_png(image);
  write_text(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void write_texture(const std::filesystem::path& path, std::size_t kind, std::size_t number) {
  constexpr int kSide = 40;
  constexpr int kBlock = 5;
  Image image({kSide, kSide});
  Random random(1000 * kind + number);
  for (int y = 0; y < kSide; y += kBlock) {
    for (int x = 0; x < kSide; x += kBlock) {
      const std::array<std::uint64_t, 3> color{40 + 60 * (kind % 3) + random.below(90),
                                               150 - 50 * (kind % 2) + random.below(90),
                                               20 + 40 * (kind / 3 + kind % 3) + random.below(90)};
      for (int i = 0; i < kBlock * kBlock * 3; ++i) {
        image.row(y + i / (kBlock * 3))[3 * x + i % (kBlock * 3)] =
            static_cast<std::uint8_t>(color.at(static_cast<std::size_t>(i % 3)));
      }
    }
  }
  const std::vector<std::byte> bytes = encode_png(image);
  write_text(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

Architecture tiny_architecture() {
  Architecture architecture;
  architecture.image_size = {32, 32};
  architecture.patch_size = 8;
  architecture.embed_dim = 24;
  architecture.depth = 2;
  architecture.num_heads = 2;
  architecture.mlp_hidden_dim = 48;
  architecture.num_classes = 5;
  return architecture;
}

void write_tiny_model_folder(const std::filesystem::path& folder, std::uint64_t seed) {
  std::filesystem::create_directories(folder);
  const Architecture architecture = tiny_architecture();
  write_tiny_model(folder, architecture, make_tiny_tensors(architecture, seed));
}

void write_pictures_alike(const std::filesystem::path& folder) {
  for (int picture = 0; picture < 16; ++picture) {
    std::string ppm = "P6 48 40 255\n";
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < 48; ++x) {
        for (const int level : {2 * y + picture, 2 * x, x + y}) ppm += static_cast<char>(level);
      }
    }
    write_text(folder / (std::to_string(100 + picture) + ".ppm"), ppm);
  }
}

}  // namespace fovea::test
