#include "pipeline/audit/candidates.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include "pipeline/audit/changed_pictures.hpp"
#include "pipeline/audit/mark_text.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostPaths = 24;

const std::string& path_of(const ExperimentPictures& pictures, std::size_t row) {
  return pictures.inputs[pictures.chosen[row]].path;
}

/// A mark lies at the same place of every picture.
Suspect suspect_of_mark(const Mark& mark, const ExperimentPictures& pictures) {
  Suspect suspect{.of_class = mark.of_class, .carriers = mark.carriers, .hue = mark.hue};
  for (std::size_t row = 0; row < pictures.classes.size(); ++row) {
    if (pictures.classes[row] != mark.of_class) suspect.others.push_back(row);
  }
  if (!mark.region.empty()) {
    suspect.place = [region = mark.region](std::size_t /*row*/) { return SuspectPlace{region, {}}; };
  }
  return suspect;
}

/// A place of the map lies where each picture's crop puts it.
Suspect suspect_of_place(const Candidate& candidate, const PictureMaps& maps) {
  Suspect suspect{.of_class = candidate.finding.of_class};
  if (candidate.measure->cells.empty()) return suspect;
  std::map<std::size_t, CropGeometry> geometry;
  for (std::size_t m = 0; m < maps.of.size(); ++m) {
    geometry.emplace(maps.of[m], maps.geometry[m]);
    (maps.classes[m] == suspect.of_class ? suspect.carriers : suspect.others).push_back(maps.of[m]);
  }
  suspect.place = [geometry = std::move(geometry), cells = candidate.measure->cells,
                   grid = PatchGrid{maps.rows, maps.cols}](std::size_t row) {
    const CropGeometry& one = geometry.at(row);
    return SuspectPlace{region_of(cells, one, grid), seen_box(one)};
  };
  return suspect;
}

}  // namespace

Candidate candidate_of(const Mark& mark, const ExperimentPictures& pictures) {
  Candidate candidate;
  candidate.mark = &mark;
  candidate.excess = mark.excess;
  AuditFinding& finding = candidate.finding;
  finding.kind = kind_text(mark.kind);
  finding.id = kind_id(mark.kind);
  finding.of_class = mark.of_class;
  finding.measure = "share of pictures that carry it";
  if (mark.carriers.empty()) return candidate;
  finding.what = mark_text(mark);
  finding.pictures = mark.carriers.size();
  for (const std::size_t row : mark.carriers) {
    if (finding.paths.size() < kMostPaths) finding.paths.push_back(path_of(pictures, row));
  }
  if (mark.kind != MarkKind::kPattern) return candidate;
  const learn::RelativeBox& box = mark.region.front();
  finding.box = std::array{box.top, box.left, box.bottom, box.right};
  return candidate;
}

Candidate candidate_of(const MapExcess& one, const MapMeasure& measure, const PictureMaps& maps,
                       const ExperimentPictures& pictures) {
  Candidate candidate;
  candidate.measure = &measure;
  candidate.excess = one.excess;
  AuditFinding& finding = candidate.finding;
  finding.kind = "where";
  finding.id = measure.id;
  finding.of_class = one.of_class;
  const bool more = one.excess.excess() > 0;
  finding.what = more ? measure.more : measure.less;
  finding.measure = measure.measure;
  // Those that show it most come first.
  std::vector<std::size_t> members = maps_of(maps, one.of_class);
  std::ranges::stable_sort(members, {}, [&](std::size_t m) { return more ? -measure.values[m] : measure.values[m]; });
  finding.pictures = members.size();
  for (const std::size_t m : members) {
    if (finding.paths.size() < kMostPaths) finding.paths.push_back(path_of(pictures, maps.of[m]));
  }
  return candidate;
}

bool same_thing(const Mark& a, const Mark& b) {
  const auto is_tint = [](const Mark& mark) { return mark.kind == MarkKind::kTint || mark.kind == MarkKind::kCast; };
  if (a.of_class != b.of_class || is_tint(a) != is_tint(b)) return false;
  std::vector<std::size_t> both;
  std::ranges::set_intersection(a.carriers, b.carriers, std::back_inserter(both));
  return 3 * both.size() >= 2 * std::min(a.carriers.size(), b.carriers.size());
}

Suspect suspect_of(const Candidate& candidate, const PictureMaps& maps, const ExperimentPictures& pictures) {
  return candidate.mark != nullptr ? suspect_of_mark(*candidate.mark, pictures) : suspect_of_place(candidate, maps);
}

std::vector<std::string> finding_ids() {
  std::vector<std::string> ids;
  for (const MarkKind kind : {MarkKind::kPattern, MarkKind::kFrame, MarkKind::kTint, MarkKind::kCast}) {
    ids.push_back(kind_id(kind));
  }
  std::ranges::copy(measure_ids(), std::back_inserter(ids));
  return ids;
}

}  // namespace fovea
