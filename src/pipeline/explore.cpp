#include "pipeline/explore.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "fovea/version.hpp"
#include "image/codec/encode.hpp"
#include "image/overlay/overlay.hpp"
#include "pipeline/maps/targets.hpp"

namespace fovea {
namespace {

constexpr int kLongestSide = 896;    // px, of the picture in the page
constexpr int kPictureQuality = 85;  // JPEG

/// What the network saw. The original's own pixels are returned where there are more of them than in the network's
/// input, which is coarse on a screen. Where the crop is padded, or the picture small, the input itself is returned.
Image seen_region(const Image& original, const Image& network_input, const CropGeometry& g) {
  const double rows = double(g.original.height) / g.resized.height;  // of the original for one of the resized
  const double cols = double(g.original.width) / g.resized.width;
  const bool padded =
      g.top < 0 || g.left < 0 || g.top + g.crop.height > g.resized.height || g.left + g.crop.width > g.resized.width;
  if (padded || std::min(rows, cols) < 1.5) return network_input;
  const int top = static_cast<int>(std::lround(rows * g.top));
  const int left = static_cast<int>(std::lround(cols * g.left));
  const Size size{std::min(static_cast<int>(std::lround(rows * g.crop.height)), g.original.height - top),
                  std::min(static_cast<int>(std::lround(cols * g.crop.width)), g.original.width - left)};
  Image region(size);
  for (int y = 0; y < size.height; ++y) {
    std::memcpy(region.row(y), original.row(top + y) + std::ptrdiff_t{3} * left, region.row_bytes());
  }
  return region;
}

/// In the order of the tokens: class, distillation, registers.
std::vector<std::string> prefix_names(const Architecture& architecture) {
  std::vector<std::string> names;
  names.reserve(architecture.num_prefix_tokens);
  const std::size_t others = architecture.num_prefix_tokens - architecture.num_register_tokens;
  for (std::size_t i = 0; i < architecture.num_prefix_tokens; ++i) {
    names.push_back(i >= others ? fmt::format("register {}", i - others + 1)
                    : i == 0    ? "class token"
                                : "distillation token");
  }
  return names;
}

/// Those of the page's blocks, with heads that are summed where the page has their mean alone.
std::vector<BlockContributions> on_page(const std::vector<BlockContributions>& all, const PageOptions& page) {
  std::vector<BlockContributions> blocks;
  for (const std::size_t index : page.blocks) {
    BlockContributions& block = blocks.emplace_back(all[index]);
    if (!page.mean_heads) continue;
    std::vector<float> sum(block.patches.size());
    for (std::size_t i = 0; i < block.heads.size(); ++i) sum[i % sum.size()] += block.heads[i];
    block.heads = std::move(sum);
    block.heads_prefix = {std::accumulate(block.heads_prefix.begin(), block.heads_prefix.end(), 0.0)};
  }
  return blocks;
}

}  // namespace

std::size_t attention_bytes(const Architecture& architecture, std::size_t blocks, bool mean_heads) {
  const std::size_t own = architecture.num_prefix_tokens + architecture.max_patches;
  const std::size_t tokens = architecture.max_patches > 0 ? own : architecture.tokens();
  return blocks * (mean_heads ? 1 : architecture.num_heads) * tokens * tokens;
}

ExploreHeading explore_heading(const ModelInfo& model, const PageOptions& page) {
  const Architecture& architecture = model.architecture;
  return {.model_name = model.name,
          .version = FOVEA_VERSION,
          .prefix_tokens = prefix_names(architecture),
          .grid = architecture.max_patches > 0 ? PatchGrid{} : architecture.grid(),
          .network_input = architecture.image_size,
          .patch_size = architecture.patch_size,
          .depth = architecture.depth,
          .num_heads = architecture.num_heads,
          .blocks = page.blocks,
          .mean_heads = page.mean_heads};
}

bool shows_contributions(const MapPlan& plan, const PageOptions& page) {
  return !page.blocks.empty() && plan.needs(&Evidence::score_terms) && !plan.reads_pixels() &&
         plan.options.start_block == 0;
}

std::string page_section(const Record& record, const LoadedPicture& picture, ExplainedImage& image,
                         const ExplainOptions& options, const PageOptions& page, const ClassSpace& classes,
                         AttentionPacker* attention) {
  ExplorePicture section{record, picture.grid, {}, {}, {}, std::nullopt};
  const Image region = seen_region(picture.original, picture.network_input, picture.geometry);
  section.jpeg = encode_jpeg(thumbnail(region, kLongestSide), kPictureQuality);
  section.maps.reserve(image.maps.size());
  for (ExplainedMap& map : image.maps) {
    const ExplainMethod& method = *map.method;
    std::optional<MapTarget> target;
    if (map.target) target = described(*map.target, classes);
    section.maps.push_back({.method = std::string(method.name),
                            .title = std::string(method.title),
                            .variant = method.variant(options),
                            .shows = std::string(method.shows),
                            .target = std::move(target),
                            .values = std::move(map.heatmap.values),
                            .is_signed = method.is_signed,
                            .sum = map.sum});
  }
  for (TargetContributions& made : image.contributions) {
    section.contributions.push_back({described(made.target, classes), made.score, on_page(made.blocks, page)});
  }
  if (attention != nullptr) section.attention = attention->pack();
  return explore_section(section);
}

std::string page_section(const Record& failed) {
  return explore_section({failed, {}, {}, {}, {}, std::nullopt});
}

}  // namespace fovea
