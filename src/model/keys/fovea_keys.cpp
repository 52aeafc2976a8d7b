// fovea's own keys: those of the JSON objects that `fovea learn` writes.
#include <array>

#include "model/keys/library_keys.hpp"

namespace fovea {
namespace {

using enum KeyUse;

constexpr std::string_view kHow = "it says how the head was learned";

constexpr std::array kLearned{KeyRule{"classes"},
                              KeyRule{"read_out"},
                              KeyRule{"read_out_blocks"},
                              KeyRule{"backbone", kHarmless, kHow},
                              KeyRule{"backbone_sha256", kHarmless, kHow},
                              KeyRule{"version", kHarmless, kHow},
                              KeyRule{"pictures", kHarmless, kHow},
                              KeyRule{"groups", kHarmless, kHow},
                              KeyRule{"folds", kHarmless, kHow},
                              KeyRule{"seed", kHarmless, kHow},
                              KeyRule{"c", kHarmless, kHow},
                              KeyRule{"class_weight", kHarmless, kHow},
                              KeyRule{"measured", kHarmless, kHow},
                              KeyRule{"top1", kHarmless, kHow},
                              KeyRule{"views", kHarmless, kHow},
                              KeyRule{"text_embeddings_sha256", kHarmless, kHow},
                              KeyRule{"text_weight", kHarmless, kHow},
                              KeyRule{"decisions", kHarmless, kHow}};

constexpr std::array kUnknown{KeyRule{"by"}, KeyRule{"threshold"}, KeyRule{"share"},
                              KeyRule{"rejected", kHarmless, "it says what was measured"}};

}  // namespace

std::span<const KeyRule> fovea_learned_keys() {
  return kLearned;
}

std::span<const KeyRule> fovea_unknown_keys() {
  return kUnknown;
}

}  // namespace fovea
