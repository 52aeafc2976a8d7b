// bin/fovea becomes libexec/fovea, with what its libraries read from the environment when they are loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Launcher : public testing::Test {
 protected:
  Launcher() {
    fs::create_directories(folder_ / "bin");
    fs::create_directories(folder_ / "libexec");
    fs::copy_file(program_path(), folder_ / "bin/fovea");
  }
  [[nodiscard]] ProcessResult run(const std::vector<std::string>& environment = {}) const {
    ProcessOptions options;
    options.environment = environment;
    return Process({}, options, folder_ / "bin/fovea").wait();
  }
  TempFolder folder_;
};

TEST_F(Launcher, BoundsTheSpinningUnlessSomebodyHasChosen) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) {
    GTEST_SKIP() << "somebody has chosen for the tests";
  }
  fs::create_symlink("/usr/bin/env", folder_ / "libexec/fovea");  // prints what it is given
  EXPECT_THAT(run().out, HasSubstr("GOMP_SPINCOUNT=3000\n"));
  EXPECT_THAT(run({"GOMP_SPINCOUNT=5"}).out, HasSubstr("GOMP_SPINCOUNT=5\n"));
  EXPECT_THAT(run({"OMP_WAIT_POLICY=passive"}).out, Not(HasSubstr("GOMP_SPINCOUNT")));
}

TEST_F(Launcher, SaysWhereTheProgramIsMissing) {
  const ProcessResult result = run();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("libexec/fovea: No such file or directory\n  hint: "));
}

}  // namespace
}  // namespace fovea::test
