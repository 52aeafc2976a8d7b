// How many ways the model has to come to a class: clusters of pictures that it looks at alike.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "pipeline/audit/picture_maps.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

/// Clusters of each class's maps by where they lie, as SpRAy finds strategies, and clusters of what was looked at,
/// wherever it lay (PictureMaps::content).
/// @param right    [n] whether the model has each picture right
/// @param path_of  of a row of pictures
void describe_strategies(const PictureMaps& maps, std::size_t num_classes, std::span<const std::uint8_t> right,
                         const std::function<std::string(std::size_t)>& path_of, std::uint64_t seed,
                         AuditReport& report);

}  // namespace fovea
