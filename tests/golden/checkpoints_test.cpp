// Tiny files as numpy, torch and safetensors write them (tools/make_golden_checkpoints.py), against what is in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "support/checkpoint_files.hpp"
#include "support/shared.hpp"

namespace fovea {
namespace {

namespace fs = std::filesystem;

fs::path golden_checkpoints() {
  return test::source_dir() / "tests/golden/checkpoints";
}

/// Each file with the one that says what is in it.
std::map<fs::path, fs::path> cases() {
  constexpr std::string_view kSuffix = ".expected.safetensors";
  std::map<fs::path, fs::path> found;
  for (const auto& entry : fs::directory_iterator(golden_checkpoints())) {
    const std::string file = entry.path().string();
    if (!file.ends_with(kSuffix)) continue;
    const std::string stem = file.substr(0, file.size() - kSuffix.size());
    for (const char* extension : {"", ".npz", ".pth"}) {
      if (fs::exists(stem + extension)) found[stem + extension] = entry.path();
    }
  }
  return found;
}

TEST(GoldenCheckpoints, HaveTheNamesTypesShapesAndBytesThatTheirLibrariesGave) {
  ASSERT_GE(cases().size(), 19U);
  for (const auto& [file, expected_file] : cases()) {
    SCOPED_TRACE(file.filename());
    const auto actual = open_checkpoint(file);
    const auto expected = open_checkpoint(expected_file);
    ASSERT_EQ(actual->tensors().size(), expected->tensors().size());
    for (std::size_t i = 0; i < actual->tensors().size(); ++i) {
      const TensorView& ours = actual->tensors()[i];
      const TensorView& theirs = expected->tensors()[i];
      EXPECT_EQ(ours.name, theirs.name);
      EXPECT_EQ(ours.dtype, theirs.dtype) << ours.name;
      EXPECT_EQ(ours.shape, theirs.shape) << ours.name;
      EXPECT_EQ(test::visited_bytes(ours), test::visited_bytes(theirs)) << ours.name;
    }
  }
}

TEST(GoldenCheckpoints, ThatAreNoWeightsAreRefusedByTheNameOfWhatIsWrong) {
  const std::map<std::string, std::string> reasons = {
      {"big_endian.npz", "numpy's type '>f4'"},
      {"complex.npz", "numpy's type '<c8'"},
      {"objects.npz", "numpy's type '|O'"},
      {"structured.npz", "arrays of structures"},
      {"complex.pth", "tensor 'a' is in a torch.ComplexFloatStorage"},
      {"expanded.pth", "expected no more elements than the 1 of its storage"},
      {"float8.pth", "tensor 'a' is made by torch._utils._rebuild_tensor_v3"},
      {"numpy_scalar.pth", "names numpy._core.multiarray.scalar"},
      {"plain_pickle.pth", "the file is a bare pickle, expected one that torch.save wrote"},
      {"sparse.pth", "tensor 'a' is made by torch._utils._rebuild_sparse_tensor"},
      {"whole_module.pth", "names torch.nn.modules.container.Sequential"},
  };
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(golden_checkpoints() / "refused")) {
    const std::string file = entry.path().filename();
    ASSERT_TRUE(reasons.contains(file)) << file;
    EXPECT_THAT(test::refusal(entry.path()), testing::HasSubstr(reasons.at(file)));
    ++files;
  }
  EXPECT_EQ(files, reasons.size());
}

}  // namespace
}  // namespace fovea
