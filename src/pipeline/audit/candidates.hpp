// What can become a finding: marks and places, in words and with what experiments need.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "learn/marks/class_excess.hpp"
#include "pipeline/audit/experiments.hpp"
#include "pipeline/audit/marks.hpp"
#include "pipeline/audit/picture_maps.hpp"
#include "pipeline/audit/where.hpp"
#include "report/audit/audit_report.hpp"

namespace fovea {

struct Candidate {
  AuditFinding finding;
  learn::ClassExcess excess;
  const Mark* mark = nullptr;           // or what follows
  const MapMeasure* measure = nullptr;  // a place, or another figure of maps
};

/// @param mark  outlives the candidate
[[nodiscard]] Candidate candidate_of(const Mark& mark, const ExperimentPictures& pictures);
/// @param measure  outlives the candidate
[[nodiscard]] Candidate candidate_of(const MapExcess& one, const MapMeasure& measure, const PictureMaps& maps,
                                     const ExperimentPictures& pictures);

/// Whether two marks of one class are the same thing, seen twice: the step at a border's inner edge, or a tint in dark
/// and in light pixels. Then most pictures that carry one carry the other.
[[nodiscard]] bool same_thing(const Mark& a, const Mark& b);

/// What is tried for a candidate; nobody carries it where nothing can be hidden.
/// @param maps  outlives the suspect
[[nodiscard]] Suspect suspect_of(const Candidate& candidate, const PictureMaps& maps,
                                 const ExperimentPictures& pictures);

/// What `--only` calls the findings of a class.
[[nodiscard]] std::vector<std::string> finding_ids();

}  // namespace fovea
