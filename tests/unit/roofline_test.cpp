#include "report/files/roofline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;

Roofline example() {
  Roofline roofline;
  roofline.title = "tiny, f32, 2 threads, batch 1";
  roofline.points = {{"norms", 24, 0.002, 0.002, 0.1},
                     {"qkv", 12, 0.5, 0.012, 2.5},
                     {"fc1, gelu", 12, 0.6, 0.015, 3.0},
                     {"fc2", 12, 0.6, 0.016, 3.0},
                     {"proj <&> \"quoted\"", 12, 0.15, 0.007, 0.8}};
  roofline.fma_gflop_per_s = 240;
  roofline.matmul_gflop_per_s = 220;
  roofline.cache = {8U << 20U, 190};
  roofline.memory = {256U << 20U, 16};
  roofline.forward_ms = 9.5;
  return roofline;
}

/// What is wrong with an XML document of elements, attributes in double quotes and text; empty if nothing is.
std::string xml_fault(const std::string& xml) {
  static const std::regex kTag(R"(<(/?)([a-zA-Z]+)((?:\s+[a-zA-Z0-9:-]+="[^"<]*")*)\s*(/?)>)");
  static const std::regex kEntity("&(?!(?:amp|lt|gt|quot|apos);)");
  std::vector<std::string> open;
  std::size_t at = 0;
  bool rooted = false;
  while (at < xml.size()) {
    const std::size_t next = std::min(xml.find('<', at), xml.size());
    const std::string text = xml.substr(at, next - at);
    if (std::regex_search(text, kEntity)) return "a bare & in: " + text;
    if (open.empty() && text.find_first_not_of(" \n") != std::string::npos) return "text outside: " + text;
    if (next == xml.size()) break;
    std::smatch tag;
    const auto begin = xml.cbegin() + static_cast<std::ptrdiff_t>(next);
    if (!std::regex_search(begin, xml.cend(), tag, kTag, std::regex_constants::match_continuous)) {
      return "no tag: " + xml.substr(next, 80);
    }
    if (std::regex_search(tag[3].first, tag[3].second, kEntity)) return "a bare & in: " + tag.str();
    if (tag[1].length() > 0) {
      if (open.empty() || open.back() != tag[2]) return "not open: " + tag.str();
      open.pop_back();
    } else if (tag[4].length() == 0) {
      if (open.empty() && rooted) return "a second root: " + tag.str();
      rooted = true;
      open.push_back(tag[2]);
    }
    at = next + static_cast<std::size_t>(tag.length());
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

TEST(XmlFault, FindsWhatAParserWouldRefuse) {
  EXPECT_EQ(xml_fault("<a><b c=\"d &lt;\"/>e &amp; f</a>\n"), "");
  for (const char* bad : {"<a><b></a></b>", "<a>", "<a/>x", "<a>1 & 2</a>", "<a b=c></a>", "<a b=\"&\"></a>",
                          "<a></a><b></b>", "<a>1 < 2</a>"}) {
    EXPECT_NE(xml_fault(bad), "") << bad;
  }
}

TEST(Roofline, ItsRatesFollowFromWorkAndTime) {
  const RooflinePoint point{"qkv", 12, 0.5, 0.0125, 2.5};
  EXPECT_DOUBLE_EQ(point.gflop_per_s(), 200);
  EXPECT_DOUBLE_EQ(point.gb_per_s(), 5);
  EXPECT_DOUBLE_EQ(point.flop_per_byte(), 40);
}

TEST(Roofline, TheRoofIsBandwidthUpToThePeakOfWhicheverArithmeticIsFaster) {
  Roofline roofline = example();
  EXPECT_DOUBLE_EQ(roofline.roof_gflop_per_s(0.5), 95);
  EXPECT_DOUBLE_EQ(roofline.roof_gflop_per_s(100), 240);
  roofline.matmul_gflop_per_s = 2000;
  EXPECT_DOUBLE_EQ(roofline.roof_gflop_per_s(100), 2000);
  EXPECT_DOUBLE_EQ(roofline.layers_ms(), 9.4);
}

TEST(RooflineSvg, IsWellFormedAndRefersToNothingElse) {
  const std::string svg = roofline_svg(example());
  EXPECT_EQ(xml_fault(svg), "");
  EXPECT_THAT(svg, HasSubstr("xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  for (const char* outside : {"href", "url(", "@import", "<script", "<image"})
    EXPECT_THAT(svg, Not(HasSubstr(outside)));
  for (const char* unit : {"FLOP / byte", "GFLOP/s", "GB/s"}) EXPECT_THAT(svg, HasSubstr(unit));
  EXPECT_THAT(svg, HasSubstr("proj &lt;&amp;&gt; &quot;quoted&quot;</text>"));
}

struct Drawn {
  double x;
  double y;
};
std::vector<Drawn> circles_of(const std::string& svg) {
  static const std::regex kCircle(R"rx(<circle class="point" cx="([0-9.]+)" cy="([0-9.]+)")rx");
  std::vector<Drawn> circles;
  for (std::sregex_iterator it(svg.begin(), svg.end(), kCircle), end; it != end; ++it) {
    circles.push_back({std::stod((*it)[1]), std::stod((*it)[2])});
  }
  return circles;
}

TEST(RooflineSvg, HasOneNamedPointForEachKindOfLayer) {
  const Roofline roofline = example();
  const std::string svg = roofline_svg(roofline);
  EXPECT_EQ(circles_of(svg).size(), roofline.points.size());
  static const std::regex kName(R"rx(<text class="name"[^>]*>([^<]*)</text>)rx");
  std::vector<std::string> names;
  for (std::sregex_iterator it(svg.begin(), svg.end(), kName), end; it != end; ++it) names.push_back((*it)[1]);
  EXPECT_THAT(names, testing::ElementsAre("norms", "qkv", "fc1, gelu", "fc2", "proj &lt;&amp;&gt; &quot;quoted&quot;"));
}

TEST(RooflineSvg, PointsLieByTheLogarithmsOfIntensityAndRate) {
  Roofline roofline = example();
  // Twice the intensity at one rate, then twice the rate at one intensity: the same step, on axes of their own.
  roofline.points = {{"a", 1, 1, 0.1, 20}, {"b", 1, 1, 0.05, 20}, {"c", 1, 1, 0.025, 20}, {"d", 1, 1, 0.025, 10}};
  const auto at = circles_of(roofline_svg(roofline));
  ASSERT_EQ(at.size(), 4U);
  EXPECT_NEAR(at[1].x - at[0].x, at[2].x - at[1].x, 0.2);
  EXPECT_GT(at[1].x, at[0].x + 10);
  EXPECT_EQ(at[0].y, at[2].y);
  EXPECT_EQ(at[3].x, at[2].x);
  EXPECT_LT(at[3].y, at[2].y - 10) << "faster is higher";
}

TEST(RooflineSvg, NamesOfNeighboursDoNotLieOnEachOther) {
  Roofline roofline = example();
  for (int i = 0; i < 8; ++i) {
    roofline.points.push_back({"neighbour " + std::to_string(i), 1, 0.5, 0.0125 + 0.0001 * i, 2.5 + 0.01 * i});
  }
  const std::string svg = roofline_svg(roofline);
  static const std::regex kName(R"rx(<text class="name" x="([0-9.]+)" y="([0-9.]+)")rx");
  std::vector<Drawn> names;
  for (std::sregex_iterator it(svg.begin(), svg.end(), kName), end; it != end; ++it) {
    names.push_back({std::stod((*it)[1]), std::stod((*it)[2])});
  }
  ASSERT_EQ(names.size(), 13U);
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool apart = std::abs(names[i].y - names[j].y) >= 14 || std::abs(names[i].x - names[j].x) >= 15;
      EXPECT_TRUE(apart) << i << " and " << j;
    }
  }
}

}  // namespace
}  // namespace fovea
