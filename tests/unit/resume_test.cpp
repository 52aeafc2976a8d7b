#include "pipeline/folder/resume.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "base/files.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/earlier_rows.hpp"
#include "pipeline/folder/row_log.hpp"
#include "pipeline/pictures.hpp"
#include "report/files/documents.hpp"
#include "report/record.hpp"
#include "support/pictures.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

class Resume : public ::testing::Test {
 protected:
  Resume() {
    write_text(folder_ / "cat.jpg", "pixels");
    write_text(folder_ / "overlays/cat.jpg.rollout.png", "overlay");
    input_ = {(folder_ / "cat.jpg").string(), "cat.jpg", std::nullopt};
    layout_.folder = folder_.path();
    layout_.maps = "overlays/";
    layout_.methods = {"rollout"};
    row_.path = input_.path;
    row_.size = {3, 4};
    row_.predictions = {{1, "tabby", std::nullopt, 0.75F}};
    row_.maps = {{.method = "rollout", .variant = "mean heads", .overlay = "overlays/cat.jpg.rollout.png"}};
    row_.source = stamp_of(input_);
    row_.source->run = "abc";
    row_.source->files["overlays/cat.jpg.rollout.png"] = 7;
  }
  [[nodiscard]] bool holds() const { return still_valid(row_, input_, 7, layout_, "abc").has_value(); }

  TempFolder folder_;
  Input input_;
  OutputLayout layout_;
  Record row_;
};

TEST_F(Resume, AnUnchangedRowStaysUnderItsNewIndex) {
  const auto kept = still_valid(row_, input_, 7, layout_, "abc");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->index, 7U);
  EXPECT_EQ(kept->predictions.size(), 1U);
}

TEST_F(Resume, AnotherRunOfOptionsOrModelDropsIt) {
  EXPECT_FALSE(still_valid(row_, input_, 7, layout_, "abd"));
}

TEST_F(Resume, AnotherSizeOrTimeOfTheFileDropsIt) {
  ++row_.source->mtime_ns;
  EXPECT_FALSE(holds());
  --row_.source->mtime_ns;
  ++row_.source->bytes;
  EXPECT_FALSE(holds());
}

TEST_F(Resume, AMissingOverlayOrMapDropsIt) {
  layout_.save_maps = true;
  EXPECT_FALSE(holds());
  layout_.save_maps = false;
  std::filesystem::remove(folder_ / "overlays/cat.jpg.rollout.png");
  EXPECT_FALSE(holds());
}

TEST_F(Resume, AnOverlayThatWasCutGrewOrIsNotClaimedDropsIt) {
  for (const char* content : {"", "overla", "overlay!"}) {
    write_text(folder_ / "overlays/cat.jpg.rollout.png", content);
    EXPECT_FALSE(holds()) << content;
  }
  write_text(folder_ / "overlays/cat.jpg.rollout.png", "overlay");
  EXPECT_TRUE(holds());
  row_.source->files.clear();
  EXPECT_FALSE(holds());
}

TEST_F(Resume, MapsOfClassesAreFoundByTheClassesOfTheRow) {
  layout_.class_methods = {"generic"};
  EXPECT_FALSE(holds()) << "the method was not run";
  row_.maps.push_back({.method = "generic", .variant = "v", .target = MapTarget{3, "tabby", MapContrast{5, {}}}});
  EXPECT_FALSE(holds()) << "its picture is not there";
  write_text(folder_ / "overlays/cat.jpg.generic.3-5.png", "overlay");
  row_.source->files["overlays/cat.jpg.generic.3-5.png"] = 7;
  const auto kept = still_valid(row_, input_, 7, layout_, "abc");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->maps.at(1).overlay, "overlays/cat.jpg.generic.3-5.png");
}

TEST_F(Resume, FailuresAndInputsThatAreGoneAreTriedAgain) {
  Record failed = row_;
  failed.failure = Failure{};
  EXPECT_FALSE(still_valid(failed, input_, 7, layout_, "abc"));
  std::filesystem::remove(folder_ / "cat.jpg");
  EXPECT_FALSE(holds());
}

TEST_F(Resume, TheLogReadsBackWithoutTheSummaryAndATornLine) {
  const auto path = folder_ / "results.jsonl";
  Record second = row_;
  second.path = "other\n\xff.jpg";
  for (const Sync sync : {Sync::kNo, Sync::kYes}) {
    RowLog log(path.parent_path(), path, {row_}, sync);
    EXPECT_EQ(read_rows(path).size(), 1U);
    log.append(second);
    if (sync == Sync::kYes) log.finish();
    EXPECT_EQ(read_rows(path).size(), 2U);
  }
  const std::string whole = read_text(path);
  const std::string torn = record_to_json(row_);
  write_text(path, whole + "{\"schema\":1,\"type\":\"summary\",\"succeeded\":2,\"failed\":0}\n" +
                       torn.substr(0, torn.size() / 2));
  const auto rows = read_rows(path);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].source, row_.source);
  EXPECT_EQ(rows[1].path, second.path);
}

TEST_F(Resume, AGroupIsInTheLogAfterItsTimeAndLongBeforeTheEnd) {
  const auto path = folder_ / "results.jsonl";
  RowLog log(path.parent_path(), path, {}, Sync::kYes);
  log.append(row_);
  const auto begin = std::chrono::steady_clock::now();
  while (read_rows(path).empty() && std::chrono::steady_clock::now() - begin < std::chrono::minutes(1)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(read_rows(path).size(), 1U);
}

TEST_F(Resume, NoMoreThan256RowsWaitForTheDisk) {
  const auto path = folder_ / "results.jsonl";
  RowLog log(path.parent_path(), path, {}, Sync::kYes);
  for (std::size_t i = 1; i <= 1000; ++i) {
    log.append(row_);
    if (i % 100 == 0) {
      EXPECT_LE(i - read_rows(path).size(), 256U);
    }
  }
  log.finish();
  EXPECT_EQ(read_rows(path).size(), 1000U);
}

TEST_F(Resume, AFileThatIsNoLogHoldsNoRows) {
  write_text(folder_ / "results.jsonl", "hello\n{}\n[1]\n{\"schema\":1}\n");
  EXPECT_TRUE(read_rows(folder_ / "results.jsonl").empty());
  EXPECT_TRUE(read_rows(folder_ / "nothing").empty());
}

TEST(RunFingerprint, DependsOnModelAndEveryOption) {
  const std::string run = run_fingerprint("m", {{"top-k", "5"}});
  EXPECT_EQ(run.size(), 16U);
  EXPECT_EQ(run, run_fingerprint("m", {{"top-k", "5"}}));
  EXPECT_NE(run, run_fingerprint("n", {{"top-k", "5"}}));
  EXPECT_NE(run, run_fingerprint("m", {{"top-k", "4"}}));
}

TEST_F(Resume, SavedLogitsAreKeptOnlyWhereTheyMakeTheRowsPredictions) {
  const auto path = folder_ / "logits.npy";
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{0.0F, std::log(3.0F), nan, nan, 2.0F, 0.0F};
  const std::size_t shape[] = {3, 2};
  replace_file(path, npy_f32(values, shape));
  const std::vector<ClassLabel> two(2);
  const std::vector<ClassLabel> three(3);
  const SavedLogits saved(path, {two}, {1});
  row_.index = 0;  // softmax of its row is 0.25, 0.75
  ASSERT_TRUE(saved.row_of(row_));
  EXPECT_FLOAT_EQ(saved.row_of(row_)->at(1), std::log(3.0F));
  row_.index = 1;
  EXPECT_FALSE(saved.row_of(row_)) << "NaN";
  row_.index = 2;
  EXPECT_FALSE(saved.row_of(row_)) << "another picture's";
  row_.index = 3;
  EXPECT_FALSE(saved.row_of(row_)) << "beyond the end";
  row_.index = 0;
  EXPECT_FALSE(SavedLogits(path, {three}, {1}).row_of(row_)) << "another number of classes";
  EXPECT_FALSE(SavedLogits(folder_ / "none.npy", {two}, {1}).row_of(row_));
}

}  // namespace
}  // namespace fovea::test
