// Each method's file defines <name>_method(), its row of the registry.
#pragma once

#include "fovea/explain.hpp"

namespace fovea {

#define FOVEA_EXPLAIN_METHOD(name) [[nodiscard]] ExplainMethod name##_method();
#include "explain/methods.def"
#undef FOVEA_EXPLAIN_METHOD

}  // namespace fovea
