// What timm's architecture names mean and its configs leave out, for every name of that library
// (tools/make_golden_timm_facts.py): heads, norm eps, activation, kind of rotary embedding.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

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
const std::map<std::string, Rope> kRopes{
    {"none", Rope::kNone}, {"eva02", Rope::kEva02}, {"dinov3", Rope::kDinoV3}, {"mixed", Rope::kMixed}};

void expect_rope(const std::string& name, const json& expected, const TimmFacts& facts) {
  // Where the name says nothing, the tensors do: absolute embeddings with a gated MLP, or none at all.
  const bool absolute = expected.at("absolute").get<bool>();
  const Rope by_parts = !absolute ? Rope::kDinoV3 : expected.at("gated").get<bool>() ? Rope::kEva02 : Rope::kNone;
  const Rope rope = kRopes.at(expected.at("rope").get<std::string>());
  const bool rotates = facts.model_class == TimmClass::kEva;
  EXPECT_EQ(rotates ? facts.rope.value_or(by_parts) : Rope::kNone, rope) << name;
  if (rope == Rope::kNone) return;
  const RopeSettings settings = facts.rope_settings.value_or(usual_rope_settings(rope));
  const json& wanted = expected.at("rope_settings");
  EXPECT_EQ(settings.x_first, wanted.at("x_first").get<bool>()) << name;
  if (rope == Rope::kMixed) return;
  EXPECT_EQ(settings.temperature, wanted.at("temperature").get<double>()) << name;
  EXPECT_EQ(settings.grid_offset, wanted.at("grid_offset").get<double>()) << name;
  EXPECT_EQ(settings.rotate_half, wanted.at("rotate_half").get<bool>()) << name;
  const json& reference = wanted.at("reference");
  ASSERT_EQ(settings.reference.has_value(), !reference.is_null()) << name;
  if (!settings.reference) return;
  EXPECT_EQ(settings.reference->rows, reference.at(0).get<std::size_t>()) << name;
  EXPECT_EQ(settings.reference->cols, reference.at(1).get<std::size_t>()) << name;
}

TEST(TimmFacts, AreTimmsOwnForEveryArchitectureThatIsComputed) {
  const json names = timm_names();
  std::size_t compared = 0;
  for (const auto& [name, expected] : names.items()) {
    if (!expected.at("computed").get<bool>()) continue;
    const TimmFacts facts = timm_facts(name);
    const auto usual_heads = expected.at("width").get<std::size_t>() / 64;
    EXPECT_EQ(facts.num_heads.value_or(usual_heads), expected.at("heads").get<std::size_t>()) << name;
    EXPECT_FLOAT_EQ(facts.norm_eps, expected.at("eps").get<float>()) << name;
    const json& size = expected.at("img_size");
    const auto named = size.is_null() ? std::optional<Size>() : Size{size.at(0).get<int>(), size.at(1).get<int>()};
    EXPECT_EQ(facts.img_size, named) << name;
    EXPECT_EQ(facts.norm_after, expected.at("norm_after").get<bool>()) << name;
    if (expected.at("absolute").get<bool>()) {
      EXPECT_EQ(facts.embeds_prefix, expected.at("embeds_prefix").get<bool>()) << name;
    }
    EXPECT_EQ(facts.pool_sees_prefix, expected.at("pool_sees_prefix").get<bool>()) << name;
    if (!expected.at("pool_heads").is_null()) {
      const std::size_t heads =
          facts.pool_num_heads > 0 ? facts.pool_num_heads : expected.at("heads").get<std::size_t>();
      EXPECT_EQ(heads, expected.at("pool_heads").get<std::size_t>()) << name;
    }
    if (!expected.at("gated").get<bool>()) {
      EXPECT_EQ(facts.activation, kActivations.at(expected.at("activation").get<std::string>())) << name;
    }
    expect_rope(name, expected, facts);
    ++compared;
  }
  EXPECT_GE(compared, 263U);
}

}  // namespace
}  // namespace fovea
