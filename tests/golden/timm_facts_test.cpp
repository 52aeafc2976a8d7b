// What timm's architecture names mean and its configs leave out, for every name of that library
// (tools/make_golden_timm_facts.py): heads, norm eps, activation, kind of rotary embedding.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "fovea/architecture.hpp"
#include "model/config/config.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

using nlohmann::json;

json timm_names() {
  std::ifstream stream(test::source_dir() / "tests/golden/timm_facts.json");
  return json::parse(stream);
}

const std::map<std::string, Activation> kActivations{
    {"gelu", Activation::kGelu}, {"gelu_tanh", Activation::kGeluTanh}, {"quick_gelu", Activation::kQuickGelu}};
const std::map<std::string, Rope> kRopes{{"none", Rope::kNone}, {"eva02", Rope::kEva02}, {"dinov3", Rope::kDinoV3}};

/// Refused whatever their names say: their tensors are called otherwise (a norm inside the attention, projections
/// without bias).
bool refused_by_tensors(const std::string& name) {
  return name.starts_with("beit3_") || name.starts_with("aimv2_") ||
         (name.starts_with("eva02_") && name.find("_clip_") != std::string::npos);
}

TEST(TimmFacts, AreTimmsOwnForEveryArchitectureThatIsComputed) {
  const json names = timm_names();
  std::size_t compared = 0;
  for (const auto& [name, expected] : names.items()) {
    if (!expected.at("computed").get<bool>() || refused_by_tensors(name)) continue;
    const TimmFacts facts = timm_facts(name);
    EXPECT_TRUE(facts.supported) << name;
    const auto usual_heads = expected.at("width").get<std::size_t>() / 64;
    EXPECT_EQ(facts.num_heads.value_or(usual_heads), expected.at("heads").get<std::size_t>()) << name;
    EXPECT_FLOAT_EQ(facts.norm_eps, expected.at("eps").get<float>()) << name;
    EXPECT_EQ(facts.pool_sees_prefix, expected.at("pool_sees_prefix").get<bool>()) << name;
    if (!expected.at("gated").get<bool>()) {
      EXPECT_EQ(facts.activation, kActivations.at(expected.at("activation").get<std::string>())) << name;
    }
    EXPECT_EQ(facts.rope.value_or(Rope::kNone), kRopes.at(expected.at("rope").get<std::string>())) << name;
    ++compared;
  }
  EXPECT_GE(compared, 180U);
}

TEST(TimmFacts, RefuseByNameWhatTheTensorsDoNotGiveAway) {
  const json names = timm_names();
  for (const char* name :
       {"vit_base_patch16_rpn_224", "eva02_enormous_patch14_clip_224", "vit_pe_core_base_patch16_224",
        "vit_pe_spatial_base_patch16_512", "vit_small_patch16_rope_ape_224"}) {
    ASSERT_TRUE(names.contains(name)) << name;
    EXPECT_FALSE(names.at(name).at("computed").get<bool>()) << name;
    EXPECT_FALSE(timm_facts(name).supported) << name;
  }
}

}  // namespace
}  // namespace fovea
