// JPEG XL through libjxl: the first frame at 8 bits, upright as the file says.
#include <jxl/decode.h>

#include <memory>

#include "image/module/module_side.hpp"

namespace {

using fovea::module::Damaged;
using fovea::module::Unsupported;

void decode(const FoveaDecodeRequest& request) {
  const std::unique_ptr<JxlDecoder, decltype(&JxlDecoderDestroy)> decoder(JxlDecoderCreate(nullptr), JxlDecoderDestroy);
  if (decoder == nullptr) throw Damaged("libjxl could not be started");
  JxlDecoderSubscribeEvents(decoder.get(), JXL_DEC_BASIC_INFO | JXL_DEC_FULL_IMAGE);
  JxlDecoderSetInput(decoder.get(), request.file, request.size);
  constexpr JxlPixelFormat kRgb{3, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  std::uint8_t* rgb = nullptr;
  std::size_t bytes = 0;
  for (;;) {
    switch (JxlDecoderProcessInput(decoder.get())) {
      case JXL_DEC_BASIC_INFO: {
        JxlBasicInfo info;
        if (JxlDecoderGetBasicInfo(decoder.get(), &info) != JXL_DEC_SUCCESS) throw Damaged("its header makes no sense");
        rgb = fovea::module::allocate(request, info.xsize, info.ysize);
        bytes = std::size_t{3} * info.xsize * info.ysize;
        break;
      }
      case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        if (JxlDecoderSetImageOutBuffer(decoder.get(), &kRgb, rgb, bytes) != JXL_DEC_SUCCESS) {
          throw Unsupported("channels that do not become RGB");
        }
        break;
      case JXL_DEC_FULL_IMAGE: return;  // of an animation the first
      case JXL_DEC_NEED_MORE_INPUT: throw Damaged("the file ends too early");
      default: throw Damaged("its codestream makes no sense");
    }
  }
}

}  // namespace

FOVEA_EXPORT_DECODER(decode)
