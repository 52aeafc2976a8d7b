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

std::string refused_output(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "no error";
}

void check(const OutputLayout& layout, std::vector<Input>& inputs) {
  RunFiles files;
  files.reads(inputs);
  check_outputs(layout, inputs, files);
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
  const std::string message = refused_output([&] { check(layout_in(folder.path()), inputs); });
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
  EXPECT_THAT(refused_output([&] { check(layout_in(folder.path()), inputs); }), HasSubstr("is the input"));
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
    EXPECT_THAT(refused_output([&] { check(layout, both); }), HasSubstr("is the input")) << name;
  }
  for (const char* name : {"cat.jpg.rollout.3.png", "cat.jpg.generic.png", "dog.jpg.generic.3.png"}) {
    write_text(folder / name, "y");
    std::vector<Input> both = inputs;
    both.push_back({(folder / name).string(), name, std::nullopt});
    EXPECT_NO_THROW(check(layout, both)) << name;
  }
}

TEST(Outputs, ANameThatNoFileSystemTakesFailsAlone) {
  const TempFolder folder;
  const std::string longest(255 - std::string(".rollout.png").size(), 'n');
  std::string deep;
  while (deep.size() < 4095 - folder.path().native().size()) deep += std::string(99, 'd') + '/';
  deep += "cat.jpg";
  std::vector<Input> inputs;
  for (const std::string& name : {longest + 'n', deep, longest, std::string("cat.jpg")}) {
    inputs.push_back({name, name, std::nullopt});
  }
  check(layout_in(folder.path()), inputs);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    ASSERT_TRUE(inputs[i].failure) << i;
    EXPECT_EQ(inputs[i].failure->code, ErrorCode::kOutput);
  }
  EXPECT_THAT(inputs[0].failure->message, HasSubstr("name of the output file is 256 bytes, expected at most 255"));
  EXPECT_THAT(inputs[1].failure->message, HasSubstr("path of the output file is"));
  EXPECT_FALSE(inputs[2].failure);
  EXPECT_FALSE(inputs[3].failure);
  write_text(folder / (longest + ".rollout.png"), "the disk takes it");
}

TEST(RunFiles, AnOutputIsNoFileThatIsReadThroughLinksAndOtherSpellings) {
  const TempFolder folder;
  for (const char* name : {"cat.jpg", "labels.txt", "list", "fovea.toml", "other.csv"}) write_text(folder / name, name);
  std::filesystem::create_symlink("labels.txt", folder / "link.txt");
  std::filesystem::create_hard_link(folder / "list", folder / "hard");
  RunFiles files;
  const std::vector<Input> inputs{{(folder / "cat.jpg").string(), "cat.jpg", std::nullopt}};
  files.reads(inputs);
  files.reads(folder / "labels.txt", "file of labels");
  files.reads(folder / "list", "list");
  files.reads(folder / "fovea.toml", "configuration");
  const std::pair<const char*, const char*> taken[] = {{"cat.jpg", "is the input"},
                                                       {"./cat.jpg", "is the input"},
                                                       {"link.txt", "is the file of labels"},
                                                       {"hard", "is the list"},
                                                       {"fovea.toml", "is the configuration"}};
  for (const auto& [name, what] : taken) {
    EXPECT_THAT(refused_output([&, name = name] { files.writes(folder / name); }), HasSubstr(what)) << name;
  }
  for (const char* name : {"other.csv", "new.csv"}) EXPECT_NO_THROW(files.writes(folder / name)) << name;
  for (const char* name : {"other.csv", "new.csv", "./new.csv"}) {
    EXPECT_THAT(refused_output([&] { files.writes(folder / name); }), HasSubstr("place of two outputs")) << name;
  }
  for (const char* name : {"", "-", "/dev/null", "/dev/null"}) EXPECT_NO_THROW(files.writes(name)) << name;
}

TEST(RunFiles, OfAModelItsCheckpointShardsHeadAndConfigsAreRead) {
  const TempFolder folder;
  write_text(folder / "model.safetensors.index.json", R"({"weight_map":{"a":"a.safetensors","b":"b.safetensors"}})");
  for (const char* name : {"a.safetensors", "b.safetensors", "config.json", "preprocessor_config.json", "x_linear4.pth",
                           "quantised.safetensors", "rows.json", "rows.csv"}) {
    write_text(folder / name, name);
  }
  for (const auto& model : {folder.path(), folder / "model.safetensors.index.json"}) {
    RunFiles files;
    files.reads_model(model);
    for (const char* name : {"model.safetensors.index.json", "a.safetensors", "b.safetensors", "config.json",
                             "preprocessor_config.json"}) {
      EXPECT_THAT(refused_output([&] { files.writes(folder / name); }), HasSubstr("is the model's file")) << name;
    }
    for (const char* name : {"quantised.safetensors", "rows.json", "rows.csv"}) {
      EXPECT_NO_THROW(files.writes(folder / name)) << name;
    }
  }
  RunFiles whole_folder;
  whole_folder.reads_model(folder.path());
  EXPECT_THAT(refused_output([&] { whole_folder.writes(folder / "x_linear4.pth"); }), HasSubstr("is the model's file"));
}

}  // namespace
}  // namespace fovea::test
