#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fovea/explain.hpp"
#include "fovea/model.hpp"
#include "pipeline/maps/captions.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"

namespace fovea {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

/// What the page's script reads: the text of its one JSON element, ended where a browser ends it.
Json gallery_content(const std::string& html) {
  const std::string open = R"(<script type="application/json" id="content">)";
  const std::size_t begin = html.find(open);
  EXPECT_NE(begin, std::string::npos);
  const std::size_t end = html.find("</script", begin);
  return Json::parse(html.substr(begin + open.size(), end - begin - open.size()));
}

Record record_at(std::string path) {
  Record record;
  record.path = std::move(path);
  record.size = {300, 451};
  record.predictions = {{32, "Egyptian cat", "n02124075", 0.452F}, {7, {}, {}, 0.1F}};
  return record;
}

TEST(Gallery, HoldsEveryRecordForItsScript) {
  Record shown = record_at("a/cat.jpg");
  shown.thumbnail = "thumbnails/a/cat.jpg";
  shown.maps = {{.method = "rollout", .variant = "mean heads", .target = {}, .overlay = "overlays/cat.png", .map = {}},
                {.method = "generic", .variant = "v", .target = MapTarget{3, {}}, .overlay = "o.png", .map = "o.npy"},
                {.method = "raw", .variant = "v", .target = {}, .overlay = {}, .map = "only.npy"}};
  Record failed;
  failed.index = 1;
  failed.path = "b.jpg";
  failed.failure = Failure{ErrorCode::kNotFound, "b.jpg: is not there", "look again"};
  BatchSummary summary;
  summary.model_name = "vit_tiny_tin200";
  summary.model_sha256 = "0123abcd";
  summary.counts = {.succeeded = 1, .failed = 1, .interrupted = false};
  summary.images_per_second = 12.5;
  summary.options = {{"--method", "rollout"}};
  const Json content = gallery_content(gallery_html(std::vector{shown, failed}, summary));
  EXPECT_EQ(content["summary"]["model"], "vit_tiny_tin200");
  EXPECT_EQ(content["summary"]["model_sha256"], "0123abcd");
  EXPECT_EQ(content["summary"]["images_per_second"], 12.5);
  EXPECT_EQ(content["summary"]["options"]["--method"], "rollout");
  ASSERT_EQ(content["records"].size(), 2U);
  EXPECT_EQ(content["records"][0]["predictions"].dump(), R"([["Egyptian cat",0.452],["class 7",0.1]])");
  EXPECT_EQ(content["records"][0]["thumbnail"], "./thumbnails/a/cat.jpg");
  ASSERT_EQ(content["records"][0]["maps"].size(), 2U) << "a map without a picture has nothing to show";
  EXPECT_EQ(content["records"][0]["maps"][0]["image"], "./overlays/cat.png");
  EXPECT_EQ(content["records"][0]["maps"][1]["target"], "class 3");
  EXPECT_EQ(content["records"][1]["failure"].dump(),
            R"({"code":"not_found","hint":"look again","message":"b.jpg: is not there"})");
}

TEST(Gallery, LetsNoNameLabelOrMessageBecomeMarkup) {
  const std::string evil = R"x(</script><img src=x onerror="alert(1)"><!--<script>&amp;'{{script}}{{style}})x";
  Record record = record_at(evil + ".jpg");
  record.predictions[0].label = evil;
  record.maps = {{.method = evil, .variant = evil, .target = MapTarget{1, evil}, .overlay = evil, .map = {}}};
  record.thumbnail = "javascript:" + evil;
  Record failed = record_at(evil);
  failed.failure = Failure{ErrorCode::kDecode, evil, evil};
  BatchSummary summary;
  summary.model_name = evil;
  summary.model_sha256 = evil;
  summary.version = evil;
  summary.options = {{evil, evil}};
  const std::string html = gallery_html(std::vector{record, failed}, summary);
  const std::string plain = gallery_html({}, {});
  const auto count = [](const std::string& text, char c) { return std::count(text.begin(), text.end(), c); };
  EXPECT_EQ(count(html, '<'), count(plain, '<')) << "records must add no '<' to the page";
  const Json content = gallery_content(html);
  EXPECT_EQ(content["records"][0]["path"], evil + ".jpg") << "and yet be shown as they are";
  EXPECT_EQ(content["records"][1]["failure"]["message"], evil);
  EXPECT_EQ(content["summary"]["model"], evil);
}

TEST(Gallery, EncodesFileNamesSoThatTheyStayRelativeUrls) {
  Record record = record_at("x");
  record.thumbnail = "a b/#1?%\"\xFF\xC3\xA9.jpg";
  record.maps = {{.method = "m", .variant = "v", .target = {}, .overlay = "//host/x.png", .map = {}}};
  const Json content = gallery_content(gallery_html(std::vector{record}, {}));
  EXPECT_EQ(content["records"][0]["thumbnail"], "./a%20b/%231%3F%25%22%FF%C3%A9.jpg");
  EXPECT_EQ(content["records"][0]["maps"][0]["image"], ".///host/x.png");
  record.thumbnail = "javascript:alert(1)";
  EXPECT_EQ(gallery_content(gallery_html(std::vector{record}, {}))["records"][0]["thumbnail"],
            "./javascript%3Aalert%281%29");
}

TEST(Gallery, NeedsNothingButItself) {
  const std::string html = gallery_html({}, {});
  EXPECT_TRUE(html.starts_with("<!doctype html>"));
  EXPECT_THAT(html, Not(HasSubstr("{{")));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  // The namespace of inline SVG is a name, not an address; it is all that looks like one.
  const std::string name = "xmlns='http://www.w3.org/2000/svg'";
  const std::size_t at = html.find(name);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(html.find("://"), at + name.find("://"));
  EXPECT_EQ(html.rfind("://"), html.find("://"));
  EXPECT_THAT(html, Not(HasSubstr("@import")));
  EXPECT_TRUE(gallery_content(html)["records"].empty());
}

TEST(Gallery, IsTheSameBytesForTheSameRun) {
  const std::vector<Record> records{record_at("a.jpg")};
  EXPECT_EQ(gallery_html(records, {}), gallery_html(records, {}));
}

TEST(Gallery, SaysThatAPictureIsOfNoneOfTheClasses) {
  Record strange = record_at("a.jpg");
  strange.unknown = UnknownVerdict{true, 3.5};
  Record usual = record_at("b.jpg");
  usual.unknown = UnknownVerdict{false, 0.5};
  const Json content = gallery_content(gallery_html(std::vector{strange, usual, record_at("c.jpg")}, {}));
  EXPECT_EQ(content["records"][0]["unknown"], true);
  EXPECT_FALSE(content["records"][1].contains("unknown"));
  EXPECT_FALSE(content["records"][2].contains("unknown"));
}

TEST(Captions, SayThatAPictureIsOfNoneOfTheClasses) {
  const std::vector<Prediction> predictions{{3, "crane", {}, 0.582F}};
  const std::vector<float> probabilities{0.1F, 0.1F, 0.1F, 0.582F};
  EXPECT_EQ(picture_caption(predictions, true).label, "unknown (nearest: crane)");
  EXPECT_EQ(picture_caption(predictions).label, "crane");
  EXPECT_EQ(picture_caption({}, true).label, "unknown");
  const MapRecord everywhere{.method = "rollout", .variant = "mean heads", .target = {}};
  const ExplainMethod& rollout = explain_method("rollout");
  EXPECT_EQ(map_caption(rollout, everywhere, predictions, probabilities, true).label, "unknown (nearest: crane)");
  const MapRecord of_class{.method = "libra", .variant = "libra", .target = MapTarget{3, "crane"}};
  const OverlayCaption caption = map_caption(explain_method("libra"), of_class, predictions, probabilities, true);
  EXPECT_EQ(caption.label, "crane");
  EXPECT_THAT(caption.variant, HasSubstr("the picture is of none of the classes"));
}

}  // namespace
}  // namespace fovea
