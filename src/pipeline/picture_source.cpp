#include "pipeline/picture_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "base/process/input_stream.hpp"
#include "fovea/error.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "pipeline/archive/archive_inputs.hpp"
#include "pipeline/prepare_view.hpp"

namespace fovea {
namespace {

/// The bytes of a picture's file.
struct EncodedPicture {
  std::vector<std::byte> read;       // none where the bytes are the caller's
  std::span<const std::byte> bytes;  // of `read`, or the caller's
  std::string name;                  // for messages
};

/// A stream has no size that could be looked at before it is read. No format needs more bytes than this: 16 a pixel, of
/// four channels in 32 bits, and 1 MB for all else.
std::size_t most_stream_bytes(const DecodeOptions& decode) {
  constexpr std::size_t kMostPixels = kMostStreamBytes / 16;
  return std::min(kMostStreamBytes, 16 * std::min(decode.max_pixels, kMostPixels) + 1'000'000);
}

EncodedPicture read_input(const Input& input, const DecodeOptions& decode) {
  EncodedPicture file;
  file.name = input.is_standard_input() ? "standard input" : printable(input.path);
  if (!input.bytes) {
    file.read = input.is_standard_input() ? read_stream(STDIN_FILENO, file.name, most_stream_bytes(decode))
                                          : read_input_file(input);
  }
  file.bytes = input.bytes.value_or(file.read);
  return file;
}

LoadedPicture load_file(const Input& input, const DecodeOptions& decode, const ModelInfo& model, Keep keep,
                        const View& view) {
  const EncodedPicture file = read_input(input, decode);
  DecodedPicture decoded = decode_image(file.bytes, file.name, decode, model.recipe);
  LoadedPicture picture{prepare_view(decoded.image, model, decoded.whole, view), decoded.whole, decoded.eighths, {}};
  if (keep == Keep::kNothing) return picture;
  // The model reads the same pixels whether they are drawn on or not: only what is drawn on is decoded in full.
  const bool again = keep == Keep::kWhole && decoded.eighths < 8;
  picture.original = again ? decode_image(file.bytes, file.name, decode) : std::move(decoded.image);
  return picture;
}

LoadedPicture load_pixels(const Image& pixels, const ModelInfo& model, Keep keep, const View& view) {
  return {prepare_view(pixels, model, pixels.size(), view), pixels.size(), 8,
          keep == Keep::kNothing ? Image() : pixels};
}

/// The tensor is what the model reads; a picture to draw on is computed from the tensor.
LoadedPicture load_tensor(const TensorImages& tensors, std::size_t index, const ModelInfo& model, Keep keep) {
  const Size size = tensors.size();
  std::vector<float> chw(static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width) * 3);
  tensors.read(index, chw);
  const Architecture& architecture = model.architecture;
  LoadedPicture picture;
  picture.size = size;
  picture.geometry = {size, size, size, 0, 0};
  picture.grid = architecture.grid();
  picture.patches.resize(picture.grid.size() * architecture.patch_dim());
  cut_patches(chw, size, architecture.patch_size, picture.patches);
  if (keep == Keep::kNothing) return picture;
  picture.original = denormalized(chw, size, model.recipe);
  picture.network_input = picture.original;
  return picture;
}

}  // namespace

void prefetch(const Input& input) {
  if (input.bytes || input.pixels != nullptr || (input.part && input.part->unpacked)) return;
  const std::string& path = input.stored_in();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return;
  const FilePart part = input.part.value_or(FilePart{});
  ::posix_fadvise(file, static_cast<off_t>(part.offset), static_cast<off_t>(part.bytes), POSIX_FADV_WILLNEED);
  ::close(file);
}

LoadedPicture load_picture(const Input& input, std::size_t index, const TensorImages* tensors,
                           const DecodeOptions& decode, const ModelInfo& model, Keep keep, const View& view) {
  // It concerns this picture alone, even where it is about the names of its outputs.
  if (input.failure) throw RefusedFile(input.failure->code, input.failure->message, input.failure->hint);
  if (tensors != nullptr) return load_tensor(*tensors, index, model, keep);
  if (input.pixels != nullptr) return load_pixels(*input.pixels, model, keep, view);
  return load_file(input, decode, model, keep, view);
}

}  // namespace fovea
