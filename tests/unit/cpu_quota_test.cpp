#include "nn/machine/cpu_quota.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

class CpuQuota : public testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((folder_ / file).parent_path());
    test::write_text(folder_ / file, text);
  }
  [[nodiscard]] std::optional<double> quota() const { return cpu_quota(folder_ / "membership", folder_ / "root"); }
  test::TempFolder folder_;
};

TEST_F(CpuQuota, IsNoneWhereNothingLimitsOrNothingIsThere) {
  EXPECT_EQ(quota(), std::nullopt);
  write("membership", "0::/a/b\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("root/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  for (const char* text : {"", "0 100000", "-1 100000", "50000 0", "50000", "garbage"}) {
    write("root/a/b/cpu.max", text);
    EXPECT_EQ(quota(), std::nullopt) << text;
  }
  write("membership", "no colons\n:\n0:\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuota, OfVersionTwoIsTheLeastOfTheGroupAndThoseAboveIt) {
  write("membership", "0::/a/b\n");
  write("root/a/b/cpu.max", "300000 100000\n");
  EXPECT_EQ(quota(), 3.0);
  write("root/a/cpu.max", "75000 50000\n");
  EXPECT_EQ(quota(), 1.5);
  write("root/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 1.5);
  write("root/cpu.max", "50000 100000\n");
  EXPECT_EQ(quota(), 0.5) << "what a container sees of itself";
}

TEST_F(CpuQuota, OfVersionOneIsReadWhereTheCpuControllerIsMounted) {
  write("membership", "5:cpuacct:/other\n4:cpu,cpuacct:/docker/x\n0::/\n");
  write("root/cpuacct/other/cpu.cfs_quota_us", "1");
  write("root/cpuacct/other/cpu.cfs_period_us", "1000");
  write("root/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
  write("root/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  write("root/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(quota(), 2.5);
  write("root/cpu/cpu.cfs_quota_us", "200000\n");
  write("root/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.0) << "at the root of the mount, under its other name";
}

}  // namespace
}  // namespace fovea
