#include "checkpoint/unwrapped.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/files.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

// The marks of torch.compile, FSDP and activation checkpointing, which wrap modules at any depth.
constexpr std::array<std::string_view, 4> kMarks{"_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.",
                                                 "_forward_module."};
// The prefixes of modules that hold the model as a member. A longer prefix stands before one that it begins with.
constexpr std::array<std::string_view, 12> kPrefixes{"module.",   "model.",      "net.",     "network.",
                                                     "backbone.", "vit.",        "encoder.", "visual.trunk.",
                                                     "visual.",   "timm_model.", "trunk.",   "base_model."};

bool is_mark(std::string_view wrapper) {
  return std::find(kMarks.begin(), kMarks.end(), wrapper) != kMarks.end();
}

std::string without(std::string name, std::string_view wrapper) {
  if (!is_mark(wrapper)) return name.substr(wrapper.size());
  for (std::size_t at = name.find(wrapper); at != std::string::npos; at = name.find(wrapper)) {
    name.erase(at, wrapper.size());
  }
  return name;
}

class Unwrapped final : public Checkpoint {
 public:
  Unwrapped(std::unique_ptr<Checkpoint> wrapped, const std::string& wrapper)
      : wrapped_(std::move(wrapped)), origin_(wrapped_->origin()) {
    origin_.stripped += (origin_.stripped.empty() ? "" : ", ") + wrapper;
    tensors_.assign(wrapped_->tensors().begin(), wrapped_->tensors().end());
    for (TensorView& tensor : tensors_) tensor.name = without(std::move(tensor.name), wrapper);
    std::sort(tensors_.begin(), tensors_.end(),
              [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
    const auto repeated = std::adjacent_find(tensors_.begin(), tensors_.end(),
                                             [](const auto& a, const auto& b) { return a.name == b.name; });
    if (repeated == tensors_.end()) return;
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("tensor '{}' is in the checkpoint twice without '{}', expected once",
                            printable(repeated->name), wrapper),
                "save the model itself: model.state_dict() of what the wrapper holds");
  }
  [[nodiscard]] std::string_view format() const noexcept override { return wrapped_->format(); }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  [[nodiscard]] std::map<std::string, std::string> metadata() const override { return wrapped_->metadata(); }
  [[nodiscard]] WeightsOrigin origin() const override { return origin_; }
  void forget() const noexcept override { wrapped_->forget(); }

 private:
  std::unique_ptr<Checkpoint> wrapped_;
  WeightsOrigin origin_;
  std::vector<TensorView> tensors_;
};

}  // namespace

std::string wrapper_mark(const Checkpoint& checkpoint) {
  const auto all = checkpoint.tensors();
  for (const std::string_view mark : kMarks) {
    const auto has = [&](const TensorView& tensor) { return tensor.name.find(mark) != std::string::npos; };
    if (std::any_of(all.begin(), all.end(), has)) return std::string(mark);
  }
  return {};
}

std::string wrapper_prefix(const Checkpoint& checkpoint) {
  const auto all = checkpoint.tensors();
  for (const std::string_view prefix : kPrefixes) {
    const auto has = [&](const TensorView& tensor) { return tensor.name.starts_with(prefix); };
    if (!all.empty() && std::all_of(all.begin(), all.end(), has)) return std::string(prefix);
  }
  return {};
}

std::unique_ptr<Checkpoint> without_wrapper(std::unique_ptr<Checkpoint> checkpoint, const std::string& wrapper) {
  return std::make_unique<Unwrapped>(std::move(checkpoint), wrapper);
}

}  // namespace fovea
