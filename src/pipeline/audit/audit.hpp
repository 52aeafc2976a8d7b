// From labelled pictures, their features and a model to the report of `audit`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.hpp"
#include "pipeline/audit/asked_model.hpp"
#include "pipeline/learn/embedded.hpp"
#include "pipeline/learn/labelled.hpp"
#include "pipeline/learn/learn.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// One finding, as the report's commands name it.
struct OnlyFinding {
  std::size_t of_class = 0;
  std::string id;  // one of finding_ids()
};
/// The class of this name.
/// @param flag     that names it, for the message: "--only"
/// @throws Error   kUsage for a class that the pictures do not have.
[[nodiscard]] std::size_t class_named(const std::string& name, std::string_view flag, const LabelledPictures& pictures);
/// "CLASS:ID"
/// @throws Error  kUsage for anything else, and for a class that the pictures do not have.
[[nodiscard]] OnlyFinding parse_only(const std::string& text, const LabelledPictures& pictures);

struct AuditOptions {
  std::size_t maps = 100;  // pictures of a class whose maps are made; 0: none
  std::uint64_t seed = 0;
  std::optional<OnlyFinding> only;  // everything is compared, and this alone is tried and told
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
