// From labelled pictures, their features and a model to the report of `audit`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "pipeline/audit/asked_model.hpp"
#include "pipeline/learn/embedded.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/learn/learn.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

struct AuditOptions {
  std::size_t maps = 100;  // pictures of a class whose maps are made; 0: none
  std::uint64_t seed = 0;
};

/// What has been computed before.
struct AuditInput {
  const LabelledPictures& pictures;
  const EmbeddedPictures& embedded;
  const Learned& learned;
};

/// Which of the model's classes each of the folder's is, if all of them are classes of the model: then its own head is
/// audited. Else empty. A number is the name of a class here, never an index.
[[nodiscard]] std::vector<std::size_t> own_classes(const LabelledPictures& pictures, const ModelInfo& model);

/// Called before each stage: how many steps of what follow.
using AuditStage = std::function<void(std::string_view what, std::size_t steps)>;

/// @param stage, step  of progress
/// @return  all but what only the caller knows: places, the command, failures
/// @throws Error  as Engine::run().
[[nodiscard]] AuditReport audit(const AuditInput& input, const AuditOptions& options, AskedModel& model,
                                const AuditStage& stage, const std::function<void()>& step, const GiveUp& give_up);

/// Label issues, near-duplicates and outliers.
void check_data(const AuditInput& input, AuditReport& report);

/// The pictures that a report names, for its page.
[[nodiscard]] std::vector<std::string> pictured_paths(const AuditReport& report);

}  // namespace fovea
