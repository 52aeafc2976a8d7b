#include "pipeline/picture_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"

namespace fovea {
namespace {

void take_file(const Input& input, const DecodeOptions& decode, const ModelInfo& model, Keep keep,
               LoadedPicture& picture) {
  const bool is_stream = input.is_standard_input();
  const std::string name = is_stream ? "standard input" : printable(input.path);
  const std::vector<std::byte> file = is_stream ? read_stream(stdin, name) : read_file(input.path);
  DecodedPicture decoded = decode_image(file, name, decode, model.recipe);
  picture.size = decoded.whole;
  picture.decoded_eighths = decoded.eighths;
  Preprocessed ready = preprocess(decoded.image, model.recipe, decoded.whole);
  picture.geometry = ready.geometry;
  extract_patches(ready.pixels, model.recipe, model.architecture.patch_size, picture.patches);
  if (keep == Keep::kNothing) return;
  // The model sees the same whether its picture is drawn on or not: what it was fed is not replaced by the whole.
  const bool again = keep == Keep::kWhole && decoded.eighths < 8;
  picture.original = again ? decode_image(file, name, decode) : std::move(decoded.image);
  picture.network_input = std::move(ready.pixels);
}

/// What the model is fed is there already; what is drawn on has to be made of it.
void take_tensor(const TensorImages& tensors, std::size_t index, const ModelInfo& model, Keep keep,
                 LoadedPicture& picture) {
  picture.size = tensors.size();
  picture.geometry = {picture.size, picture.size, picture.size, 0, 0};
  const Size size = picture.size;
  std::vector<float> chw(static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width) * 3);
  tensors.read(index, chw);
  cut_patches(chw, size, model.architecture.patch_size, picture.patches);
  if (keep == Keep::kNothing) return;
  picture.original = denormalized(chw, size, model.recipe);
  picture.network_input = picture.original;
}

}  // namespace

void prefetch(const Input& input) {
  struct stat status {};
  if (::stat(input.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  const int file = ::open(input.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
  ::close(file);
}

LoadedPicture load_picture(const Input& input, std::size_t index, const TensorImages* tensors,
                           const DecodeOptions& decode, const ModelInfo& model, Keep keep) {
  if (input.failure) throw Error(input.failure->code, input.failure->message, input.failure->hint);
  LoadedPicture picture;
  picture.patches.resize(model.architecture.grid().size() * model.architecture.patch_dim());
  if (tensors != nullptr) {
    take_tensor(*tensors, index, model, keep, picture);
  } else {
    take_file(input, decode, model, keep, picture);
  }
  return picture;
}

}  // namespace fovea
