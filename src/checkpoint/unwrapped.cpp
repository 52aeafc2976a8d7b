#include "checkpoint/unwrapped.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
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

using Rename = std::function<std::optional<std::string>(std::string name)>;  // none: the tensor is left out

class Renamed final : public Checkpoint {
 public:
  /// @param wrapper  what is taken off, for origin() and messages; may be empty
  Renamed(std::unique_ptr<Checkpoint> wrapped, const std::string& wrapper, const Rename& rename)
      : wrapped_(std::move(wrapped)), origin_(wrapped_->origin()) {
    if (!wrapper.empty()) origin_.stripped += (origin_.stripped.empty() ? "" : ", ") + wrapper;
    for (TensorView tensor : wrapped_->tensors()) {
      auto name = rename(std::move(tensor.name));
      if (!name) continue;
      tensor.name = std::move(*name);
      tensors_.push_back(std::move(tensor));
    }
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

constexpr std::string_view kTrunk = "visual.trunk.";
constexpr std::string_view kTrunkHead = "visual.head.";
constexpr std::string_view kTimmHead = "head.";  // within the trunk, which projects here
constexpr std::string_view kLogits = "logit_";
// Everything that is not under "visual." in open_clip's CLIP and CustomTextCLIP.
constexpr std::array<std::string_view, 9> kBesideTrunk{"text.",     "transformer.",    "token_embedding.",
                                                       "ln_final.", "text_projection", "positional_embedding",
                                                       "attn_mask", "logit_scale",     "logit_bias"};

bool is_beside_trunk(std::string_view name) {
  return std::any_of(kBesideTrunk.begin(), kBesideTrunk.end(),
                     [&](std::string_view part) { return name.starts_with(part); });
}

/// None for what belongs to the text tower.
std::optional<std::string> name_in_tower(std::string name) {
  if (name.starts_with(kLogits)) return name;
  if (name.starts_with(kTrunkHead)) return "head." + name.substr(kTrunkHead.size());
  if (!name.starts_with(kTrunk)) return std::nullopt;
  name.erase(0, kTrunk.size());
  return name.starts_with(kTimmHead) ? "head.proj." + name.substr(kTimmHead.size()) : name;
}

/// What people and libraries call a classification head. A longer name stands before one that it begins with.
struct HeadName {
  std::string_view found;
  std::string_view plain = {};  // in the library that has this name; empty: `found`
};
constexpr std::array kHeads{HeadName{"heads.head"}, HeadName{"heads", "heads.head"}, HeadName{"head"},
                            HeadName{"classifier"}, HeadName{"fc", "head"}};

/// "head.1" and "weight" of "head.1.weight", if it belongs to a layer of a head that is no plain one.
struct HeadLayer {
  std::string layer;
  std::string_view plain;
};
std::optional<HeadLayer> head_layer(const std::string& tensor) {
  const std::size_t dot = tensor.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string layer = tensor.substr(0, dot);
  for (const HeadName& head : kHeads) {
    if (!layer.starts_with(head.found)) continue;
    const std::string_view path = std::string_view(layer).substr(head.found.size());
    const bool indices =
        std::all_of(path.begin(), path.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    if (!indices || (!path.empty() && path[0] != '.')) continue;
    const std::string_view plain = head.plain.empty() ? head.found : head.plain;
    if (layer == plain) return std::nullopt;
    return HeadLayer{layer, plain};
  }
  return std::nullopt;
}

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
  return std::make_unique<Renamed>(std::move(checkpoint), wrapper,
                                   [&](std::string name) { return without(std::move(name), wrapper); });
}

std::unique_ptr<Checkpoint> image_tower(std::unique_ptr<Checkpoint> checkpoint) {
  const auto all = checkpoint->tensors();
  const auto is_open_clips = [](const TensorView& tensor) {
    return tensor.name.starts_with(kTrunk) || tensor.name.starts_with(kTrunkHead) || is_beside_trunk(tensor.name);
  };
  const auto in_trunk = [](const TensorView& tensor) { return tensor.name.starts_with(kTrunk); };
  if (std::none_of(all.begin(), all.end(), in_trunk) || !std::all_of(all.begin(), all.end(), is_open_clips)) {
    return checkpoint;
  }
  // A trunk of timm's alone, whose head is a classifier's, comes without logit_scale.
  if (checkpoint->find("logit_scale") == nullptr) return checkpoint;
  return std::make_unique<Renamed>(std::move(checkpoint), std::string(kTrunk), name_in_tower);
}

std::vector<std::string> contained_heads(const Checkpoint& checkpoint) {
  std::vector<std::string> layers;
  for (const TensorView& tensor : checkpoint.tensors()) {
    const auto found = head_layer(tensor.name);
    if (found && tensor.name.ends_with(".weight")) layers.push_back(found->layer);
  }
  return layers;
}

std::unique_ptr<Checkpoint> with_plain_head(std::unique_ptr<Checkpoint> checkpoint) {
  const std::vector<std::string> layers = contained_heads(*checkpoint);
  if (layers.size() != 1) return checkpoint;
  const auto plain = head_layer(layers.front() + ".weight")->plain;
  if (checkpoint->find(std::string(plain) + ".weight") != nullptr) return checkpoint;
  return std::make_unique<Renamed>(std::move(checkpoint), "", [&](std::string name) -> std::optional<std::string> {
    const auto found = head_layer(name);
    if (!found || found->layer != layers.front()) return name;
    return std::string(plain) + name.substr(found->layer.size());
  });
}

}  // namespace fovea
