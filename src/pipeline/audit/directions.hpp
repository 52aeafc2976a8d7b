// What each class's score is made of, and a head without one of its parts.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "model/learned/learned_writer.hpp"
#include "pipeline/audit/audit.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// The principal directions of each class that has two pictures or more, and the pictures that they add most to.
void describe_directions(const AuditInput& input, AuditReport& report);

/// A direction that is to be taken out of the head.
struct DroppedDirection {
  std::size_t of_class = 0;
  std::size_t direction = 0;  // from 1, as the report counts
};
/// "CLASS:K"
/// @throws Error  kUsage for anything else, and for a class that the pictures do not have.
[[nodiscard]] DroppedDirection parse_direction(const std::string& text, const LabelledPictures& pictures);

/// The learned head without the direction. The report gets what becomes of held-out pictures, where each fold's head
/// loses its own direction that is most like it.
/// @throws Error  kUsage where the class has no such direction.
[[nodiscard]] LearnedHead without(const DroppedDirection& dropped, const AuditInput& input, AuditReport& report);

}  // namespace fovea
