// Every format that is neither JPEG nor PNG nor WebP: through a module with OpenCV's imgcodecs, loaded at first use.
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "image/codec/exif.hpp"
#include "image/codec/formats.hpp"
#include "image/codec/gif.hpp"
#include "image/codec/imgcodecs_module.hpp"
#include "image/codec/other_headers.hpp"
#include "image/codec/tiff_directory.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

struct Module {
  FoveaDecodeFunction* decode = nullptr;
  FoveaReleaseFunction* release = nullptr;
};

/// Beside the program, in the build tree or an installed prefix, or where this library was to be installed.
std::vector<fs::path> module_places() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path prefix = program.parent_path().parent_path();
  return {prefix / "lib" / "fovea", prefix / FOVEA_LIBDIR / "fovea", fs::path(FOVEA_FULL_LIBDIR) / "fovea"};
}

Module load_module() {
  std::string reason = "not found";
  for (const fs::path& folder : module_places()) {
    const fs::path file = folder / FOVEA_IMGCODECS_MODULE;
    std::error_code ignored;
    if (!fs::exists(file, ignored)) continue;
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays loaded until the end
    if (handle == nullptr) {
      const char* said = dlerror();
      reason = said != nullptr ? said : "not loadable";
      continue;
    }
    const Module module{reinterpret_cast<FoveaDecodeFunction*>(dlsym(handle, FOVEA_IMGCODECS_DECODE)),
                        reinterpret_cast<FoveaReleaseFunction*>(dlsym(handle, FOVEA_IMGCODECS_RELEASE))};
    if (module.decode != nullptr && module.release != nullptr) return module;
    reason = "of another version";
  }
  throw Error(
      ErrorCode::kBackend,
      fmt::format("module {} is {}, expected in {}", FOVEA_IMGCODECS_MODULE, reason, (module_places().back()).string()),
      "only JPEG, PNG and WebP can be read without it; install fovea again, and libopencv-imgcodecs");
}

const Module& module() {
  static const Module loaded = load_module();
  return loaded;
}

struct ReleaseRaster {
  void operator()(void* owner) const { module().release(owner); }
};
struct Raster {
  FoveaRaster raw{};
  std::unique_ptr<void, ReleaseRaster> owner;
};

Raster read_raster(std::span<const std::byte> file, FoveaReadMode mode, std::string_view name,
                   std::string_view format) {
  Raster raster;
  std::array<char, 300> message{};
  if (file.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::kTooLarge,
                fmt::format("{}: {} of {} bytes, expected less than 2 GB", name, format, file.size()));
  }
  if (module().decode(reinterpret_cast<const unsigned char*>(file.data()), file.size(), mode, &raster.raw,
                      message.data(), message.size()) == 0) {
    throw damaged(name, format, message.data());
  }
  raster.owner.reset(raster.raw.owner);
  return raster;
}

/// What a TIFF holds, as far as it decides how to read it.
struct TiffKind {
  bool separated = false;  // CMYK
  int orientation = 1;
};

void write_value(std::vector<std::byte>& file, const TiffEntry& entry, Endian endian, std::uint64_t value) {
  for (std::size_t i = 0; i < entry.value_width; ++i) {
    const std::size_t at = endian == Endian::kLittle ? i : entry.value_width - 1 - i;
    file[static_cast<std::size_t>(entry.value_offset) + at] = static_cast<std::byte>(value >> (8 * i) & 0xFF);
  }
}

/// Changes the tags that make OpenCV alter pixels on its own: it turns by the orientation whatever the flags say,
/// converts CMYK by a rule that is not Pillow's, and multiplies by the alpha that is to be dropped.
TiffKind neutralise(const TiffDirectory& directory, std::vector<std::byte>& file) {
  TiffKind kind;
  const auto change = [&](TiffTag tag, std::uint64_t from, std::uint64_t to) {
    const TiffEntry* entry = directory.find(tag);
    if (entry == nullptr || entry->value != from) return false;
    write_value(file, *entry, directory.endian, to);
    return true;
  };
  if (directory.value(TiffTag::kSamplesPerPixel) == 4U) {
    constexpr std::uint64_t kUnassociatedAlpha = 2;
    kind.separated = change(TiffTag::kPhotometric, kTiffSeparated, kTiffRgb);
    change(TiffTag::kExtraSamples, kUnassociatedAlpha, 0);
  }
  const std::uint64_t orientation = directory.value(TiffTag::kOrientation).value_or(1);
  if (orientation >= 2 && orientation <= 8) {
    kind.orientation = static_cast<int>(orientation);
    change(TiffTag::kOrientation, orientation, 1);
  }
  return kind;
}

/// A sample as Pillow makes a byte of it: the high byte of 16-bit colour, grey by `gray16`, other types clipped.
std::uint8_t byte_of(const FoveaRaster& raster, const unsigned char* row, std::size_t index, Gray16 gray16) {
  const auto clipped = [](double value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)); };
  switch (raster.depth) {
    case kFoveaU8: return row[index];
    case kFoveaU16: {
      const auto value = reinterpret_cast<const std::uint16_t*>(row)[index];
      return gray_byte(value, raster.channels == 1 ? gray16 : Gray16::kScale);
    }
    case kFoveaS16: return clipped(reinterpret_cast<const std::int16_t*>(row)[index]);
    case kFoveaS32: return clipped(reinterpret_cast<const std::int32_t*>(row)[index]);
    case kFoveaF32: return clipped(static_cast<double>(reinterpret_cast<const float*>(row)[index]));
    default: return clipped(reinterpret_cast<const double*>(row)[index]);
  }
}

Image to_rgb(const FoveaRaster& raster, Gray16 gray16, bool cmyk) {
  Image image({raster.rows, raster.cols});
  const auto channels = static_cast<std::size_t>(raster.channels);
  for (int y = 0; y < raster.rows; ++y) {
    const auto* row =
        static_cast<const unsigned char*>(raster.pixels) + static_cast<std::size_t>(y) * raster.row_stride;
    std::uint8_t* rgb = image.row(y);
    for (std::size_t x = 0; x < static_cast<std::size_t>(raster.cols); ++x, rgb += 3) {
      for (std::size_t c = 0; c < 3; ++c) {
        rgb[c] = byte_of(raster, row, x * channels + (channels >= 3 ? 2 - c : 0), gray16);
      }
      if (cmyk) {
        const std::uint8_t black = byte_of(raster, row, x * channels + 3, gray16);
        for (std::size_t c = 0; c < 3; ++c) rgb[c] = from_cmyk(rgb[c], black);
      }
    }
  }
  return image;
}

/// A decoded frame on its canvas; parts outside are cut off, as Pillow grows no canvas for them.
Image on_canvas(const Image& frame, const GifFrame& place, Size canvas) {
  if (place.top == 0 && place.left == 0 && frame.size() == canvas) return frame;
  Image out(canvas);
  for (std::size_t i = 0; i < out.pixels().size(); ++i) out.pixels()[i] = place.around[i % 3];
  const int rows = std::min(frame.size().height, canvas.height - place.top);
  const int columns = std::min(frame.size().width, canvas.width - place.left);
  for (int y = 0; y < rows && columns > 0; ++y) {
    std::copy_n(frame.row(y), static_cast<std::size_t>(columns) * 3,
                out.row(place.top + y) + static_cast<std::size_t>(place.left) * 3);
  }
  return out;
}

Raster checked_raster(std::span<const std::byte> file, FoveaReadMode mode, std::string_view name,
                      std::string_view format, Size expected) {
  Raster raster = read_raster(file, mode, name, format);
  if (Size{raster.raw.rows, raster.raw.cols} != expected || raster.raw.depth < 0) {
    throw damaged(name, format,
                  fmt::format("it holds {}x{} px, its header says {}x{}", raster.raw.cols, raster.raw.rows,
                              expected.width, expected.height));
  }
  return raster;
}

Image decode_gif(std::span<const std::byte> file, std::string_view name, Size canvas, const DecodeOptions& options) {
  const auto frame = first_gif_frame(file);
  if (!frame) throw damaged(name, "GIF", "its first frame is cut short or broken");
  const Size size = checked_size(static_cast<std::uint64_t>(frame->size.width),
                                 static_cast<std::uint64_t>(frame->size.height), name, options);
  const Raster raster = checked_raster(frame->file, kFoveaReadGdal, name, "GIF", size);
  return on_canvas(to_rgb(raster.raw, options.gray16, false), *frame, canvas);
}

Image decode_tiff(std::span<const std::byte> file, std::string_view name, Size size, const DecodeOptions& options) {
  std::vector<std::byte> changed(file.begin(), file.end());
  const auto directory = read_tiff_directory(file);
  if (!directory || !directory->complete)
    throw damaged(name, "TIFF", "its directory points beyond the end of the file");
  const TiffKind kind = neutralise(*directory, changed);
  const Raster raster = checked_raster(changed, kFoveaReadAsStored, name, "TIFF", size);
  Image image = to_rgb(raster.raw, options.gray16, kind.separated && raster.raw.channels == 4);
  // Pillow turns TIFF files upright as it loads them, whether or not it is asked for the EXIF orientation.
  return upright(std::move(image), kind.orientation);
}

}  // namespace

bool is_other_format(std::span<const std::byte> file) {
  return other_format(file) != nullptr;
}

DecodedFile decode_other(std::span<const std::byte> file, std::string_view name, const DecodeOptions& options) {
  const OtherFormat& format = *other_format(file);
  const auto claimed = format.size(file);
  if (!claimed) throw damaged(name, format.name, "its header is cut short or says no size");
  const Size size = checked_size(claimed->width, claimed->height, name, options);
  if (format.name == "GIF") return {decode_gif(file, name, size, options), 1};
  if (format.name == "TIFF") return {decode_tiff(file, name, size, options), 1};
  // Depths are kept where OpenCV's own conversion to 8 bits is not Pillow's.
  const FoveaReadMode mode = format.name == "PNM" ? kFoveaReadAsStored : kFoveaReadColor;
  return {to_rgb(checked_raster(file, mode, name, format.name, size).raw, options.gray16, false), 1};
}

}  // namespace fovea
