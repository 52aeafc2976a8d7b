#include "model/config/input_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "fovea/error.hpp"
#include "model/weights/relative_positions.hpp"

namespace fovea {
namespace {

std::string text_of(Size size) {
  return fmt::format("{}x{} px", size.height, size.width);
}

PatchGrid grid_of(Architecture a, Size size) {
  a.image_size = size;
  return a.grid();
}

/// A square grid of what `prefix` tokens leave of `count` position embeddings; false if that is no square.
bool split_square(std::size_t count, std::size_t prefix, Architecture& a) {
  if (prefix >= count) return false;
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(count - prefix))));
  if (side * side != count - prefix) return false;
  a.pos_embed_grid = {side, side};
  a.pos_embed_prefix = prefix;
  return true;
}

/// Finds the grid that `count` position embeddings are for, and how many of them belong to prefix tokens: all prefix
/// tokens, only the class token, or none, if the configuration does not say it.
bool split_pos_embeddings(std::size_t count, const std::optional<PatchGrid>& configured, const ModelConfig& config,
                          Architecture& a) {
  const std::size_t own = config.embeds_prefix.value_or(true) ? a.num_prefix_tokens : 0;
  const std::array any{a.num_prefix_tokens, std::min<std::size_t>(a.num_prefix_tokens, 1), std::size_t{0}};
  const std::span<const std::size_t> prefixes = config.embeds_prefix ? std::span(&own, 1) : std::span(any);
  if (!configured) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::size_t prefix) { return split_square(count, prefix, a); });
  }
  const auto fits = [&](std::size_t prefix) { return prefix + configured->size() == count; };
  const auto fitting = std::find_if(prefixes.begin(), prefixes.end(), fits);
  if (fitting == prefixes.end() && config.resamples_on_load && split_square(count, own, a)) return true;
  // If the number fits none of these, nothing is guessed: check_tensors reports both shapes.
  a.pos_embed_grid = *configured;
  a.pos_embed_prefix = fitting == prefixes.end() ? prefixes.front() : *fitting;
  return true;
}

/// The grid that a table of relative positions is for: the config's, or a square one where no config states it or its
/// library resamples the table. If the number of rows fits none, nothing is guessed: check_tensors reports both shapes.
void split_relative_positions(std::size_t count, const std::optional<PatchGrid>& configured, const ModelConfig& config,
                              Architecture& a) {
  if (configured) a.pos_embed_grid = *configured;
  if (configured && (!config.resamples_on_load || relative_positions(*configured) == count)) return;
  const std::size_t of_class_token = relative_positions({1, 1}) - 1;
  if (count <= of_class_token) return;
  const auto offsets = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(count - of_class_token))));
  if (offsets * offsets + of_class_token != count || offsets % 2 == 0) return;
  a.pos_embed_grid = {(offsets + 1) / 2, (offsets + 1) / 2};
}

/// Refuses sizes for which the library resamples twice, or raises an error.
void check_resampling(const SizeSources& sources, const Architecture& a) {
  const ModelConfig& config = sources.config;
  if (sources.asked || !config.image_size) return;
  if (a.image_size != *config.image_size && !config.resamples_in_forward) {
    throw Error(
        ErrorCode::kCheckpoint,
        fmt::format("{}: the pictures are prepared at {}, expected {}, the image_size of config.json: for any "
                    "other transformers raises an error",
                    sources.file, text_of(a.image_size), text_of(*config.image_size)),
        fmt::format("--image-size {}x{} resamples the position embeddings", a.image_size.height, a.image_size.width));
  }
  const PatchGrid built = grid_of(a, *config.image_size);
  if (config.resamples_on_load && a.pos_embed_grid.size() > 0 && a.pos_embed_grid != built && a.grid() != built) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the position embeddings are for {}x{} patches, expected {}x{}, as img_size says: timm "
                            "would resample them twice, to that and to {}",
                            sources.file, a.pos_embed_grid.rows, a.pos_embed_grid.cols, built.rows, built.cols,
                            text_of(a.image_size)),
                "--image-size N resamples them once");
  }
}

}  // namespace

void resolve_image_size(const SizeSources& sources, std::vector<std::string>& assumptions, Architecture& a) {
  const auto patch = static_cast<int>(a.patch_size);
  if (patch <= 0) return;  // check_sizes reports it
  const ModelConfig& config = sources.config;
  const std::string& file = sources.file;
  std::optional<PatchGrid> configured;
  if (config.image_size) configured = grid_of(a, *config.image_size);
  a.pos_embed_prefix = 0;
  if (a.pos_embed && !split_pos_embeddings(sources.pos_embeddings, configured, config, a)) {
    throw Error(ErrorCode::kCheckpoint,
                fmt::format("{}: the number of position embeddings is {}, expected one for each of {} prefix tokens "
                            "and a square number of patches",
                            file, sources.pos_embeddings, a.num_prefix_tokens),
                "put the config.json with the image size beside the checkpoint");
  }
  if (a.relative_position_bias && !a.pos_embed) {
    split_relative_positions(sources.relative_positions, configured, config, a);
  }
  const std::array stated{sources.asked, sources.prepared, config.input_size, config.image_size, sources.evaluation};
  const auto* const first = std::find_if(stated.begin(), stated.end(), [](const auto& size) { return size; });
  if (first != stated.end()) {
    a.image_size = **first;
  } else if (a.pos_embed_grid.size() > 0) {
    a.image_size = {static_cast<int>(a.pos_embed_grid.rows) * patch, static_cast<int>(a.pos_embed_grid.cols) * patch};
  } else {
    assumptions.push_back(fmt::format("image size {}x{} px: no config states it; use --image-size if it differs",
                                      a.image_size.height, a.image_size.width));
  }
  check_resampling(sources, a);
  const bool has_table = a.relative_position_bias && a.rel_pos_hidden_dim == 0;
  if (has_table && a.pos_embed_grid.size() == 0) a.pos_embed_grid = a.grid();
  if (a.pos_embed_resampling == PosEmbedResampling::kFixed && a.pos_embed_grid != a.grid()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{}: the image size is {}x{} px, expected {}x{} px because the original code of {} takes no other",
                    file, a.image_size.height, a.image_size.width, a.pos_embed_grid.rows * a.patch_size,
                    a.pos_embed_grid.cols * a.patch_size, a.family),
        "leave out --image-size");
  }
}

}  // namespace fovea
