// What each explanation's file offers: its row of the registry, as <name>_method().
#pragma once

#include "fovea/explain.hpp"

namespace fovea {

#define FOVEA_EXPLAIN_METHOD(name) [[nodiscard]] ExplainMethod name##_method();
#include "explain/methods.def"
#undef FOVEA_EXPLAIN_METHOD

}  // namespace fovea
