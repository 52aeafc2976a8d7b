// `fovea explore`: one page that holds pictures, maps and whole attention matrices, and draws them itself.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/image.hpp"
#include "report/pages/packed_attention.hpp"
#include "report/record.hpp"

namespace fovea {

/// What all pictures of a page share.
struct ExploreHeading {
  std::string model_name;
  std::string version;
  std::vector<std::string> prefix_tokens;  // what they are called: "class token", "register 1"
  PatchGrid grid;
  Size network_input;               // px
  std::size_t patch_size = 0;       // px of the network's input
  std::size_t depth = 0;            // blocks of the model
  std::size_t num_heads = 0;        // of the model
  std::vector<std::size_t> blocks;  // those whose attention the page holds; empty: none
  bool mean_heads = false;          // the page holds the mean over the heads only
};

/// One number for each patch, by one method.
struct ExploreMap {
  std::string method;   // "rollout"
  std::string title;    // "attention rollout"
  std::string variant;  // "mean heads, residual 0.5"
  std::string shows;    // one sentence
  std::optional<MapTarget> target;
  std::vector<float> values;  // [grid.rows, grid.cols]
};

struct ExplorePicture {
  Record record;                // a failure has nothing of the following
  std::vector<std::byte> jpeg;  // what the network saw: the patch grid lies over it
  std::vector<ExploreMap> maps;
  std::optional<PackedAttention> attention;
};

/// The page is beginning, a section for each picture, end. Names and labels are text in it, never markup; it loads
/// nothing, and its policy forbids it to.
[[nodiscard]] std::string explore_beginning(const ExploreHeading& heading);
[[nodiscard]] std::string explore_section(const ExplorePicture& picture);
[[nodiscard]] std::string explore_end();

}  // namespace fovea
