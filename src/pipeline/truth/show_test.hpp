// Keeps what the page of a test shows.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fovea/model.hpp"
#include "pipeline/maps/map_plan.hpp"
#include "report/method_test/method_test.hpp"

namespace fovea {

/// One tested picture.
struct TestedCase {
  ShownTest::Kind kind = ShownTest::Kind::kPicture;
  std::string title;
  std::span<const float> patches;               // [T, 3·P·P]
  const std::vector<std::vector<float>>& maps;  // of the methods, then of the controls: [T] each
  std::vector<std::uint8_t> truth;              // as ShownTest's
};

/// Keeps the first eight of each kind, where the test shows any.
/// @param value  of the map with this index, by the measure that ranks the kind
void show_test(const ModelInfo& model, const MapPlan& plan, TestedCase tested,
               const std::function<double(std::size_t map)>& value, MethodTest& test);

}  // namespace fovea
