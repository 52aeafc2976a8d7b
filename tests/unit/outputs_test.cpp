#include "pipeline/folder/outputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "report/record.hpp"
#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

OutputLayout layout_in(const std::filesystem::path& folder) {
  OutputLayout layout;
  layout.folder = folder;
  layout.methods = {"rollout"};
  return layout;
}

std::string usage_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "no error";
}

TEST(Outputs, FilesAreCalledAfterTheInputAndTheMethod) {
  OutputLayout layout = layout_in("out");
  layout.maps = "overlays/";
  layout.methods = {"rollout", "attention"};
  layout.save_maps = true;
  layout.thumbnails = true;
  const Input input{"photos/cats/tom.jpg", "cats/tom.jpg", std::nullopt};
  EXPECT_THAT(output_names(layout, input),
              ElementsAre("overlays/cats/tom.jpg.rollout.png", "overlays/cats/tom.jpg.rollout.npy",
                          "overlays/cats/tom.jpg.attention.png", "overlays/cats/tom.jpg.attention.npy",
                          "thumbs/cats/tom.jpg.jpg"));
}

TEST(Outputs, TwoInputsOfOneNameAreRefusedAndBothAreNamed) {
  const TempFolder folder;
  std::vector<Input> inputs{{"a/cat.jpg", "cat.jpg", std::nullopt}, {"b/cat.jpg", "cat.jpg", std::nullopt}};
  const std::string message = usage_error([&] { check_outputs(layout_in(folder.path()), inputs); });
  EXPECT_THAT(message, HasSubstr("a/cat.jpg"));
  EXPECT_THAT(message, HasSubstr("b/cat.jpg"));
}

TEST(Outputs, AnOverlayIsNeverWrittenOverAnInputWhateverItIsCalled) {
  const TempFolder folder;
  write_text(folder / "cat.jpg", "x");
  write_text(folder / "cat.jpg.rollout.png", "y");
  std::filesystem::create_symlink("cat.jpg.rollout.png", folder / "alias.png");
  std::vector<Input> inputs{{(folder / "cat.jpg").string(), "cat.jpg", std::nullopt},
                            {(folder / "alias.png").string(), "alias.png", std::nullopt}};
  EXPECT_THAT(usage_error([&] { check_outputs(layout_in(folder.path()), inputs); }), HasSubstr("is the input"));
  EXPECT_THAT(usage_error([&] { check_not_input(folder / "cat.jpg", inputs); }), HasSubstr("is the input"));
  EXPECT_NO_THROW(check_not_input(folder / "other.csv", inputs));
}

TEST(Outputs, MapsOfAClassAreCalledAfterItAndNeverWrittenOverAnInput) {
  EXPECT_EQ(map_stem("rollout", std::nullopt), "rollout");
  EXPECT_EQ(map_stem("generic", MapTarget{32, {}}), "generic.32");
  EXPECT_EQ(map_stem("generic", MapTarget{32, {}, MapContrast{967, {}}}), "generic.32-967");
  const TempFolder folder;
  OutputLayout layout = layout_in(folder.path());
  layout.methods.clear();
  layout.class_methods = {"generic"};
  write_text(folder / "cat.jpg", "x");
  std::vector<Input> inputs{{(folder / "cat.jpg").string(), "cat.jpg", std::nullopt}};
  for (const char* name : {"cat.jpg.generic.3.png", "cat.jpg.generic.3-17.npy"}) {
    write_text(folder / name, "y");
    std::vector<Input> both = inputs;
    both.push_back({(folder / name).string(), name, std::nullopt});
    EXPECT_THAT(usage_error([&] { check_outputs(layout, both); }), HasSubstr("is the input")) << name;
  }
  for (const char* name : {"cat.jpg.rollout.3.png", "cat.jpg.generic.png", "dog.jpg.generic.3.png"}) {
    write_text(folder / name, "y");
    std::vector<Input> both = inputs;
    both.push_back({(folder / name).string(), name, std::nullopt});
    EXPECT_NO_THROW(check_outputs(layout, both)) << name;
  }
}

TEST(Outputs, ANameThatNoFileSystemTakesFailsAlone) {
  const TempFolder folder;
  const std::string longest(245, 'n');
  std::vector<Input> inputs{{longest, longest, std::nullopt}, {"cat.jpg", "cat.jpg", std::nullopt}};
  check_outputs(layout_in(folder.path()), inputs);
  ASSERT_TRUE(inputs[0].failure);
  EXPECT_EQ(inputs[0].failure->code, ErrorCode::kOutput);
  EXPECT_FALSE(inputs[1].failure);
}

}  // namespace
}  // namespace fovea::test
