// What a picture becomes in the page of `fovea explore`: a section with its maps and its whole attention.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/picture_source.hpp"
#include "pipeline/predictions.hpp"
#include "report/explore/explore_page.hpp"
#include "report/record.hpp"

namespace fovea {

struct PageOptions {
  std::vector<std::size_t> blocks;  // the page holds their attention; ascending, empty: no attention
  bool mean_heads = false;          // only the mean over the heads
};

/// Bytes of one picture's attention before it is compressed, at most: a byte a weight.
[[nodiscard]] std::size_t attention_bytes(const Architecture& architecture, std::size_t blocks, bool mean_heads);

[[nodiscard]] ExploreHeading explore_heading(const ModelInfo& model, const PageOptions& page);

/// Whether a page of maps that are made so can show what each block and head brings.
[[nodiscard]] bool shows_contributions(const MapPlan& plan, const PageOptions& page);

/// The section of a picture.
/// @param image      the values of its maps are moved from
/// @param options    the maps were made with
/// @param attention  null: the page holds none
[[nodiscard]] std::string page_section(const Record& record, const LoadedPicture& picture, ExplainedImage& image,
                                       const ExplainOptions& options, const PageOptions& page,
                                       const ClassSpace& classes, AttentionPacker* attention);
/// The section of a failure.
[[nodiscard]] std::string page_section(const Record& failed);

}  // namespace fovea
