#include "model/family/other_kinds.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace fovea {
namespace {

constexpr std::string_view kPlainOnly = "GUIDE.md has the families that are computed: plain Vision Transformers";

struct Sign {
  std::string_view part;  // of a tensor's name
  OtherKind kind;
};
// Those of timm, transformers, torchvision and the authors; the more special one before the more general.
constexpr std::array kSigns{
    Sign{".lora_A.",
         {"a LoRA adapter, not a model",
          "merge it into its base: PeftModel.from_pretrained(base, FOLDER).merge_and_unload().save_pretrained(NEW)"}},
    Sign{"embeds.proj.weight", {"timm's NaFlexVit, with a grid for each picture", kPlainOnly}},
    Sign{"blocks.0.attns.1.norm.weight", {"timm's 18x2, whose attentions stand beside each other", kPlainOnly}},
    Sign{"layers.0.blocks.0.attn.relative_position_bias_table", {"a Swin Transformer", kPlainOnly}},
    Sign{"layers.0.blocks.0.attention.self.relative_position_bias_table", {"a Swin Transformer", kPlainOnly}},
    Sign{"layers.0.blocks.0.attn.logit_scale", {"a Swin Transformer V2", kPlainOnly}},
    Sign{"layers.0.blocks.0.attention.self.logit_scale", {"a Swin Transformer V2", kPlainOnly}},
    Sign{"features.1.0.attn.relative_position_bias_table", {"a Swin Transformer", kPlainOnly}},
    Sign{"stages.0.blocks.0.conv_dw.weight", {"a ConvNeXt", kPlainOnly}},
    Sign{"stages.0.layers.0.dwconv.weight", {"a ConvNeXt", kPlainOnly}},
    Sign{"stages.0.0.dwconv.weight", {"a ConvNeXt", kPlainOnly}},
    Sign{"features.1.0.block.0.weight", {"a ConvNeXt or another convolutional network", kPlainOnly}},
    Sign{"layer1.0.conv1.weight", {"a ResNet", kPlainOnly}},
    Sign{"encoder.stages.0.layers.0.layer.0.convolution.weight", {"a ResNet", kPlainOnly}},
    Sign{"blocks.0.0.conv_dw.weight", {"an EfficientNet or MobileNet", kPlainOnly}},
    Sign{"conv_stem.weight", {"a convolutional network", kPlainOnly}},
    Sign{"model.layers.0.self_attn.q_proj.weight", {"a language model", kPlainOnly}}};

}  // namespace

std::optional<OtherKind> other_kind(const Checkpoint& checkpoint) {
  const auto all = checkpoint.tensors();
  for (const Sign& sign : kSigns) {
    const bool shown = std::any_of(all.begin(), all.end(), [&](const TensorView& tensor) {
      return tensor.name.find(sign.part) != std::string::npos;
    });
    if (shown) return sign.kind;
  }
  return std::nullopt;
}

}  // namespace fovea
