// The page of fovea explore in a real Chromium: what is drawn under the pointer is what the model attends to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.hpp"
#include "image/codec/codec.hpp"
#include "report/files/documents.hpp"
#include "support/browser.hpp"
#include "support/golden_family.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

/// A, golden, of one block: [H, N, N].
struct Golden {
  std::size_t num_heads = 0;
  std::size_t tokens = 0;
  std::vector<float> weights;
  [[nodiscard]] double at(std::size_t head, std::size_t query, std::size_t key) const {
    return double(weights[(head * tokens + query) * tokens + key]);
  }
  /// 1/255 of the largest weight of a row.
  [[nodiscard]] double step(std::size_t head, std::size_t query) const {
    const auto row = weights.begin() + static_cast<std::ptrdiff_t>((head * tokens + query) * tokens);
    return double(*std::max_element(row, row + static_cast<std::ptrdiff_t>(tokens))) / 255;
  }
};

class ExplorePage : public ::testing::Test {
 protected:
  void SetUp() override {
    FOVEA_NEEDS_BROWSER();
    browser_ = std::make_unique<Browser>();
    browser_->set_window(1280, 800);
    browser_->prefer("light");
  }
  void TearDown() override {
    if (!browser_) return;  // skipped
    EXPECT_THAT(browser_->complaints(), IsEmpty());
  }

  /// Runs the program and opens what it made.
  void explore(std::vector<std::string> arguments, int exit_code = 0) {
    arguments.insert(arguments.begin(), "explore");
    arguments.insert(arguments.end(), {"-q", "-o", page().string()});
    const auto result = run_fovea(arguments);
    ASSERT_EQ(result.exit_code, exit_code) << result.err;
    open();
  }
  void open(const std::string& fragment = "") {
    browser_->open(page(), fragment);
    browser_->evaluate("fovea.ready.then(() => 1)");
  }
  [[nodiscard]] std::filesystem::path page() const { return folder_ / "page.html"; }
  /// Once everything is drawn.
  Json state() {
    return browser_->evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(fovea.state()))))");
  }
  void hover(std::size_t patch) {
    const Json at = browser_->evaluate(
        "(() => { const box = document.getElementById('cover').getBoundingClientRect(),"
        " patch = " +
        std::to_string(patch) +
        ", { rows, cols } = fovea.heading;"
        " return [box.left + box.width * (patch % cols + 0.5) / cols,"
        " box.top + box.height * (Math.floor(patch / cols) + 0.5) / rows]; })()");
    browser_->move_mouse(at[0], at[1]);
  }
  std::string text(const std::string& id) {
    return browser_->evaluate("document.getElementById('" + id + "').textContent");
  }

  /// The values behind what is drawn for the token under the pointer, in both directions.
  void expect_hovered(const Golden& golden, std::size_t block, std::size_t head, std::size_t token) {
    for (const std::string direction : {"row", "column"}) {
      const Json now = state();
      ASSERT_EQ(now.at("token"), token);
      ASSERT_EQ(now.at("block"), block);
      ASSERT_EQ(now.at("head"), head);
      ASSERT_EQ(now.at("direction"), direction);
      ASSERT_EQ(now.at("values").size(), golden.tokens);
      for (std::size_t i = 0; i < golden.tokens; ++i) {
        const std::size_t query = direction == "row" ? token : i;
        const std::size_t key = direction == "row" ? i : token;
        EXPECT_NEAR(now.at("values")[i].get<double>(), golden.at(head, query, key), golden.step(head, query))
            << direction << " of token " << token << ", " << i;
      }
      browser_->press("d");
    }
  }

  TempFolder folder_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(ExplorePage, ShowsTheGoldenRowsAndColumnsOfTheHoveredPatch) {
  for (const std::string family : {"timm_vit_cls", "timm_dinov2_reg", "timm_nonsquare"}) {
    SCOPED_TRACE(family);
    const GoldenFamily golden(family);
    const TinyTensor& x = golden.expected.at("x");
    replace_file(folder_ / "x.npy", npy_f32(x.values, x.shape));
    ASSERT_NO_FATAL_FAILURE(explore({"-m", golden.folder.string(), "--tensor", (folder_ / "x.npy").string()}));
    const Json heading = browser_->evaluate("fovea.heading");
    const std::size_t prefix = heading.at("prefix").size();
    const std::size_t patches = heading.at("rows").get<std::size_t>() * heading.at("cols").get<std::size_t>();
    for (std::size_t block = heading.at("depth"); block-- > 0; browser_->press("[")) {
      const TinyTensor& a = golden.expected.at("attn_" + std::to_string(block));
      const Golden attention{a.shape[1], a.shape[2], a.values};
      ASSERT_EQ(attention.tokens, prefix + patches);
      for (std::size_t head = 0; head < attention.num_heads; ++head) {
        browser_->press(std::to_string(head));
        for (const std::size_t patch : {std::size_t{1}, patches - 2}) {
          hover(patch);
          ASSERT_NO_FATAL_FAILURE(expect_hovered(attention, block, head, prefix + patch));
        }
      }
    }
  }
}

TEST_F(ExplorePage, HoldsTheGoldenAttentionOfDeitTiny) {
  FOVEA_NEEDS_SHARED(golden, "golden/deit_tiny/attn_full.safetensors");
  FOVEA_NEEDS_SHARED(model, "models/deit_tiny_patch16_224/model.safetensors");
  FOVEA_NEEDS_SHARED(pictures, "images/imagenet_200");
  const Json maps = Json::parse(std::ifstream(golden.parent_path() / "maps.json"));
  std::ifstream files(golden.parent_path() / "files.txt");
  std::string name;
  for (std::size_t i = 0; i <= maps.at("images")[0].at("index").get<std::size_t>(); ++i) std::getline(files, name);
  ASSERT_NO_FATAL_FAILURE(
      explore({"-m", model.parent_path().string(), (pictures / name).string(), "--exif", "ignore"}));
  EXPECT_LE(std::filesystem::file_size(page()), 1'500'000U);
  const TinyTensors tensors = read_tensors(golden);
  const TinyTensor& a = tensors.at("A");  // [L, H, N, N]
  const std::size_t size = a.values.size() / a.shape[0];
  for (const std::size_t block : {std::size_t{0}, std::size_t{5}, std::size_t{11}}) {
    const auto begin = a.values.begin() + static_cast<std::ptrdiff_t>(block * size);
    const Golden attention{a.shape[1], a.shape[2], {begin, begin + static_cast<std::ptrdiff_t>(size)}};
    open("block=" + std::to_string(block));
    for (std::size_t head = 0; head < 3; ++head) {
      browser_->press(std::to_string(head));
      for (const std::size_t patch : {std::size_t{87}, std::size_t{195}}) {
        hover(patch);
        ASSERT_NO_FATAL_FAILURE(expect_hovered(attention, block, head, 1 + patch));
      }
    }
  }
}

TEST_F(ExplorePage, EverythingCanBeReachedFromTheKeyboard) {
  write_tiny_model_folder(folder_ / "model");
  write_picture(folder_ / "a.png", 40, 50);
  write_picture(folder_ / "b.png", 50, 40, 3);
  ASSERT_NO_FATAL_FAILURE(
      explore({"-m", (folder_ / "model").string(), (folder_ / "a.png").string(), (folder_ / "b.png").string(),
               "--target", "top2", "--method", "generic", "--method", "rollout"}));
  const auto after = [&](const std::string& key) {
    browser_->press(key);
    return state();
  };
  EXPECT_EQ(state().at("token"), 0) << "the class token";
  EXPECT_EQ(after("ArrowRight").at("token"), 1 + 4 * 2 + 2) << "into the middle";
  EXPECT_EQ(after("ArrowRight").at("token"), 1 + 4 * 2 + 3);
  EXPECT_EQ(after("ArrowRight").at("token"), 1 + 4 * 2 + 3) << "not past the edge";
  EXPECT_EQ(after("ArrowUp").at("token"), 1 + 4 * 1 + 3);
  EXPECT_THAT(text("spoken"), HasSubstr("row 1, column 3")) << "said to those who do not see it";
  EXPECT_EQ(after("c").at("token"), 0);
  EXPECT_EQ(after("[").at("block"), 0);
  EXPECT_EQ(after("]").at("block"), 1);
  EXPECT_EQ(after("1").at("head"), 1);
  EXPECT_EQ(after("h").at("head"), "mean");
  EXPECT_EQ(after("H").at("head"), 1);
  EXPECT_EQ(after("m").at("head"), "mean");
  EXPECT_EQ(after("d").at("direction"), "column");
  EXPECT_THAT(after("v").at("view"), HasSubstr("generic"));
  const std::string first = text("sentence");
  after("k");
  EXPECT_NE(text("sentence"), first) << "the other class";
  EXPECT_EQ(after("m").at("view"), "attention");
  EXPECT_EQ(after(".").at("picture"), 1);
  EXPECT_EQ(text("path"), "b.png");
  EXPECT_EQ(after(",").at("picture"), 0);
  EXPECT_EQ(after("?").at("token"), 0);
  EXPECT_EQ(browser_->evaluate("document.getElementById('help').open"), true);
  browser_->evaluate("document.getElementById('help').close()");
  EXPECT_EQ(state().at("playing"), false);
  EXPECT_EQ(after(" ").at("playing"), true);
  const int block = state().at("block");
  browser_->evaluate("new Promise((done) => setTimeout(done, 1000))");
  EXPECT_NE(state().at("block"), block) << "it plays";
  EXPECT_EQ(after(" ").at("playing"), false);
}

TEST_F(ExplorePage, NamesAndLabelsAreTextAndAFailureIsAnEntry) {
  write_tiny_model_folder(folder_ / "model");
  write_text(folder_ / "labels.txt",
             "</script><script>window.hacked = 1</script>\n<img src=x onerror=hacked=1>\n"
             "<!-- <script>\n{{script}}\n\xE2\x80\xA8&amp;\n");
  const std::string name = "<img src=x onerror=hacked=1> {{style}} \xFF.png";
  write_picture(folder_ / name, 40, 50);
  write_text(folder_ / "broken.png", "<b>no picture</b>");
  ASSERT_NO_FATAL_FAILURE(explore({"-m", (folder_ / "model").string(), (folder_ / "broken.png").string(),
                                   (folder_ / name).string(), "--labels", (folder_ / "labels.txt").string()},
                                  1));
  EXPECT_EQ(browser_->evaluate("window.hacked === undefined"), true);
  EXPECT_EQ(state().at("picture"), 1) << "the first that there is something to see of";
  EXPECT_EQ(text("path"), "<img src=x onerror=hacked=1> {{style}} \xEF\xBF\xBD.png");
  EXPECT_THAT(text("bars"), HasSubstr("</script><script>window.hacked = 1</script>"));
  EXPECT_THAT(text("bars"), HasSubstr("&amp;"));
  EXPECT_EQ(browser_->evaluate("document.querySelectorAll('main script, [onerror]').length"), 0);
  browser_->press(",");
  EXPECT_EQ(state().at("picture"), 0);
  EXPECT_THAT(text("failure"), HasSubstr("broken.png"));
  EXPECT_EQ(browser_->evaluate("document.getElementById('failure').checkVisibility()"), true);
  EXPECT_EQ(browser_->evaluate("document.getElementById('stage').checkVisibility()"), false);
}

TEST_F(ExplorePage, LooksLikeSomethingInLightInDarkAndOnAPhone) {
  const std::string sample = (source_dir() / "samples" / "chelsea.jpg").string();
  ASSERT_NO_FATAL_FAILURE(explore({sample, sample, "-m", (source_dir() / "weights" / "vit_tiny_tin200").string()}));
  const auto screenshot = [&] {
    browser_->evaluate("new Promise((done) => setTimeout(done, 600))");
    return decode_image(browser_->screenshot(), "screenshot", {});
  };
  const auto brightness = [](const Image& image) {
    double sum = 0;
    for (const std::uint8_t value : image.pixels()) sum += value;
    return sum / static_cast<double>(image.pixels().size());
  };
  const auto colors = [](const Image& image) {
    std::set<std::array<std::uint8_t, 3>> seen;
    const auto pixels = image.pixels();
    for (std::size_t i = 0; i < pixels.size(); i += 3) seen.insert({pixels[i], pixels[i + 1], pixels[i + 2]});
    return seen.size();
  };
  const Image light = screenshot();
  EXPECT_EQ(light.size(), (Size{800, 1280}));
  EXPECT_GT(colors(light), 5000U) << "there is a picture";
  browser_->prefer("dark");
  const Image dark = screenshot();
  EXPECT_GT(colors(dark), 5000U);
  EXPECT_LT(brightness(dark) + 60, brightness(light));
  browser_->press("t");
  EXPECT_GT(brightness(screenshot()), brightness(dark) + 60) << "the reader's switch comes before the system";

  browser_->set_window(360, 740, true);
  open();
  const Image phone = screenshot();
  EXPECT_EQ(phone.size(), (Size{740, 360}));
  EXPECT_GT(colors(phone), 3000U);
  EXPECT_LE(browser_->evaluate("document.documentElement.scrollWidth").get<int>(), 360) << "nothing to scroll sideways";
  EXPECT_GT(browser_->evaluate("document.getElementById('stage').getBoundingClientRect().width").get<double>(), 300);
}

}  // namespace
}  // namespace fovea::test
