// What a model's config files say: obeyed, or refused by name.
#include "model/config/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

#include "base/files.hpp"
#include "fovea/error.hpp"
#include "model/config/config_files.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

using testing::AllOf;
using testing::HasSubstr;

ModelConfig config_of(const std::string& text) {
  return read_model_config(ConfigReader("config.json", "config.json", text));
}

/// A ViT-Tiny of timm with these model_args.
ModelConfig timm_with(const std::string& args, const std::string& architecture = "vit_tiny_patch16_224") {
  return config_of(R"({"architecture":")" + architecture + R"(","model_args":{)" + args + R"(},"pretrained_cfg":{}})");
}

/// What reading says, and that it names a way out; "accepted" if it has nothing to say.
template <typename Read>
std::string refusal(Read&& read) {
  try {
    (void)read();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
    return error.what();
  }
  return "accepted";
}

TEST(ConfigKeys, ThatNobodyKnowsAreRefusedByNameWithTheWayOut) {
  try {
    (void)timm_with(R"("rope_offset":0.5)");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("config.json: model_args.rope_offset is 0.5, which fovea does not know; "
                                        "expected one of img_size, "));
    EXPECT_THAT(error.hint(), HasSubstr("--ignore-config model_args.rope_offset"));
  }
  EXPECT_THAT(
      refusal([] { return config_of(R"({"architecture":"vit_tiny_patch16_224","pretrained_cfg":{"crop":1}})"); }),
      HasSubstr("pretrained_cfg.crop is 1, which fovea does not know"));
  EXPECT_THAT(refusal([] { return config_of(R"({"model_type":"vit","rope_theta":100.0})"); }),
              HasSubstr("rope_theta is 100.0, which fovea does not know"));
  EXPECT_THAT(refusal([] { return config_of(R"({"model_type":"clip","vision_config":{"use_rope":true}})"); }),
              HasSubstr("vision_config.use_rope is true"));
  EXPECT_THAT(refusal([] { return config_of(R"({"model_cfg":{"vision_cfg":{"rope":true}}})"); }),
              HasSubstr("model_cfg.vision_cfg.rope is true"));
}

TEST(ConfigKeys, OfAnotherClassOfTheSameLibraryAreRefused) {
  EXPECT_THAT(refusal([] { return timm_with(R"("rope_temperature":100.0)"); }), HasSubstr("rope_temperature"));
  EXPECT_THAT(refusal([] { return timm_with(R"("reg_tokens":1)", "eva02_tiny_patch14_224"); }),
              HasSubstr("reg_tokens"));
  EXPECT_THAT(refusal([] { return timm_with(R"("dynamic_img_size":true)", "beit_base_patch16_224"); }),
              HasSubstr("dynamic_img_size"));
}

TEST(ConfigKeys, ThatHaveOneComputedValueAreRefusedWithAnyOther) {
  for (const char* arg : {R"("embed_norm_layer":"rmsnorm")", R"("in_chans":1)", R"("block_fn":"ParallelBlock")",
                          R"("features_only":true)", R"("dynamic_img_pad":true)"}) {
    EXPECT_THAT(refusal([&] { return timm_with(arg); }), HasSubstr("no other is computed")) << arg;
  }
  EXPECT_EQ(refusal([] { return timm_with(R"("dynamic_img_pad":false,"in_chans":3,"drop_rate":0.3)"); }), "accepted");
  EXPECT_THAT(refusal([] { return config_of(R"({"model_type":"vit","num_channels":1})"); }), HasSubstr("num_channels"));
  EXPECT_THAT(refusal([] { return config_of(R"({"model_type":"vit","pruned_heads":{"0":[1]}})"); }),
              HasSubstr("pruned_heads"));
  EXPECT_EQ(refusal([] { return config_of(R"({"model_type":"vit","pruned_heads":{},"hidden_dropout_prob":0.1})"); }),
            "accepted");
}

TEST(ConfigKeys, AreReadPastWhereTheUserSaysSo) {
  const test::TempFolder folder;
  replace_file(folder / "config.json",
               R"({"architecture":"vit_tiny_patch16_224","model_args":{"a.b":1,"depth":2},"pretrained_cfg":{}})");
  ConfigFiles files(folder.path());
  const std::vector<std::string> keys{"model_args.a.b"};
  files.ignore(keys);
  EXPECT_EQ(read_model_config(*files.reader("config.json")).depth, 2U);
  const std::vector<std::string> absent{"model_args.c"};
  EXPECT_THROW(files.ignore(absent), Error);
}

TEST(TimmConfig, RefusesInAFlatFileWhatTimmTakesForUnknownFields) {
  const auto flat = [](const std::string& more) {
    return config_of(
        R"({"architecture":"vit_tiny_patch16_224","num_classes":3,"input_size":[3,32,32],"fixed_input_size":true)" +
        more + "}");
  };
  EXPECT_EQ(flat("").num_classes, 3U);
  EXPECT_EQ(flat(R"(,"labels":["a","b","c"],"num_features":192)").labels.size(), 3U);
  EXPECT_THAT(refusal([&] { return flat(R"(,"model_args":{"depth":2})"); }),
              HasSubstr("model_args is in a file without pretrained_cfg"));
  EXPECT_THAT(refusal([&] { return flat(R"(,"global_pool":"token")"); }),
              HasSubstr("global_pool is in a file without pretrained_cfg"));
}

TEST(TimmConfig, FeedsWhatTimmFeeds) {
  const auto sizes = [](const std::string& args, const std::string& cfg,
                        const std::string& architecture = "vit_tiny_patch16_224") {
    const ModelConfig config = config_of(R"({"architecture":")" + architecture + R"(","model_args":{)" + args +
                                         R"(},"pretrained_cfg":{)" + cfg + "}}");
    return std::pair(config.image_size, config.input_size);
  };
  const Size small{32, 32};
  const Size large{48, 48};
  const std::string fixed = R"("input_size":[3,32,32],"fixed_input_size":true)";
  const std::string flexible = R"("input_size":[3,32,32],"fixed_input_size":false)";
  EXPECT_EQ(sizes("", fixed), std::pair(std::optional(small), std::optional(small)));
  EXPECT_EQ(sizes(R"("img_size":48)", fixed), std::pair(std::optional(large), std::optional(large)));
  EXPECT_EQ(sizes(R"("img_size":[48,48])", fixed), std::pair(std::optional(large), std::optional(large)));
  EXPECT_EQ(sizes(R"("img_size":48,"dynamic_img_size":true)", fixed),
            std::pair(std::optional(large), std::optional(small)));
  EXPECT_EQ(sizes(R"("img_size":48,"dynamic_img_size":true)", flexible),
            std::pair(std::optional(large), std::optional(small)));
  EXPECT_EQ(sizes(R"("img_size":48)", flexible, "vit_small_patch16_dinov3"),
            std::pair(std::optional(large), std::optional(small)));
  EXPECT_THAT(refusal([&] { return sizes(R"("img_size":48)", flexible); }),
              HasSubstr("pretrained_cfg.input_size is 32x32, expected 48x48"));
  EXPECT_EQ(sizes(R"("img_size":48)", fixed, "eva02_base_patch14_448"),
            std::pair(std::optional(large), std::optional(large)));
  EXPECT_THAT(refusal([&] { return sizes("", fixed, "eva02_base_patch14_448"); }),
              HasSubstr("pretrained_cfg.input_size is 32x32, expected 448x448"));
  for (const char* not_fixed : {R"("input_size":[3,32,32])", R"("input_size":[3,32,32],"fixed_input_size":null)",
                                R"("input_size":[3,32,32],"fixed_input_size":false)"}) {
    EXPECT_THAT(refusal([&] { return sizes("", not_fixed); }),
                HasSubstr("pretrained_cfg.input_size is 32x32, expected 224x224"));
  }
}

TEST(TimmConfig, PoolsAsTimmBuildsIt) {
  const auto pool = [](const std::string& architecture, const std::string& root, const std::string& args) {
    return config_of(R"({"architecture":")" + architecture + R"(",)" + root + R"("model_args":{)" + args +
                     R"(},"pretrained_cfg":{}})")
        .read_out;
  };
  EXPECT_EQ(pool("vit_tiny_patch16_224", "", ""), ReadOut::kClassToken);
  EXPECT_EQ(pool("vit_medium_patch16_gap_256", "", ""), ReadOut::kPatchMean);
  EXPECT_EQ(pool("vit_base_patch16_siglip_224", "", ""), ReadOut::kAttentionPool);
  EXPECT_EQ(pool("vit_small_patch16_dinov3", "", ""), ReadOut::kPatchMean);
  EXPECT_EQ(pool("vit_small_patch16_dinov3", R"("global_pool":"token",)", R"("global_pool":"token")"),
            ReadOut::kClassToken);
  EXPECT_EQ(pool("beit_base_patch16_224", R"("global_pool":"",)", ""), ReadOut::kPatchMean);
  EXPECT_THAT(refusal([&] { return pool("vit_tiny_patch16_224", R"("global_pool":"avg",)", ""); }),
              HasSubstr("global_pool is 'avg', expected 'token', with which timm builds vit_tiny_patch16_224"));
  for (const char* other : {"", "avgmax", "max", "prr"}) {
    EXPECT_THAT(
        refusal([&] { return pool("vit_tiny_patch16_224", "", R"("global_pool":")" + std::string(other) + R"(")"); }),
        HasSubstr("expected one of token, avg, map"))
        << other;
  }
}

TEST(TimmConfig, RefusesWhatTheDistilledClassDoesNotRead) {
  const char* distilled = "deit_base_distilled_patch16_224";
  EXPECT_EQ(refusal([&] { return timm_with(R"("fc_norm":false)", distilled); }), "accepted");
  EXPECT_THAT(refusal([&] { return timm_with(R"("fc_norm":true)", distilled); }), HasSubstr("fc_norm is true"));
  EXPECT_THAT(refusal([&] { return timm_with(R"("no_embed_class":true)", distilled); }), HasSubstr("no_embed_class"));
}

TEST(TimmConfig, GivesTheConstructorWhatNullIsThereInPlaceOfWhatTheNameMeans) {
  const ModelConfig plain = timm_with(R"("img_size":32)", "test_vit3");
  EXPECT_TRUE(plain.pool_sees_prefix);
  EXPECT_FALSE(timm_with(R"("pool_include_prefix":null)", "test_vit3").pool_sees_prefix);
  EXPECT_EQ(timm_with("", "deit3_small_patch16_224").embeds_prefix, false);
  EXPECT_EQ(timm_with(R"("no_embed_class":null)", "deit3_small_patch16_224").embeds_prefix, true);
  EXPECT_FALSE(timm_with(R"("use_post_norm":null)", "eva02_enormous_patch14_clip_224").norm_after);
  EXPECT_EQ(timm_with(R"("use_rot_pos_emb":null)", "eva02_tiny_patch14_224").rope.used, false);
  EXPECT_EQ(timm_with(R"("rope_grid_indexing":null)", "vit_small_patch16_rope_224").rope.x_first, false);
  EXPECT_FALSE(timm_with(R"("ref_feat_shape":null)", "eva02_tiny_patch14_224").rope.scaled);
  const char* pooled = "vit_pe_core_tiny_patch16_384";
  EXPECT_EQ(timm_with("", pooled).pool_num_heads, 8U);
  EXPECT_EQ(timm_with(R"("attn_pool_num_heads":null)", pooled).pool_num_heads, 0U);
  const auto fed_another_size = [](const char* dynamic) {
    return config_of(R"({"architecture":"vit_small_patch16_dinov3","model_args":{"img_size":256)" +
                     std::string(dynamic) + R"(},"pretrained_cfg":{"input_size":[3,224,224]}})");
  };
  EXPECT_EQ(refusal([&] { return fed_another_size(""); }), "accepted");
  EXPECT_THAT(refusal([&] { return fed_another_size(R"(,"dynamic_img_size":null)"); }),
              HasSubstr("or dynamic_img_size"));
}

TEST(TimmConfig, SaysWhichTensorsItsArgumentsMean) {
  const auto states = [](const std::string& args, std::string_view key, const std::string& name) {
    const ModelConfig config = timm_with(args, name);
    const auto found = std::find_if(config.roles.begin(), config.roles.end(),
                                    [&](const StatedRole& stated) { return stated.key == key; });
    return found == config.roles.end() ? std::optional<bool>() : found->present;
  };
  const char* vit = "vit_tiny_patch16_224";
  EXPECT_EQ(states("", "proj_bias", vit), std::nullopt);
  EXPECT_EQ(states(R"("proj_bias":true)", "proj_bias", vit), true);
  EXPECT_EQ(states(R"("proj_bias":null)", "proj_bias", vit), false);
  EXPECT_EQ(states(R"("init_values":null)", "init_values", vit), false);
  EXPECT_EQ(states(R"("fc_norm":null,"global_pool":"avg")", "fc_norm", vit), true);
  EXPECT_EQ(states(R"("fc_norm":null)", "fc_norm", vit), false);
  EXPECT_EQ(timm_with(R"("swiglu_mlp":null)", "eva02_tiny_patch14_224").gated_mlp, false);
  EXPECT_EQ(timm_with(R"("norm_layer":null)").rms_norm, false);
}

TEST(TimmConfig, LeavesTheTagOfANameAside) {
  EXPECT_TRUE(timm_facts("test_vit2.augreg_in21k").dynamic_img_size);
  EXPECT_EQ(timm_facts("vit_tiny_patch16_224.like_clip_in1k").norm_eps, 1e-6F);
  EXPECT_EQ(timm_facts("vit_tiny_patch16_224.augreg").num_heads, 3U);
}

TEST(TimmConfig, RefusesNullWhereTheConstructorFails) {
  for (const char* key : {"num_heads", "depth", "img_size", "drop_rate", "reg_tokens", "attn_layer", "block_fn"}) {
    EXPECT_THAT(refusal([&] { return timm_with("\"" + std::string(key) + "\":null"); }),
                HasSubstr("model_args." + std::string(key) + " is null, expected a value"));
  }
  EXPECT_THAT(refusal([] { return timm_with(R"("norm_layer":null)", "eva02_tiny_patch14_224"); }),
              HasSubstr("is null"));
}

TEST(TimmConfig, TakesTheEpsOfTheNormThatItNames) {
  const char* clip = "vit_base_patch16_clip_224";
  EXPECT_EQ(timm_with("", clip).norm_eps, 1e-5F);
  EXPECT_EQ(timm_with(R"("norm_layer":"layernorm")", clip).norm_eps, 1e-6F);
  EXPECT_EQ(timm_with(R"("norm_layer":"")", clip).norm_eps, 1e-6F);
  EXPECT_EQ(timm_with(R"("norm_layer":null)", clip).norm_eps, 1e-6F);
  EXPECT_EQ(timm_with(R"("act_layer":null)", "vit_base_patch32_clip_quickgelu_224").activation, Activation::kGelu);
  EXPECT_EQ(timm_with(R"("norm_layer":"LayerNormFp32")", clip).rms_norm, false);
  EXPECT_EQ(timm_with(R"("norm_layer":"rms_norm")").rms_norm, true);
  for (const char* other : {"simplenorm", "simplenormfp32", "batchnorm2d", "groupnorm1"}) {
    EXPECT_THAT(refusal([&] { return timm_with(R"("norm_layer":")" + std::string(other) + R"(")"); }),
                HasSubstr("norm_layer is '" + std::string(other)))
        << other;
  }
}

TEST(TimmConfig, RotatesAsTheNameSaysWhateverTheTensorsAre) {
  const auto named = [](const char* architecture) { return timm_with("", architecture).rope.named; };
  EXPECT_EQ(named("eva02_tiny_patch14_224"), Rope::kEva02);
  EXPECT_EQ(named("vit_medium_patch16_rope_reg1_gap_256"), Rope::kEva02);
  EXPECT_EQ(named("vit_7b_patch16_dinov3"), Rope::kDinoV3);
  EXPECT_EQ(named("vit_small_patch16_lingbot"), Rope::kDinoV3);
  EXPECT_EQ(named("eva_giant_patch14_224"), Rope::kNone);
  EXPECT_EQ(named("beit_base_patch16_224"), Rope::kNone);
  EXPECT_EQ(named("vit_tiny_patch16_224"), std::nullopt);
}

TEST(TimmConfig, ReadsTheRotationThatItChanges) {
  const RopeConfig rope =
      timm_with(R"("use_rot_pos_emb":true,"rope_type":"cat","rope_temperature":100.0,"rope_grid_offset":0.5,)"
                R"("rope_grid_indexing":"xy","rope_rotate_half":true,"ref_feat_shape":[7,9])",
                "eva02_tiny_patch14_224")
          .rope;
  EXPECT_EQ(rope.used, true);
  EXPECT_EQ(rope.kind, Rope::kEva02);
  EXPECT_EQ(rope.temperature, 100.0);
  EXPECT_EQ(rope.grid_offset, 0.5);
  EXPECT_EQ(rope.x_first, true);
  EXPECT_EQ(rope.rotate_half, true);
  EXPECT_EQ(rope.reference, (PatchGrid{7, 9}));
  EXPECT_THAT(refusal([] { return timm_with(R"("rope_type":"mrope")", "eva02_tiny_patch14_224"); }),
              HasSubstr("rope_type is 'mrope'"));
  EXPECT_THAT(refusal([] { return timm_with(R"("rope_temperature":0)", "eva02_tiny_patch14_224"); }),
              HasSubstr("rope_temperature is 0"));
}

std::vector<std::string> names_of(const ModelConfig& config) {
  std::vector<std::string> names;
  for (const ClassLabel& label : config.labels) names.push_back(label.description.value_or("none"));
  return names;
}

TEST(ConfigLabels, AreFoundWhereverTheLibraryPutsThem) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of(config_of(R"({"label_names":["a","b"],"pretrained_cfg":{"label_names":["c","d"]}})")),
            (Names{"a", "b"}));
  EXPECT_EQ(names_of(config_of(R"({"pretrained_cfg":{"label_names":["c","d"],"label_descriptions":{"c":"sea"}}})")),
            (Names{"sea", "d"}));
  EXPECT_EQ(names_of(config_of(R"({"architecture":"vit_tiny_patch16_224","labels":["e",7]})")), (Names{"e", "7"}));
  const ModelConfig gaps = config_of(R"({"label_names":{"0":"a","3":"d"},"pretrained_cfg":{}})");
  EXPECT_EQ(names_of(gaps), (Names{"a", "none", "none", "d"}));
  EXPECT_TRUE(gaps.labels_have_gaps);
  EXPECT_THAT(refusal([] { return config_of(R"({"label_names":{"99999999":"a"}})"); }), HasSubstr("99999999"));
  const std::string vit = R"({"model_type":"vit","architectures":["ViTForImageClassification"],"id2label":)";
  EXPECT_EQ(names_of(config_of(vit + R"({"0":0,"1":1}})")), (Names{"0", "1"}));
  EXPECT_EQ(names_of(config_of(vit + R"({"0":"LABEL_0","1":"LABEL_1"}})")), Names{});
}

TEST(TransformersConfig, SaysWhatItsOutputsAre) {
  const auto with_problem = [](const std::string& problem) {
    return config_of(R"({"model_type":"vit","architectures":["ViTForImageClassification"],"problem_type":")" + problem +
                     R"("})");
  };
  EXPECT_TRUE(with_problem("multi_label_classification").multi_label);
  EXPECT_FALSE(with_problem("single_label_classification").multi_label);
  EXPECT_TRUE(with_problem("regression").regression);
  EXPECT_FALSE(with_problem("regression").multi_label);
  EXPECT_THAT(refusal([&] { return with_problem("ranking"); }), HasSubstr("problem_type is 'ranking'"));
}

TEST(TransformersConfig, HasTheClassesThatTransformersCounts) {
  const std::string vit = R"({"model_type":"vit","architectures":["ViTForImageClassification"])";
  EXPECT_EQ(config_of(vit + "}").num_classes, 2U);
  EXPECT_EQ(config_of(vit + R"(,"num_labels":3})").num_classes, 3U);
  EXPECT_EQ(config_of(vit + R"(,"id2label":{"0":"LABEL_0"}})").num_classes, 1U);
  const ModelConfig forgetful = config_of(vit + R"(,"num_labels":3,"id2label":{"0":"cat"}})");
  EXPECT_EQ(forgetful.num_classes, 3U);
  EXPECT_TRUE(forgetful.labels.empty());
  EXPECT_THAT(refusal([&] {
                return config_of(vit + R"(,"id2label":{"0":"a"},"problem_type":"single_label_classification"})");
              }),
              HasSubstr("problem_type is 'single_label_classification'"));
}

TEST(TransformersConfig, MayLeaveItsClassToTheTensors) {
  const std::string rest = R"("model_type":"vit","problem_type":"multi_label_classification","id2label":{"0":"a"}})";
  EXPECT_TRUE(config_of("{" + rest).multi_label);
  EXPECT_TRUE(config_of(R"({"architectures":null,)" + rest).multi_label);
  EXPECT_FALSE(config_of(R"({"architectures":["ViTModel"],)" + rest).multi_label);
}

TEST(TransformersConfig, RefusesDinov2sPositionsOnAGridThatIsNoSquare) {
  EXPECT_THAT(refusal([] { return config_of(R"({"model_type":"dinov2_with_registers","image_size":[32,48]})"); }),
              HasSubstr("image_size is [32,48], expected a square"));
  EXPECT_EQ(refusal([] { return config_of(R"({"model_type":"dinov2","image_size":[32,32]})"); }), "accepted");
  EXPECT_EQ(refusal([] { return config_of(R"({"model_type":"vit","image_size":[32,48]})"); }), "accepted");
}

TEST(OpenClipConfig, HasGeluUnlessItSaysQuickGelu) {
  const auto with = [](const std::string& model) { return config_of(R"({"model_cfg":{)" + model + "}}"); };
  EXPECT_EQ(with(R"("vision_cfg":{"width":128,"head_width":32})").num_heads, 4U);
  EXPECT_EQ(with("").activation, Activation::kGelu);
  EXPECT_EQ(with(R"("quick_gelu":true)").activation, Activation::kQuickGelu);
}

TEST(OpenClipConfig, TakesWhatTimmsNameMeansForATrunkOfTimms) {
  const auto with = [](const std::string& vision) {
    return config_of(R"({"model_cfg":{"quick_gelu":true,"vision_cfg":{)" + vision + "}}}");
  };
  const ModelConfig siglip = with(R"("timm_model_name":"vit_base_patch16_siglip_224","timm_pool":"map",)"
                                  R"("timm_proj":"none","image_size":256)");
  EXPECT_EQ(siglip.read_out, ReadOut::kAttentionPool);
  EXPECT_EQ(siglip.activation, Activation::kGelu) << "open_clip's quick_gelu is not for timm's trunks";
  EXPECT_EQ(siglip.image_size, (Size{256, 256}));
  EXPECT_FALSE(siglip.resamples_on_load);
  EXPECT_EQ(with(R"("timm_model_name":"vit_base_patch16_clip_224","timm_pool":"token","timm_proj":null)").norm_eps,
            1e-5F);
  EXPECT_EQ(with(R"("timm_model_name":"vit_base_patch16_224")").read_out, ReadOut::kPatchMean) << "its default";
  EXPECT_EQ(with(R"("timm_model_name":"vit_base_patch16_224","timm_pool":"")").read_out, ReadOut::kClassToken);
  EXPECT_THAT(
      refusal([&] { return with(R"("timm_model_name":"vit_base_patch16_224","timm_pool":"","timm_proj":"")"); }),
      HasSubstr("timm_pool is ''"));
  EXPECT_THAT(refusal([&] { return with(R"("timm_model_name":"vit_base_patch16_224","timm_proj":"mlp")"); }),
              HasSubstr("timm_proj is \"mlp\""));
}

TEST(TimmWrapperConfig, IsTimmsWithWhatTransformersAddsToIt) {
  const auto with = [](const std::string& more) {
    return config_of(R"({"model_type":"timm_wrapper","architectures":["TimmWrapperForImageClassification"],)"
                     R"("architecture":"vit_tiny_patch16_224","do_pooling":true,"initializer_range":0.02,)"
                     R"("transformers_version":"5.24.0","num_classes":2,"pretrained_cfg":{"input_size":[3,32,32],)"
                     R"("fixed_input_size":true,"num_classes":1000})" +
                     more + "}");
  };
  const ModelConfig plain = with("");
  EXPECT_EQ(plain.architecture, "vit_tiny_patch16_224");
  EXPECT_EQ(plain.num_classes, 2U);
  EXPECT_TRUE(plain.expects_head);
  EXPECT_FALSE(plain.resamples_on_load);
  EXPECT_EQ(plain.input_size, (Size{32, 32}));
  EXPECT_TRUE(with(R"(,"problem_type":"regression")").regression);
  EXPECT_TRUE(with(R"(,"problem_type":"multi_label_classification")").multi_label);
  EXPECT_EQ(names_of(with(R"(,"label_names":["LABEL_0","cat"])")), (std::vector<std::string>{"none", "cat"}));
  EXPECT_THAT(refusal([&] { return with(R"(,"model_args":{"img_size":48})"); }), HasSubstr("input_size is 32x32"));
  EXPECT_THAT(refusal([&] { return with(R"(,"rope_theta":1)"); }), HasSubstr("rope_theta"));
}

TEST(TimmConfig, FeedsTheTestSizeWhereItIsAskedTo) {
  const auto fed = [](const std::string& args, const std::string& cfg) {
    return read_model_config(
               ConfigReader("config.json", "config.json",
                            R"({"architecture":"vit_tiny_patch16_224","model_args":{)" + args +
                                R"(},"pretrained_cfg":{"input_size":[3,32,32],"fixed_input_size":true,)" + cfg + "}}"),
               true)
        .input_size;
  };
  const std::string larger = R"("test_input_size":[3,48,48])";
  EXPECT_EQ(fed(R"("dynamic_img_size":true)", larger), (Size{48, 48}));
  EXPECT_EQ(fed(R"("dynamic_img_size":true)", R"("tag":"none")"), (Size{32, 32})) << "as timm, which falls back";
  EXPECT_THAT(refusal([&] { return fed("", larger); }),
              HasSubstr("pretrained_cfg.test_input_size is 48x48, expected 32x32"));
}

}  // namespace
}  // namespace fovea
