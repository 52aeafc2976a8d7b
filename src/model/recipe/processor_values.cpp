#include "model/recipe/processor_values.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace fovea::processor_values {

using nlohmann::json;

bool given(const json& cfg, const char* key) {
  return cfg.contains(key) && !cfg[key].is_null();
}

bool flag(const ConfigReader& reader, const json& cfg, const char* key, bool absent) {
  return cfg.contains(key) ? reader.flag(cfg, key).value_or(false) : absent;
}

void require(const ConfigReader& reader, const json& cfg, const char* key, const char* step) {
  if (cfg.contains(key) && cfg[key].is_null()) reader.fail(key, "null", fmt::format("a value, as {} needs one", step));
}

int positive(const ConfigReader& reader, const json& value, const char* key) {
  const auto side = static_cast<int>(reader.as_count(value, key));
  if (side == 0) reader.fail(key, value.dump(), "a number of pixels above 0");
  return side;
}

void read_resize(const ConfigReader& reader, const json& size, bool square_if_one, PreprocessRecipe& recipe) {
  if (size.is_array() && size.size() == 2) {
    recipe.resize = ResizeRule::kExact;
    recipe.resize_size = {positive(reader, size[0], "size"), positive(reader, size[1], "size")};
  } else if (size.is_number()) {
    const int side = positive(reader, size, "size");
    recipe.resize = square_if_one ? ResizeRule::kExact : ResizeRule::kShortestEdge;
    recipe.resize_size = {side, side};
  } else if (size.is_object() && given(size, "height") && given(size, "width")) {
    recipe.resize = ResizeRule::kExact;
    recipe.resize_size = {positive(reader, size["height"], "size.height"),
                          positive(reader, size["width"], "size.width")};
  } else if (size.is_object() && given(size, "shortest_edge")) {
    const int side = positive(reader, size["shortest_edge"], "size.shortest_edge");
    recipe.resize = given(size, "longest_edge") ? ResizeRule::kCapped : ResizeRule::kShortestEdge;
    recipe.resize_size = {side, side};
    if (given(size, "longest_edge")) recipe.longest_edge = positive(reader, size["longest_edge"], "size.longest_edge");
  } else {
    reader.fail("size", size.dump(),
                R"(a number, {"height", "width"} or {"shortest_edge"} with or without "longest_edge")");
  }
}

Size read_crop_size(const ConfigReader& reader, const json& crop) {
  if (crop.is_number()) {
    const int side = positive(reader, crop, "crop_size");
    return {side, side};
  }
  const bool sides = crop.is_object() && crop.contains("height") && crop.contains("width");
  if (!sides && !(crop.is_array() && crop.size() == 2)) {
    reader.fail("crop_size", crop.dump(), R"(a number or {"height", "width"})");
  }
  return {positive(reader, sides ? crop["height"] : crop[0], "crop_size"),
          positive(reader, sides ? crop["width"] : crop[1], "crop_size")};
}

}  // namespace fovea::processor_values
