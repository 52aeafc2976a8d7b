#include "model/config/rope_config.hpp"

#include <fmt/format.h>

#include "fovea/error.hpp"

namespace fovea {

void apply_rope(const RopeConfig& config, const std::string& file, Architecture& a) {
  const bool learned = a.rope == Rope::kMixed;
  const Rope by_position = a.pos_embed ? (a.gated_mlp ? Rope::kEva02 : Rope::kNone) : Rope::kDinoV3;
  const Rope named = config.named.value_or(learned ? Rope::kMixed : by_position);
  const Rope built = named == Rope::kNone ? Rope::kEva02 : named;  // Eva's own default where it is switched on
  a.rope = config.used.value_or(named != Rope::kNone) ? config.kind.value_or(built) : Rope::kNone;
  if (learned != (a.rope == Rope::kMixed)) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the rotary embedding is {} by its config, expected {}, as its tensors have it", file,
                            learned ? "computed" : "learned (rope_type mixed)",
                            learned ? "learned (rope_type mixed)" : "computed"),
                "config.json and checkpoint may belong to different models");
  }
  RopeSettings settings = config.named_settings.value_or(usual_rope_settings(built));
  settings.temperature = config.temperature.value_or(settings.temperature);
  settings.grid_offset = config.grid_offset.value_or(settings.grid_offset);
  settings.x_first = config.x_first.value_or(settings.x_first);
  settings.rotate_half = config.rotate_half.value_or(settings.rotate_half);
  if (!config.scaled) settings.reference.reset();
  if (config.reference) settings.reference = config.reference;
  a.rope_settings = settings;
}

}  // namespace fovea
