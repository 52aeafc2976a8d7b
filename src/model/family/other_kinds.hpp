// Networks that are no Vision Transformers of any known family, told by the names of their tensors.
#pragma once

#include <optional>
#include <string_view>

#include "checkpoint/checkpoint.hpp"

namespace fovea {

struct OtherKind {
  std::string_view what;  // "a Swin Transformer"
  std::string_view hint;
};

[[nodiscard]] std::optional<OtherKind> other_kind(const Checkpoint& checkpoint);

}  // namespace fovea
