// How a model was learned, as its file says it.
#pragma once

#include <string>

#include "base/json_text.hpp"
#include "pipeline/learn/learn.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

/// @param backbone         its name
/// @param backbone_sha256  of its checkpoint
/// @throws Error           kNotFound, kUnreadable for the file of texts.
[[nodiscard]] JsonObject provenance_of(const std::string& backbone, const std::string& backbone_sha256,
                                       const LearnReport& report, const LearnOptions& options);

}  // namespace fovea
