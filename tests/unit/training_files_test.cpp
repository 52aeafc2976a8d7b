// Files that training loops write, and files that are no Vision Transformer's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/files.hpp"
#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "support/checkpoint_writers.hpp"
#include "support/renamed_tensors.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

using test::TinyTensors;
using testing::HasSubstr;

TinyTensors tiny() {
  return test::make_tiny_tensors(test::tiny_vit({32, 32}), 1);
}

TinyTensors with_prefix(const std::string& prefix) {
  TinyTensors tensors;
  for (const auto& [name, tensor] : tiny()) tensors[prefix + name] = tensor;
  return tensors;
}

Error refusal(const std::filesystem::path& model, const LoadOptions& options = {}) {
  try {
    (void)inspect_model(model, options);
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error;
  }
  ADD_FAILURE() << "accepted";
  return {ErrorCode::kUsage, ""};
}

TEST(TrainingFiles, HavePrefixesTakenOffInAnyOrderAndEveryFormatAndSaySo) {
  const test::TempFolder folder;
  for (const char* prefix : {"_orig_mod.", "module.", "model.", "net.", "backbone.", "vit.", "encoder.", "visual.",
                             "visual.trunk.", "timm_model.", "_fsdp_wrapped_module.", "module._orig_mod.",
                             "_orig_mod.module.model.", "model.net.backbone."}) {
    test::write_safetensors(folder / "x.safetensors", with_prefix(prefix));
    const ModelInfo info = inspect_model(folder / "x.safetensors");
    EXPECT_EQ(info.architecture.depth, 3U) << prefix;
    EXPECT_FALSE(info.stripped.empty()) << prefix;
    test::write_pth(folder / "x.pth", with_prefix(prefix), "state_dict");
    EXPECT_EQ(inspect_model(folder / "x.pth").architecture.depth, 3U) << prefix;
    EXPECT_FALSE(inspect_model(folder / "x.pth").stripped.empty()) << prefix;
  }
  test::write_safetensors(folder / "x.safetensors", tiny());
  EXPECT_EQ(inspect_model(folder / "x.safetensors").stripped, "");
}

TEST(TrainingFiles, MayHaveMarksOfWrappersWithinNames) {
  const test::TempFolder folder;
  const TinyTensors inside =
      test::renamed(tiny(), {{R"(blocks\.(\d+)\.(.*))", "blocks.$1._checkpoint_wrapped_module.$2"}, {"(.*)", "$1"}});
  test::write_safetensors(folder / "x.safetensors", inside);
  EXPECT_EQ(inspect_model(folder / "x.safetensors").stripped, "_checkpoint_wrapped_module.");
}

TEST(TrainingFiles, KeepAPrefixThatNotAllTensorsHave) {
  const test::TempFolder folder;
  TinyTensors tensors = with_prefix("model.");
  tensors["criterion.weight"] = test::some_tensor({3});
  test::write_safetensors(folder / "x.safetensors", tensors);
  EXPECT_THAT(refusal(folder / "x.safetensors").what(), HasSubstr("the tensor names match no known family"));
}

TEST(TrainingFiles, HaveTheirWeightsUnderTheKeysOfCommonLoops) {
  const test::TempFolder folder;
  for (const char* key : {"state_dict_ema", "model_ema", "state_dict", "model", "model_state_dict", "net", "params",
                          "network", "weights", "module"}) {
    test::write_pth(folder / "x.ckpt", tiny(), key);
    const ModelInfo info = inspect_model(folder.path());
    EXPECT_EQ(info.weights_key, key);
    EXPECT_EQ(info.architecture.depth, 3U) << key;
    std::filesystem::remove(folder / "x.ckpt");
  }
}

TEST(TrainingFiles, GiveTheWeightsThatTheUserNames) {
  const test::TempFolder folder;
  LoadOptions options;
  options.weights = "mine";
  test::write_pth(folder / "x.pth", tiny(), "mine");
  EXPECT_EQ(inspect_model(folder / "x.pth", options).weights_key, "mine");
  options.weights = "theirs";
  const Error error = refusal(folder / "x.pth", options);
  EXPECT_EQ(error.code(), ErrorCode::kUsage);
  EXPECT_THAT(error.what(), HasSubstr("no weights under 'theirs'"));
  EXPECT_THAT(error.hint(), HasSubstr("mine"));
  test::write_safetensors(folder / "x.safetensors", tiny());
  EXPECT_THAT(refusal(folder / "x.safetensors", options).what(), HasSubstr("has one set of weights"));
}

/// The tiny model with its head's tensors called otherwise, and these beside them.
TinyTensors with_head(const std::string& layer, const TinyTensors& more = {}) {
  TinyTensors tensors = test::renamed(tiny(), {{R"(head\.(.*))", layer + ".$1"}, {"(.*)", "$1"}});
  tensors.insert(more.begin(), more.end());
  return tensors;
}

TEST(TrainingFiles, MayHaveTheirHeadInAContainerWithOneLinearLayer) {
  const test::TempFolder folder;
  for (const char* layer : {"head", "head.1", "head.0", "head.0.1", "fc", "fc.1", "module.head.1"}) {
    TinyTensors tensors = with_head(layer);
    if (std::string(layer).starts_with("module.")) {
      tensors = test::renamed(tensors, {{R"(module\.(.*))", "module.$1"}, {"(.*)", "module.$1"}});
    }
    test::write_safetensors(folder / "x.safetensors", tensors);
    EXPECT_EQ(inspect_model(folder / "x.safetensors").architecture.num_classes, 10U) << layer;
  }
}

TEST(TrainingFiles, WithAHeadOfSeveralLayersAreRefusedByTheirNames) {
  const test::TempFolder folder;
  const auto told = [&](const TinyTensors& tensors) {
    test::write_safetensors(folder / "x.safetensors", tensors);
    return std::string(refusal(folder / "x.safetensors").what());
  };
  const TinyTensors linear{{"head.0.weight", test::some_tensor({48, 48})}, {"head.0.bias", test::some_tensor({48})}};
  EXPECT_THAT(told(with_head("head.2", linear)),
              HasSubstr("the head has the layers 'head.0', 'head.2', expected one linear layer"));
  const TinyTensors norm{{"head.0.weight", test::some_tensor({48})}, {"head.0.bias", test::some_tensor({48})}};
  EXPECT_THAT(told(with_head("head.1", norm)), HasSubstr("the head has the layers 'head.0', 'head.1'"));
  EXPECT_THAT(told(with_head("head", {{"fc.weight", test::some_tensor({10, 48})}})), HasSubstr("the layers 'fc'"));
}

TEST(ForeignFiles, AreNamedFromWhatTheyBeginWith) {
  const test::TempFolder folder;
  const auto told = [&](std::string_view content) {
    replace_file(folder / "model.safetensors", content);
    return std::string(refusal(folder.path()).what());
  };
  using namespace std::string_view_literals;
  EXPECT_THAT(told("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), HasSubstr("git-lfs pointer"));
  EXPECT_THAT(told("GGUF\x03\0\0\0\0\0\0\0"sv), HasSubstr("GGUF"));
  EXPECT_THAT(told("\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0"sv), HasSubstr("HDF5"));
  EXPECT_THAT(told("\x08\x08\x12\x07pytorch\x1a\x05"sv), HasSubstr("ONNX"));
  EXPECT_THAT(told("\x82\xa6params\x81\xa3vit\x80"sv), HasSubstr("msgpack"));
  EXPECT_THAT(told("\x1c\0\0\0TFL3\x14\0\0\0"sv), HasSubstr("TensorFlow Lite"));
  EXPECT_THAT(told("<!DOCTYPE html><html></html>"), HasSubstr("a web page"));
  EXPECT_THAT(told("nothing that is known"), HasSubstr("unknown format"));
}

TEST(OtherKinds, AreNamedFromTheirTensors) {
  const test::TempFolder folder;
  const auto told = [&](const std::string& tensor) {
    test::write_safetensors(folder / "x.safetensors", {{tensor, test::some_tensor({3})}});
    return refusal(folder / "x.safetensors");
  };
  EXPECT_THAT(told("layers.0.blocks.0.attn.relative_position_bias_table").what(), HasSubstr("Swin"));
  EXPECT_THAT(told("swin.encoder.layers.0.blocks.0.attention.self.relative_position_bias_table").what(),
              HasSubstr("Swin"));
  EXPECT_THAT(told("stages.0.blocks.0.conv_dw.weight").what(), HasSubstr("ConvNeXt"));
  EXPECT_THAT(told("module.layer1.0.conv1.weight").what(), HasSubstr("ResNet"));
  const Error lora = told("base_model.model.vit.encoder.layer.0.attention.attention.query.lora_A.weight");
  EXPECT_THAT(lora.what(), HasSubstr("LoRA"));
  EXPECT_THAT(lora.hint(), HasSubstr("merge_and_unload"));
}

}  // namespace
}  // namespace fovea
