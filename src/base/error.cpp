#include "fovea/error.hpp"

namespace fovea {

std::string_view name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kUsage: return "usage";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kUnreadable: return "unreadable";
    case ErrorCode::kDecode: return "decode";
    case ErrorCode::kTooLarge: return "too_large";
    case ErrorCode::kCheckpoint: return "checkpoint";
    case ErrorCode::kShape: return "shape";
    case ErrorCode::kBackend: return "backend";
    case ErrorCode::kOutput: return "output";
  }
  return "internal";
}

}  // namespace fovea
