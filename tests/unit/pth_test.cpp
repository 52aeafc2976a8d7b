#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "fovea/error.hpp"
#include "support/checkpoint_files.hpp"
#include "support/npy_writer.hpp"
#include "support/pickle_writer.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

namespace pickle = test::pickle;
using test::pickled;
using test::torch_members;
using test::TorchTensor;
using testing::HasSubstr;

std::string floats(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return test::raw_bytes(values);
}

std::string archive(const std::string& value, const std::vector<std::string>& storages) {
  return test::make_zip(torch_members(pickle::whole(value), storages), {.zip64 = true});
}

std::string archive_of(const TorchTensor& tensor, const std::string& storage) {
  return archive(pickle::dict({{pickle::string("a"), pickled(tensor)}}), {storage});
}

std::string pth_refusal(const std::string& file) {
  return test::refusal_of(file, "x.pth");
}
std::string refusal_of(const TorchTensor& tensor) {
  return pth_refusal(archive_of(tensor, floats(24)));
}

/// [2, 3] of the 24 floats of storage 0.
TorchTensor two_by_three() {
  return {.storage_numel = 24, .shape = {2, 3}, .strides = {3, 1}};
}

class Opened {
 public:
  explicit Opened(const std::string& file) {
    test::write_bytes(folder_ / "x.pth", file);
    checkpoint_ = open_checkpoint(folder_ / "x.pth");
  }
  const Checkpoint* operator->() const { return checkpoint_.get(); }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const TensorView& tensor : checkpoint_->tensors()) all.push_back(tensor.name);
    return all;
  }

 private:
  test::TempFolder folder_;
  std::unique_ptr<Checkpoint> checkpoint_;
};

TEST(Pth, ReadsTensorsOfEverySizeStoredAndDeflated) {
  for (const std::size_t size : {1U, 15U, 16U, 17U, 4095U, 4096U, 4097U, 8191U, 8192U, 8193U}) {
    for (const bool deflated : {false, true}) {
      const TorchTensor tensor{.storage_numel = std::int64_t(size), .shape = {size}, .strides = {1}};
      auto members =
          torch_members(pickle::whole(pickle::dict({{pickle::string("a"), pickled(tensor)}})), {floats(size)});
      for (test::ZipEntry& member : members) member.deflated = deflated;
      const Opened opened(test::make_zip(members));
      EXPECT_EQ(opened->format(), "pth");
      EXPECT_EQ(test::raw_bytes(to_float(opened->tensors()[0])), floats(size));
    }
  }
}

TEST(Pth, FollowsOffsetsAndStridesAsTheNaiveTwinDoes) {
  const std::vector<TorchTensor> tensors = {
      {.storage_numel = 24, .offset = 0, .shape = {2, 3}, .strides = {3, 1}},
      {.storage_numel = 24, .offset = 5, .shape = {3, 2}, .strides = {1, 3}},
      {.storage_numel = 24, .offset = 23, .shape = {}, .strides = {}},
      {.storage_numel = 24, .offset = 24, .shape = {0, 4}, .strides = {4, 1}},
      {.storage_numel = 24, .offset = 1, .shape = {2, 2, 3}, .strides = {12, 6, 2}},
      {.storage_numel = 24, .offset = 2, .shape = {4, 1, 5}, .strides = {1, 99, 4}},
      {.storage_numel = 24, .offset = 0, .shape = {3, 3}, .strides = {1, 1}},
      {.storage_numel = 24, .offset = 20, .shape = {2, 4}, .strides = {0, 1}},
  };
  for (const TorchTensor& tensor : tensors) {
    for (const bool deflated : {false, true}) {
      auto members = torch_members(pickle::whole(pickle::dict({{pickle::string("a"), pickled(tensor)}})), {floats(24)});
      for (test::ZipEntry& member : members) member.deflated = deflated;
      const Opened opened(test::make_zip(members));
      const TensorView& a = opened->tensors()[0];
      EXPECT_EQ(a.shape, tensor.shape);
      EXPECT_EQ(test::visited_bytes(a),
                test::naive_bytes(floats(24), 4, std::size_t(tensor.offset), tensor.shape, tensor.strides))
          << shape_text(tensor.shape) << " " << deflated;
    }
  }
}

TEST(Pth, GathersStridedTensorsAcrossItsRuns) {
  // More elements than are gathered in one run.
  const TorchTensor tensor{.storage_numel = 30'000, .shape = {150, 200}, .strides = {1, 150}};
  const Opened opened(archive_of(tensor, floats(30'000)));
  EXPECT_EQ(test::visited_bytes(opened->tensors()[0]),
            test::naive_bytes(floats(30'000), 4, 0, tensor.shape, tensor.strides));
}

TEST(Pth, UnwrapsWhatTrainingScriptsWrapAround) {
  const std::string tensor = pickled(two_by_three());
  const auto named = [&](const std::vector<std::string>& names) {
    pickle::Items items;
    for (const std::string& name : names) items.emplace_back(pickle::string(name), tensor);
    return pickle::ordered_dict(items);
  };
  const auto names_in = [&](const pickle::Items& items) {
    return Opened(archive(pickle::dict(items), {floats(24)})).names();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_in({{pickle::string("b"), tensor}, {pickle::string("a"), tensor}, {pickle::string("epoch"), "K\1"}}),
            (Names{"a", "b"}));
  EXPECT_EQ(names_in({{pickle::string("epoch"), "K\1"}, {pickle::string("model"), named({"a"})}}), Names{"a"});
  EXPECT_EQ(names_in({{pickle::string("state_dict"), named({"module.a", "module.b"})}}), (Names{"a", "b"}));
  EXPECT_EQ(names_in({{pickle::string("state_dict"), named({"module.a", "b"})}}), (Names{"b", "module.a"}));
  EXPECT_EQ(names_in({{pickle::string("student"), named({"s"})},
                      {pickle::string("teacher"), named({"module.backbone.a", "module.head.mlp.0.weight"})}}),
            Names{"a"});
  EXPECT_EQ(names_in({{pickle::string("model"), named({"backbone.a", "head.weight"})}}), (Names{"a", "head.weight"}));
  EXPECT_EQ(names_in({{pickle::string("state_dict"), named({"s"})}, {pickle::string("model"), named({"m"})}}),
            Names{"s"});  // timm's order
  EXPECT_EQ(names_in({{pickle::string("model"), named({"m"})}, {pickle::string("state_dict_ema"), named({"e"})}}),
            Names{"e"});
  EXPECT_EQ(names_in({{pickle::string("model_ema"), "N"}, {pickle::string("model"), named({"m"})}}), Names{"m"});
  EXPECT_EQ(
      names_in({{pickle::string("checkpoint"), pickle::ordered_dict({{pickle::string("state_dict"), named({"s"})}})}}),
      Names{"s"});
  // A tensor that is called as a wrapper would be.
  EXPECT_EQ(names_in({{pickle::string("model"), tensor}}), Names{"model"});
}

TEST(Pth, ReadsPastWhatTrainingLoopsSaveBesideTheWeights) {
  const std::vector<std::string> beside{
      pickle::call(pickle::global("torch", "Size"), {pickle::tuple_of({2, 3})}),
      pickle::call(pickle::global("torch", "device"), {pickle::string("cpu")}),
      pickle::call(pickle::global("collections", "Counter"),
                   {pickle::dict({{pickle::integer(3), pickle::integer(1)}})}),
      pickle::call(pickle::global("__builtin__", "set"), {pickle::list({pickle::integer(3)})}),
      pickle::call(pickle::global("_codecs", "encode"), {pickle::string("x"), pickle::string("latin1")}),
      pickle::global("torch", "float32")};
  for (const std::string& value : beside) {
    const std::string tensors = pickle::dict({{pickle::string("a"), pickled(two_by_three())}});
    const std::string file =
        archive(pickle::dict({{pickle::string("args"), value}, {pickle::string("state_dict"), tensors}}), {floats(24)});
    EXPECT_EQ(Opened(file).names(), std::vector<std::string>{"a"}) << value;
  }
}

TEST(Pth, TakesParametersForTheirTensors) {
  const std::string parameter = pickle::call(pickle::global("torch._utils", "_rebuild_parameter"),
                                             {pickled(two_by_three()), "\x88", pickle::ordered_dict({})});
  const Opened opened(archive(pickle::dict({{pickle::string("a"), parameter}}), {floats(24)}));
  EXPECT_EQ(to_float(opened->tensors()[0]), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Pth, LeavesTheArgumentsOfATrainingAlone) {
  const std::string namespace_ =
      pickle::global("argparse", "Namespace") + ")\x81" + pickle::dict({{pickle::string("lr"), "K\1"}}) + "b";
  const Opened opened(
      archive(pickle::dict({{pickle::string("model"), pickle::dict({{pickle::string("a"), pickled(two_by_three())}})},
                            {pickle::string("args"), namespace_}}),
              {floats(24)}));
  EXPECT_EQ(opened.names(), std::vector<std::string>{"a"});
}

TEST(Pth, KnowsEachTypeOfStorage) {
  const std::pair<const char*, const char*> types[] = {
      {"DoubleStorage", "F64"}, {"FloatStorage", "F32"}, {"HalfStorage", "F16"},  {"BFloat16Storage", "BF16"},
      {"LongStorage", "I64"},   {"IntStorage", "I32"},   {"ShortStorage", "I16"}, {"CharStorage", "I8"},
      {"ByteStorage", "U8"},    {"BoolStorage", "BOOL"}};
  for (const auto& [type, expected] : types) {
    for (const std::size_t item : {1U, 2U, 4U, 8U}) {
      const TorchTensor tensor{.storage_type = type, .storage_numel = 2, .shape = {2}, .strides = {1}};
      const std::string file = archive_of(tensor, std::string(2 * item, '\0'));
      if (pth_refusal(file) != "accepted") continue;
      const Opened opened(file);
      EXPECT_EQ(name(opened->tensors()[0].dtype), expected);
      EXPECT_EQ(item_size(opened->tensors()[0].dtype), item);
    }
  }
  EXPECT_THAT(refusal_of({.storage_type = "ComplexFloatStorage", .storage_numel = 12, .shape = {1}, .strides = {1}}),
              HasSubstr("tensor 'a' is in a torch.ComplexFloatStorage, expected a storage of floats or integers"));
  EXPECT_THAT(refusal_of({.storage_type = "FloatStorage\n.", .storage_numel = 12}), HasSubstr("x.pth: "));
}

TEST(Pth, RefusesViewsThatReachOutOfTheirStorage) {
  auto changed = [](auto change) {
    TorchTensor tensor = two_by_three();
    change(tensor);
    return refusal_of(tensor);
  };
  const auto outside = HasSubstr("expected within the 24 of its storage");
  constexpr std::size_t kHuge = std::size_t{1} << 62U;
  EXPECT_THAT(changed([](auto& t) { t.offset = 19; }), outside);
  EXPECT_EQ(changed([](auto& t) { t.offset = 18; }), "accepted");
  EXPECT_THAT(changed([](auto& t) { t.offset = std::int64_t{1} << 62U; }), outside);
  EXPECT_THAT(changed([](auto& t) { t.strides = {22, 1}; }), outside);
  EXPECT_EQ(changed([](auto& t) { t.strides = {21, 1}; }), "accepted");
  EXPECT_THAT(changed([](auto& t) { t.shape = {kHuge, 8}; }), outside);
  EXPECT_THAT(changed([](auto& t) { t.strides = {kHuge, kHuge}; }), outside);
  EXPECT_THAT(changed([](auto& t) {
                t.shape = {5, 5}, t.strides = {0, 1};
              }),
              HasSubstr("expected no more elements than the 24"));
  const auto invalid = HasSubstr("has no valid offset, shape and strides");
  EXPECT_THAT(changed([](auto& t) { t.offset = -1; }), invalid);
  EXPECT_THAT(changed([](auto& t) { t.shape = {~std::size_t{0}, 3}; }), invalid) << "-1";
  EXPECT_THAT(changed([](auto& t) { t.strides = {~std::size_t{0}, 3}; }), invalid) << "-1";
  EXPECT_THAT(changed([](auto& t) { t.strides = {1}; }), invalid);
  EXPECT_THAT(changed([](auto& t) { t.shape = t.strides = std::vector<std::size_t>(9, 1); }), invalid);
}

TEST(Pth, RefusesStoragesThatAreNotThereOrOfAnotherSize) {
  TorchTensor tensor = two_by_three();
  tensor.storage_key = "1";
  EXPECT_THAT(refusal_of(tensor), HasSubstr("tensor 'a' is in member 'archive/data/1', which the file does not have"));
  tensor.storage_key = "../data.pkl";
  EXPECT_THAT(refusal_of(tensor), HasSubstr("which the file does not have"));
  for (const std::int64_t numel : {std::int64_t{23}, std::int64_t{25}, std::int64_t{-1}, std::int64_t{1} << 62U}) {
    tensor = two_by_three();
    tensor.storage_numel = numel;
    EXPECT_THAT(refusal_of(tensor), HasSubstr("of 96 bytes, expected")) << numel;
  }
  const std::string no_storage =
      pickle::call(pickle::global("torch._utils", "_rebuild_tensor_v2"), {"N", pickle::integer(0)});
  EXPECT_THAT(pth_refusal(archive(pickle::dict({{pickle::string("a"), no_storage}}), {})),
              HasSubstr("tensor 'a' has no storage"));
  for (const char* id : {"N", ")", "K\1"}) {
    const std::string odd =
        pickle::call(pickle::global("torch._utils", "_rebuild_tensor_v2"), {std::string(id) + "Q", "K\1"});
    EXPECT_THAT(pth_refusal(archive(pickle::dict({{pickle::string("a"), odd}}), {})),
                HasSubstr("tensor 'a' has no storage"));
  }
}

TEST(Pth, RefusesCheckpointsWithoutTensors) {
  EXPECT_THAT(pth_refusal(archive("]", {})), HasSubstr("the checkpoint is a list, expected a dict of tensors"));
  EXPECT_THAT(pth_refusal(archive("}", {})), HasSubstr("the checkpoint's dict holds nothing, expected tensors"));
  EXPECT_THAT(pth_refusal(archive(
                  pickle::dict({{pickle::string("epoch"), "K\1"}, {pickle::string("args"), "N"}, {"K\1", "N"}}), {})),
              HasSubstr("holds epoch, args, integer, expected tensors, or a dict of tensors under one of "
                        "state_dict_ema, model_ema, state_dict, model, teacher, "));
  const std::string tensor = pickled(two_by_three());
  EXPECT_THAT(
      pth_refusal(archive(pickle::dict({{pickle::string("a"), tensor}, {pickle::string("a"), tensor}}), {floats(24)})),
      HasSubstr("tensor 'a' is in the checkpoint twice"));
  EXPECT_THAT(pth_refusal(archive(pickle::dict({{pickle::string("a"), tensor}, {pickle::string("backbone.a"), tensor}}),
                                  {floats(24)})),
              HasSubstr("tensor 'a' is in the checkpoint twice"));
}

TEST(Pth, SaysWhatToDoWithOtherKindsOfFiles) {
  EXPECT_THAT(pth_refusal(pickle::whole("}")), HasSubstr("a bare pickle, expected one that torch.save wrote"));
  const std::string whole = pickle::whole(pickle::dict({{pickle::string("a"), pickled(two_by_three())}}));
  auto members = torch_members(whole, {floats(24)});
  members[1].content = "big";
  EXPECT_THAT(pth_refusal(test::make_zip(members)), HasSubstr("the byte order is 'big', expected 'little'"));
  EXPECT_THAT(pth_refusal(test::make_zip({{.name = "readme.txt", .content = "hello"}})),
              HasSubstr("has no <folder>/data.pkl"));
  EXPECT_THAT(pth_refusal(test::make_zip({})), HasSubstr("has no <folder>/data.pkl"));
  members = torch_members(whole, {floats(24)});
  members.push_back({.name = "other/data.pkl", .content = whole});
  EXPECT_THAT(pth_refusal(test::make_zip(members)), HasSubstr("two folders with a data.pkl"));
}

/// An instance of a module's class, as TorchScript writes it.
std::string module_of(const pickle::Items& attributes) {
  return pickle::global("__torch__.clip", "Net") + ")\x81" + pickle::dict(attributes) + "b";
}

TEST(Pth, FindsTheTensorsOfTorchScriptsModulesUnderTheNamesOfTheirStateDict) {
  const std::string tensor = pickled(two_by_three());
  const std::string inner = module_of({{pickle::string("weight"), tensor}, {pickle::string("training"), "\x89"}});
  const std::string list = pickle::call(pickle::global("torch.jit._pickle", "build_intlist"), {pickle::list({"K\1"})});
  const std::string outer = module_of({{pickle::string("model"), module_of({{pickle::string("0"), inner}})},
                                       {pickle::string("bias"), tensor},
                                       {pickle::string("sizes"), list}});
  EXPECT_EQ(Opened(archive(outer, {floats(24)})).names(), (std::vector<std::string>{"bias", "model.0.weight"}));
  // self.self = self
  const std::string circle = pickle::global("__torch__", "Net") + ")\x81q" + std::string(1, '\0') +
                             pickle::dict({{pickle::string("self"), "h" + std::string(1, '\0')}}) + "b";
  EXPECT_THAT(pth_refusal(archive(circle, {})), HasSubstr("expected tensors"));
}

TEST(Pth, SeesThroughParametersAndTensorsWithAttributes) {
  const std::string tensor = pickled(two_by_three());
  const std::string parameter = pickle::call(pickle::global("torch._utils", "_rebuild_parameter_with_state"),
                                             {tensor, "\x88", pickle::ordered_dict({}), pickle::dict({})});
  EXPECT_EQ(Opened(archive(pickle::dict({{pickle::string("a"), parameter}}), {floats(24)})).names(),
            std::vector<std::string>{"a"});
  const std::string made = pickle::call(pickle::global("torch._utils", "_rebuild_sparse_tensor"), {"N", "N"});
  EXPECT_THAT(pth_refusal(archive(pickle::dict({{pickle::string("a"), made}}), {})),
              HasSubstr("tensor 'a' is made by torch._utils._rebuild_sparse_tensor, expected a dense tensor"));
}

/// A file of torch before 1.6 with one storage of 24 floats.
std::string legacy(const std::string& content, const std::string& storages, const std::string& keys = "0") {
  return pickle::whole("\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19") + pickle::whole("M\xe9\x03") +
         pickle::whole(pickle::dict({{pickle::string("little_endian"), "\x88"}})) + pickle::whole(content) +
         pickle::whole(pickle::list({pickle::string(keys)})) + storages;
}

TEST(LegacyPth, ReadsWhatTorchWroteBeforeItWroteArchives) {
  const std::string content = pickle::dict({{pickle::string("a"), pickled(two_by_three())}});
  const std::string storage = test::little_endian(24, 8) + floats(24);
  const Opened opened(legacy(content, storage));
  EXPECT_EQ(opened->format(), "legacy pth");
  EXPECT_EQ(to_float(opened->tensors()[0]), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(pth_refusal(legacy(content, test::little_endian(25, 8) + floats(24))), HasSubstr("has 25 elements"));
  EXPECT_THAT(pth_refusal(legacy(content, test::little_endian(23, 8) + floats(23))), HasSubstr("expected 24 elements"));
  EXPECT_THAT(pth_refusal(legacy(content, storage, "1")), HasSubstr("a storage belongs to no tensor"));
  const std::string file = legacy(content, storage);
  for (std::size_t cut = 2; cut < file.size(); ++cut) EXPECT_NE(pth_refusal(file.substr(0, cut)), "accepted") << cut;
}

TEST(Pth, RefusesEveryTruncationOfTheFileAndOfThePickle) {
  const std::string value = pickle::dict({{pickle::string("a"), pickled(two_by_three())}});
  const std::string file = archive(value, {floats(24)});
  ASSERT_EQ(pth_refusal(file), "accepted");
  for (std::size_t cut = 0; cut < file.size(); ++cut) EXPECT_NE(pth_refusal(file.substr(0, cut)), "accepted") << cut;
  const std::string whole = pickle::whole(value);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    EXPECT_NE(pth_refusal(test::make_zip(torch_members(whole.substr(0, cut), {floats(24)}))), "accepted") << cut;
  }
}

}  // namespace
}  // namespace fovea
