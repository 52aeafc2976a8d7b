// What an audit compares maps by, and where the places of a map lie in pictures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/audit/changed_pictures.hpp"
#include "pipeline/audit/experiments.hpp"
#include "pipeline/audit/where.hpp"

namespace fovea {
namespace {

/// Six even maps of 4 x 4 cells for each of four classes; those of class 1 are on cell 5 as far as `on_cell` says.
PictureMaps some_maps(double on_cell) {
  PictureMaps maps;
  maps.rows = maps.cols = 4;
  maps.values.cols = 16;
  for (std::size_t m = 0; m < 24; ++m) {
    const std::size_t of_class = m % 4;
    maps.of.push_back(m);
    maps.classes.push_back(of_class);
    maps.geometry.push_back({{64, 64}, {64, 64}, {64, 64}, 0, 0});
    maps.outliers.emplace_back();
    for (std::size_t cell = 0; cell < 16; ++cell) {
      const double share = of_class == 1 ? on_cell : 1.0 / 16;
      maps.values.values.push_back(cell == 5 ? share : (1 - share) / 15);
    }
    ++maps.values.rows;
  }
  return maps;
}

const MapMeasure* named(const std::vector<MapMeasure>& measures, const std::string& id) {
  const auto place = std::ranges::find(measures, id, &MapMeasure::id);
  return place == measures.end() ? nullptr : &*place;
}

TEST(MapMeasures, LeaveOutOutlierTokensAndCutsThatNoPictureHas) {
  const std::vector<MapMeasure> measures = map_measures(some_maps(0.5));
  EXPECT_EQ(measures.size(), 5U);
  EXPECT_EQ(named(measures, "outlier-tokens"), nullptr);
  EXPECT_EQ(named(measures, "never-seen"), nullptr);
}

TEST(MapMeasures, HoldTheShareOfTheMapOnOutlierTokensAndOneClassStandsOut) {
  PictureMaps maps = some_maps(0.5);
  for (auto& cells : maps.outliers) cells = {5};
  const std::vector<MapMeasure> measures = map_measures(maps);
  const MapMeasure* const outliers = named(measures, "outlier-tokens");
  ASSERT_NE(outliers, nullptr);
  EXPECT_NEAR(outliers->values[1], 0.5, 1e-12);
  EXPECT_NEAR(outliers->values[2], 1.0 / 16, 1e-12);
  for (const MapExcess& one : compare_maps(maps, measures, 4)) {
    if (measures[one.measure].id == "outlier-tokens") {
      EXPECT_EQ(one.excess.p < 0.001, one.of_class == 1);
    }
  }
}

TEST(MapMeasures, HoldTheShareOfThePictureThatIsCutOff) {
  PictureMaps maps = some_maps(1.0 / 16);
  for (std::size_t m = 0; m < maps.of.size(); ++m) {
    if (maps.classes[m] == 2) maps.geometry[m] = {{64, 128}, {64, 128}, {64, 64}, 0, 32};
  }
  const std::vector<MapMeasure> measures = map_measures(maps);
  const MapMeasure* const unseen = named(measures, "never-seen");
  ASSERT_NE(unseen, nullptr);
  EXPECT_NEAR(unseen->values[2], 0.5, 1e-12);
  EXPECT_NEAR(unseen->values[1], 0, 1e-12);
  EXPECT_TRUE(unseen->cells.empty());
}

TEST(RegionOf, LiesWhereTheCropPutsTheCells) {
  // The middle half of a picture of 64 x 128 px is seen, in 4 x 4 patches: the upper right corner, and a row.
  const CropGeometry geometry{{64, 128}, {64, 128}, {64, 64}, 0, 32};
  const std::vector<std::size_t> cells{3, 4, 5};
  const auto region = region_of(cells, geometry, {4, 4});
  ASSERT_EQ(region.size(), 2U);  // a row of cells ends where the grid does
  EXPECT_NEAR(region[0].left, 80.0 / 128, 1e-12);
  EXPECT_NEAR(region[0].right, 96.0 / 128, 1e-12);
  EXPECT_NEAR(region[0].bottom, 0.25, 1e-12);
  EXPECT_NEAR(region[1].top, 0.25, 1e-12);
  EXPECT_NEAR(region[1].left, 32.0 / 128, 1e-12);
  EXPECT_NEAR(region[1].right, 64.0 / 128, 1e-12);
}

TEST(Alone, KeepsTheRegionAndNothingElse) {
  Image picture({8, 8});
  for (std::size_t i = 0; i < picture.pixels().size(); ++i) picture.pixels()[i] = static_cast<std::uint8_t>(i);
  const std::vector<learn::RelativeBox> region{{0, 0, 0.5, 0.5}};
  const Image shown = alone(picture, region);
  EXPECT_EQ(shown.row(3)[11], picture.row(3)[11]);
  EXPECT_EQ(shown.row(4)[0], shown.row(7)[21]);  // red of the mean colour
  EXPECT_NE(shown.row(7)[21], picture.row(7)[21]);
}

TEST(Verdict, AsksThatBothWaysToHideAgreeAndThatNoRegionAloneDecides) {
  const auto trial = [](AuditTrialKind kind, double low, double high) {
    return AuditTrial{.kind = kind, .change = {(low + high) / 2, low, high}};
  };
  const AuditTrial less = trial(AuditTrialKind::kHidden, -0.3, -0.1);
  const AuditTrial same = trial(AuditTrialKind::kHidden, -0.1, 0.1);
  const AuditTrial no_paste = trial(AuditTrialKind::kPasted, -0.1, 0.1);
  const AuditTrial shown = trial(AuditTrialKind::kAlone, 0.1, 0.2);
  EXPECT_NE(verdict_of({less, less, no_paste}, true).find("less sure without it"), std::string::npos);
  EXPECT_EQ(verdict_of({less, same, no_paste}, true), "this head hardly uses it; a head that is learned further may");
  EXPECT_NE(verdict_of({less, less, shown, no_paste}, false).find("surer by it alone"), std::string::npos);
  const std::string alone_only = verdict_of({same, same, shown, no_paste}, false);
  EXPECT_EQ(alone_only.find("the model uses it"), std::string::npos) << "a region alone is hardly a picture";
  EXPECT_NE(alone_only.find("alone it speaks for the class"), std::string::npos);
  EXPECT_EQ(verdict_of({}, true), "");
}

}  // namespace
}  // namespace fovea
