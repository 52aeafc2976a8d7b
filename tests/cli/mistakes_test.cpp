// What a new user types by mistake: the answer says what to do instead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Matcher;
using ::testing::Not;

class Mistakes : public ::testing::Test {
 protected:
  Mistakes() {
    write_tiny_model_folder(folder_ / "places/tiny");
    write_text(folder_ / "places/README.md", "no model");
    std::filesystem::create_directory(folder_ / "places/empty");
    write_picture(folder_ / "photos/a.png", 40, 40);
    write_picture(folder_ / "photos/b.png", 40, 40, 1);
    options_.folder = folder_.path();
    options_.environment = {"FOVEA_MODEL_PATH=" + (folder_ / "places").string(), "FOVEA_MODEL=tiny"};
  }
  ProcessResult run(const std::vector<std::string>& arguments) const { return run_fovea(arguments, options_); }
  /// The whole message of a call that ends with this exit code and prints no result.
  std::string refusal(const std::vector<std::string>& arguments, int exit_code) const {
    const ProcessResult result = run(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("\nhint: "));
    return result.err;
  }
  TempFolder folder_;
  ProcessOptions options_;
};

/// Something that is typed in place of a path, and a part of the hint that belongs to it.
const std::vector<std::pair<std::string, std::string>> kNoPaths = {
    {"https://example.org/a/b/cat.jpg", "download the file first"},
    {"s3://bucket/cat.jpg", "download the file first"},
    {"www.example.org/cat.jpg", "download the file first"},
    {"file:///photos/cat.jpg", "leave out file://: /photos/cat.jpg"},
    {"photos/*.jpg", "outside quotes"},
    {"photos/?.png", "outside quotes"},
    {"photos/[ab].jpg", "outside quotes"},
    {"photos/{a,b}.jpg", "outside quotes"},
    {"~/photos/cat.jpg", "write $HOME"},
    {"~user/cat.jpg", "write $HOME"},
    {"$HOME/cat.jpg", "outside single quotes"},
    {R"(C:\photos\cat.jpg)", "/mnt/c/photos/cat.jpg"},
    {"d:/photos/cat.jpg", "/mnt/d/photos/cat.jpg"},
    {"C:photoscat.jpg", R"(which the shell takes away)"},
    {R"(photos\cat.jpg)", "separated by /: photos/cat.jpg"},
    {"\u2014recurse", "typographic"},
    {"\u201Ccat.jpg\u201D", "typographic"},
};

TEST_F(Mistakes, WhatIsNoPathOfThisMachineGetsItsHintAmongTheInputs) {
  std::vector<std::string> arguments{"classify", "photos/a.png", "-f", "jsonl"};
  for (const auto& [typed, hint] : kNoPaths) arguments.push_back(typed);
  const auto rows = run(arguments).json_lines();
  ASSERT_EQ(rows.size(), kNoPaths.size() + 2);
  EXPECT_EQ(rows[0].at("type"), "result");
  for (std::size_t i = 0; i < kNoPaths.size(); ++i) {
    const auto& [typed, hint] = kNoPaths[i];
    EXPECT_EQ(rows[i + 1].at("code"), "not_found") << typed;
    EXPECT_THAT(rows[i + 1].at("hint").get<std::string>(), HasSubstr(hint)) << typed;
  }
}

TEST_F(Mistakes, TheSameHintsAreThereForEveryOptionThatTakesAFile) {
  for (const auto& [typed, hint] : kNoPaths) {
    EXPECT_THAT(refusal({"classify", "photos/a.png", "-m", typed}, 3), HasSubstr(hint)) << typed;
  }
  for (const char* option : {"--labels", "--config", "--text-embeddings", "--files-from", "--tensor"}) {
    const ProcessResult result = std::string_view(option) == "--files-from" || std::string_view(option) == "--tensor"
                                     ? run({"classify", option, "~/file"})
                                     : run({"classify", "photos/a.png", option, "~/file"});
    EXPECT_GE(result.exit_code, 2) << option;
    EXPECT_THAT(result.err, HasSubstr("write $HOME")) << option;
  }
}

TEST_F(Mistakes, ANameThatMerelyIsNotThereGetsNoFarFetchedHint) {
  for (const char* name : {"cat.jpg", "photos/cat.jpg", "a:b.jpg", "100%.jpg", "it's.jpg", "./-x.jpg", "a b.jpg"}) {
    const auto rows = run({"classify", name, "-f", "jsonl"}).json_lines();
    EXPECT_EQ(rows.at(0).at("hint"), "") << name;
  }
}

TEST_F(Mistakes, AFileWithSuchANameIsReadAllTheSame) {
  for (const char* name : {"*.png", "C:a.png", "$x.png", "~.png", "a\\b.png", "what?.png"}) {
    write_picture(folder_ / name, 40, 40);
    EXPECT_EQ(run({"classify", name}).exit_code, 0) << name;
  }
}

TEST_F(Mistakes, AModelThatIsNotThereIsAnsweredWithTheModelsThatAre) {
  const std::string message = refusal({"classify", "photos/a.png", "-m", "nosuch"}, 3);
  EXPECT_THAT(message, AllOf(HasSubstr("models with a name: tiny"), HasSubstr("vit_tiny_tin200"),
                             HasSubstr("the folder of a model"), Not(HasSubstr("README")), Not(HasSubstr("empty"))));
  EXPECT_THAT(refusal({"inspect", "nosuch"}, 3), HasSubstr("models with a name: tiny"));
  EXPECT_THAT(refusal({"classify", "photos/a.png", "-m", "README.md"}, 3), HasSubstr("no such model"));
  EXPECT_THAT(refusal({"classify", "photos/a.png", "-m", "tinny"}, 3), HasSubstr("did you mean 'tiny'?"));
}

TEST_F(Mistakes, ANameOfAHubIsAnsweredWithTheWayToGetTheModel) {
  for (const char* typed : {"google/vit-base-patch16-224", "https://hub.example/google/vit-base-patch16-224",
                            "https://hub.example/google/vit-base-patch16-224/tree/main"}) {
    EXPECT_THAT(refusal({"classify", "photos/a.png", "-m", typed}, 3),
                AllOf(HasSubstr("-m hf:google/vit-base-patch16-224 downloads it once"), HasSubstr("fovea models")))
        << typed;
  }
  EXPECT_THAT(refusal({"inspect", "timm/vit_small.x"}, 3), HasSubstr("-m hf:timm/vit_small.x downloads"));
  EXPECT_THAT(refusal({"inspect", "vit_base_patch16_224"}, 3), HasSubstr("-m hf:timm/vit_base_patch16_224.TAG "));
  EXPECT_THAT(refusal({"inspect", "vit_base_patch16_224.augreg_in1k"}, 3),
              HasSubstr("-m hf:timm/vit_base_patch16_224.augreg_in1k "));
  for (const char* prefix : {"hf:", "hf://", "hf-hub:", "hf_hub:"}) {
    EXPECT_THAT(refusal({"inspect", std::string(prefix) + "google/vit-base-patch16-224"}, 3),
                AllOf(HasSubstr("is not in the cache"), HasSubstr("`fovea pull google/vit-base-patch16-224`")))
        << prefix;
  }
}

TEST_F(Mistakes, AMisspeltPathToAModelIsNotTakenForANameOfAHub) {
  for (const char* typed : {"photos/model", "places/tinny", "nowhere/model.safetensors", "/a/b", "./a/b", "a/b/c"}) {
    EXPECT_THAT(run({"inspect", typed}).err, Not(HasSubstr("-m hf:"))) << typed;
  }
  EXPECT_THAT(run({"inspect", std::string(100'000, 'a') + "/b"}).err, HasSubstr("File name too long"));
}

TEST_F(Mistakes, WhatIsThereButNoModelIsCalledByItsName) {
  EXPECT_THAT(refusal({"classify", "photos/a.png", "-m", "places/tiny/config.json"}, 3),
              AllOf(HasSubstr("configuration"), HasSubstr("hint: give -m places/tiny\n")));
  options_.folder = folder_ / "places/tiny";
  EXPECT_THAT(refusal({"inspect", "config.json"}, 3), HasSubstr("hint: give -m .\n"));
  options_.folder = folder_.path();
  for (const std::vector<std::string>& call :
       {std::vector<std::string>{"classify", "photos/a.png", "-m", "photos/b.png"},
        {"inspect", "photos/b.png"},
        {"quantize", "photos/b.png", "x.safetensors", "--precision", "bf16"}}) {
    EXPECT_THAT(refusal(call, 3), HasSubstr("photos/b.png: is a picture, expected a model"));
  }
}

TEST_F(Mistakes, AModelAmongThePicturesIsNoticed) {
  const auto rows =
      run({"classify", "tiny", "places/tiny/model.safetensors", "photos/a.png", "-f", "jsonl"}).json_lines();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].at("hint"), "-m tiny chooses this model");
  EXPECT_EQ(rows[1].at("hint"), "-m places/tiny/model.safetensors chooses this model");
  EXPECT_EQ(rows[2].at("type"), "result");
  const ProcessResult both = run({"classify", "places/tiny", "photos/a.png"});
  EXPECT_EQ(both.exit_code, 0);
  EXPECT_THAT(both.err, HasSubstr("warning: places/tiny: is a model and holds no picture\nhint: -m places/tiny"));
  EXPECT_THAT(refusal({"classify", "places/tiny"}, 2), HasSubstr("places/tiny: is a model, expected pictures"));
  EXPECT_THAT(refusal({"bench", "tiny"}, 2), HasSubstr("tiny: is a model, expected a picture"));
}

TEST_F(Mistakes, APictureWithTheNameOfWeightsIsStillTried) {
  std::filesystem::copy_file(folder_ / "photos/a.png", folder_ / "picture.bin");
  EXPECT_EQ(run({"classify", "picture.bin"}).exit_code, 0);
}

TEST_F(Mistakes, DoctorNoticesTheOrder) {
  EXPECT_THAT(refusal({"doctor", "photos/a.png", "tiny"}, 2), HasSubstr("hint: fovea doctor tiny photos/a.png\n"));
  EXPECT_EQ(run({"doctor", "tiny", "photos/a.png"}).exit_code, 0);
}

TEST_F(Mistakes, ACallWithoutAVerbIsPointedToOne) {
  for (const char* typed : {"photos/a.png", "photos", "nowhere.jpg", "~/a.png", "*.png"}) {
    EXPECT_THAT(refusal({typed}, 2), HasSubstr(std::string("fovea classify ") + typed)) << typed;
  }
  EXPECT_THAT(refusal({"-m", "tiny", "photos/a.png"}, 2), HasSubstr("fovea classify photos/a.png"));
  EXPECT_THAT(refusal({"help"}, 2), HasSubstr("`fovea -h` lists the verbs"));
  EXPECT_THAT(refusal({"help", "nosuch"}, 2), HasSubstr("`fovea -h` lists the verbs"));
  EXPECT_THAT(refusal({"help", "explain"}, 2), HasSubstr("`fovea explain -h`"));
  EXPECT_THAT(refusal({"version"}, 2), HasSubstr("did you mean --version?"));
  EXPECT_THAT(refusal({"clasify", "photos/a.png"}, 2), HasSubstr("did you mean 'classify'?"));
}

TEST_F(Mistakes, ANegativeNumberIsPrintedAsItWasTyped) {
  for (const char* option : {"--block", "--head", "--seed", "--start-block", "--top-patches"}) {
    const auto result = run({"explain", "photos/a.png", "-o", "out", "--method", "attention", option, "-1"});
    EXPECT_EQ(result.exit_code, 2) << option;
    EXPECT_THAT(result.err, HasSubstr(std::string(option) + " is '-1', expected a whole number from")) << option;
  }
  const auto large = run({"explain", "photos/a.png", "-o", "out", "--seed", "99999999999999999999"});
  EXPECT_EQ(large.exit_code, 2);
  EXPECT_THAT(large.err, HasSubstr("--seed is '99999999999999999999'"));
  EXPECT_EQ(run({"explain", "photos/a.png", "-o", "out", "--method", "rise", "--masks", "2", "--seed",
                 "18446744073709551615"})
                .exit_code,
            0);
}

TEST_F(Mistakes, AClassThatIsMeantRoughlyIsAnsweredWithTheClassesItCouldBe) {
  write_text(folder_ / "labels.txt",
             "n02012849 crane\nn03126707 crane\nn02123394 Persian cat\nn02124075 Egyptian cat\ncatamaran\n");
  const auto message = [&](const char* target) {
    return refusal({"explain", "photos/a.png", "-o", "out", "--labels", "labels.txt", "--target", target}, 2);
  };
  EXPECT_THAT(message("crane"), HasSubstr("0 (n02012849, crane); 1 (n03126707, crane)"));
  EXPECT_THAT(message("Cat"), AllOf(HasSubstr("2 (n02123394, Persian cat); 3 (n02124075, Egyptian cat)"),
                                    Not(HasSubstr("4 (catamaran)"))));
  EXPECT_THAT(message("catamaram"), HasSubstr("did you mean 'catamaran'?"));
  write_text(folder_ / "labels.txt", "crane\ncrane\nray\nshark\ncock\n");
  EXPECT_THAT(message("crane"), HasSubstr("0 (crane); 1 (crane)"));
}

TEST_F(Mistakes, MethodsMayBeSeparatedByCommasWhereverMethodsAreNamed) {
  const std::vector<std::vector<std::string>> calls = {{"explain", "photos/a.png", "-o", "out"},
                                                       {"batch", "photos", "-o", "gallery"},
                                                       {"explore", "photos/a.png", "-o", "p.html"},
                                                       {"bench", "--seconds", "0.1"}};
  for (std::vector<std::string> call : calls) {
    call.insert(call.end(), {"--method", "rollout,attention", "--method", "generic"});
    EXPECT_EQ(run(call).exit_code, 0) << call.front();
    call.back() = "generic,rolout";
    EXPECT_THAT(refusal(call, 2), HasSubstr("did you mean 'rollout'?")) << call.front();
  }
  for (const char* file : {"out/a.png.rollout.png", "out/a.png.attention.png"}) {
    EXPECT_TRUE(std::filesystem::exists(folder_ / file)) << file;
  }
  options_.environment.emplace_back("FOVEA_METHOD=rollout,token-rank");
  EXPECT_EQ(run({"explain", "photos/a.png", "-o", "out"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/a.png.token-rank.png"));
  EXPECT_EQ(run({"explain", "photos/a.png", "-o", "out", "--map-format", "npy,json"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/a.png.rollout.json"));
}

TEST_F(Mistakes, HelpSaysWhichMethodExplainsATarget) {
  EXPECT_THAT(run({"explain", "-h"}).out, HasSubstr("generic"));
  EXPECT_THAT(run({"explore", "-h"}).out, Not(HasSubstr("=rollout")));
}

TEST_F(Mistakes, SubFoldersThatAreNotReadAreCounted) {
  write_picture(folder_ / "photos/deep/c.png", 40, 40);
  std::filesystem::create_directory(folder_ / "photos/.hidden");
  const ProcessResult one = run({"classify", "photos"});
  EXPECT_EQ(one.exit_code, 0);
  EXPECT_THAT(one.err, HasSubstr("warning: photos: 1 sub-folder is not read\nhint: -r reads them, too\n"));
  std::filesystem::create_directory(folder_ / "photos/second");
  EXPECT_THAT(run({"explain", "photos", "-o", "photos/out"}).err, HasSubstr("photos: 2 sub-folders are not read"));
  EXPECT_THAT(run({"explain", "photos", "-o", "photos/out"}).err, HasSubstr("photos: 2 sub-folders are not read"));
  for (const std::vector<std::string>& call : {std::vector<std::string>{"classify", "-r", "photos"},
                                               {"classify", "-q", "photos"},
                                               {"batch", "photos", "-o", "gallery", "--no-recurse"}}) {
    EXPECT_THAT(run(call).err, Not(HasSubstr("sub-folder"))) << call[1];
  }
}

}  // namespace
}  // namespace fovea::test
