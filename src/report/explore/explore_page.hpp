// `fovea explore`: one self-contained page with pictures, maps and whole attention matrices, drawn by its script.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/image.hpp"
#include "report/explore/packed_attention.hpp"
#include "report/record.hpp"

namespace fovea {

/// What all pictures of a page share.
struct ExploreHeading {
  std::string model_name;
  std::string version;
  std::vector<std::string> prefix_tokens;  // display names: "class token", "register 1"
  PatchGrid grid;                          // empty: each picture has its own, and is fed whole
  Size network_input;                      // px
  std::size_t patch_size = 0;              // px in the network's input
  std::size_t depth = 0;                   // blocks in the model
  std::size_t num_heads = 0;               // heads in the model
  std::vector<std::size_t> blocks;         // blocks whose attention the page holds; empty: none
  bool mean_heads = false;                 // the page holds only the mean over heads
};

/// One method's value for each patch.
struct ExploreMap {
  std::string method;   // "rollout"
  std::string title;    // "attention rollout"
  std::string variant;  // "mean heads, residual 0.5"
  std::string shows;    // one sentence
  std::optional<MapTarget> target;
  std::vector<float> values;  // [grid.rows, grid.cols]
  bool is_signed = false;
  std::optional<ScoreSum> sum = {};
};

/// What a class's score is made of, in the blocks of the page.
struct ExploreContributions {
  MapTarget target;
  double score = 0;
  std::vector<BlockContributions> blocks;  // one head where heads were averaged: their sum
};

struct ExplorePicture {
  Record record;  // if it is a failure, the other members are empty
  PatchGrid grid;
  std::vector<std::byte> jpeg;  // what the network saw, shown under the patch grid
  std::vector<ExploreMap> maps;
  std::vector<ExploreContributions> contributions;
  std::optional<PackedAttention> attention;
};

/// The page is explore_beginning(), one explore_section() for each picture, explore_end(). Names and labels appear as
/// text, never as markup. The page loads nothing, and its content security policy forbids it to.
[[nodiscard]] std::string explore_beginning(const ExploreHeading& heading);
[[nodiscard]] std::string explore_section(const ExplorePicture& picture);
[[nodiscard]] std::string explore_end();

}  // namespace fovea
