#include "explain/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {

std::span<const ExplainMethod> explain_methods() {
  static const std::array kMethods{
#define FOVEA_EXPLAIN_METHOD(name) name##_method(),
#include "explain/methods.def"
#undef FOVEA_EXPLAIN_METHOD
  };
  return kMethods;
}

const ExplainMethod& explain_method(std::string_view name) {
  const auto methods = explain_methods();
  const auto found =
      std::find_if(methods.begin(), methods.end(), [&](const ExplainMethod& method) { return method.name == name; });
  if (found != methods.end()) return *found;
  std::vector<std::string> names;
  for (const ExplainMethod& method : methods) names.emplace_back(method.name);
  throw Error(ErrorCode::kUsage, fmt::format("method: '{}' is unknown, expected {}", name, fmt::join(names, " or ")),
              did_you_mean(name, names));
}

}  // namespace fovea
