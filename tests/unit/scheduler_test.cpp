// The schedule without any model: jobs are numbers.
#include "pipeline/folder/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <string>
#include <thread>

#include "report/record.hpp"

namespace fovea::test {
namespace {

using ::testing::HasSubstr;

struct Job {
  std::size_t item = 0;
  std::size_t inferred = 0;  // times
};
using Steps = WorkerSteps<Job, std::string>;

/// Steps that turn item i into "i"; a test replaces the one it is about.
Steps plain_steps() {
  return {[](std::size_t item) { return Job{item}; },
          [](std::span<Job> jobs) {
            for (Job& job : jobs) ++job.inferred;
          },
          [](Job& job) { return std::to_string(job.item); },
          [](std::size_t item, const Failure& failure) { return std::to_string(item) + "!" + failure.message; }};
}

struct Ran {
  std::vector<std::string> written;
  std::string fatal;
};

Ran run(std::size_t items, const Schedule& schedule, const std::function<Steps(std::size_t)>& make,
        const std::atomic<bool>* stop = nullptr, const std::function<void()>& after_write = {}) {
  Ran result;
  try {
    const std::size_t written = run_batch<Job, std::string>(
        items, schedule, make,
        [&](std::size_t item, std::string outcome) {
          EXPECT_EQ(item, result.written.size());
          result.written.push_back(std::move(outcome));
          if (after_write) after_write();
        },
        stop);
    EXPECT_EQ(written, result.written.size());
  } catch (const std::exception& error) {
    result.fatal = error.what();
  }
  return result;
}

TEST(Schedule, WorkersAreAsManyAsThreadsAndPiecesAndShareTheThreads) {
  EXPECT_EQ(plan_schedule(100, 4, 1).workers, 4U);
  EXPECT_EQ(plan_schedule(3, 8, 1).workers, 3U);
  EXPECT_EQ(plan_schedule(10, 4, 8).workers, 2U);
  EXPECT_EQ(plan_schedule(0, 4, 1).workers, 1U);
  EXPECT_EQ(plan_schedule(3, 1, 1'000'000).batch, 3U);
  const Schedule uneven = plan_schedule(3, 8, 1);
  EXPECT_EQ(uneven.threads_of(0) + uneven.threads_of(1) + uneven.threads_of(2), 8U);
  EXPECT_EQ(uneven.threads_of(2), 2U);
}

TEST(RunBatch, OutcomesLeaveInInputOrderForEveryNumberOfWorkersAndEveryBatch) {
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 200; ++i) expected.push_back(std::to_string(i));
  for (const std::size_t workers : {1U, 2U, 7U}) {
    for (const std::size_t batch : {1U, 3U, 64U, 500U}) {
      const auto make = [](std::size_t) {
        Steps steps = plain_steps();
        steps.prepare = [](std::size_t item) {
          if (item % 5 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
          return Job{item};
        };
        return steps;
      };
      EXPECT_EQ(run(200, {workers, batch, workers}, make).written, expected) << workers << " " << batch;
    }
  }
}

TEST(RunBatch, NoItemsAreNoOutcomes) {
  EXPECT_TRUE(run(0, {2, 1, 2}, [](std::size_t) { return plain_steps(); }).written.empty());
}

TEST(RunBatch, AnItemThatThrowsFailsAloneWhateverItThrows) {
  const auto make = [](std::size_t) {
    Steps steps = plain_steps();
    steps.prepare = [](std::size_t item) {
      if (item == 1) throw Error(ErrorCode::kDecode, "torn");
      if (item == 2) throw std::bad_alloc();
      if (item == 3) throw std::logic_error("odd");
      if (item == 4) throw 7;
      return Job{item};
    };
    return steps;
  };
  const auto written = run(6, {2, 3, 2}, make).written;
  ASSERT_EQ(written.size(), 6U);
  EXPECT_EQ(written[0], "0");
  EXPECT_EQ(written[1], "1!torn");
  EXPECT_THAT(written[2], HasSubstr("memory"));
  EXPECT_EQ(written[3], "3!odd");
  EXPECT_EQ(written[4], "4!unknown failure");
  EXPECT_EQ(written[5], "5");
}

TEST(RunBatch, ForeignExceptionsAreReportedAsBackendAndErrorsKeepTheirCode) {
  EXPECT_EQ(failure_of(std::make_exception_ptr(std::runtime_error("x"))).code, ErrorCode::kBackend);
  const Failure failure = failure_of(std::make_exception_ptr(Error(ErrorCode::kTooLarge, "big", "smaller")));
  EXPECT_EQ(failure.code, ErrorCode::kTooLarge);
  EXPECT_EQ(failure.hint, "smaller");
}

TEST(RunBatch, ABatchThatCannotBeInferredIsTriedOneByOne) {
  const auto make = [](std::size_t) {
    Steps steps = plain_steps();
    steps.infer = [](std::span<Job> jobs) {
      for (const Job& job : jobs) {
        if (job.item == 2) throw Error(ErrorCode::kBackend, "no");
      }
    };
    return steps;
  };
  EXPECT_EQ(run(4, {1, 4, 1}, make).written, (std::vector<std::string>{"0", "1", "2!no", "3"}));
}

TEST(RunBatch, AnErrorOfTheOutputEndsTheRunAfterWhatCameBeforeIsWritten) {
  const auto make = [](std::size_t) {
    Steps steps = plain_steps();
    steps.render = [](Job& job) -> std::string {
      if (job.item == 5) throw Error(ErrorCode::kOutput, "disk full");
      return std::to_string(job.item);
    };
    return steps;
  };
  const Ran result = run(1000, {1, 1, 1}, make);
  EXPECT_EQ(result.fatal, "disk full");
  EXPECT_EQ(result.written, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST(RunBatch, AWriterThatThrowsAndAWorkerThatCannotStartEndTheRun) {
  std::size_t count = 0;
  const auto fail_third = [&] {
    if (++count == 3) throw Error(ErrorCode::kOutput, "writer");
  };
  const Ran result = run(
      1000, {3, 2, 3}, [](std::size_t) { return plain_steps(); }, nullptr, fail_third);
  EXPECT_EQ(result.fatal, "writer");
  EXPECT_EQ(result.written.size(), 3U);
  const auto cannot_start = [](std::size_t) -> Steps { throw Error(ErrorCode::kBackend, "no session"); };
  EXPECT_EQ(run(10, {2, 1, 2}, cannot_start).fatal, "no session");
}

TEST(RunBatch, StopFinishesAndWritesWhatWasBegunAndBeginsNothingNew) {
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> begun{0};
  const auto make = [&](std::size_t) {
    Steps steps = plain_steps();
    steps.prepare = [&](std::size_t item) {
      ++begun;
      return Job{item};
    };
    return steps;
  };
  std::size_t count = 0;
  const Ran result = run(100'000, {2, 2, 2}, make, &stop, [&] { stop = ++count >= 10; });
  EXPECT_GE(result.written.size(), 10U);
  EXPECT_LT(result.written.size(), 100U);
  EXPECT_EQ(result.written.size(), begun.load());
}

TEST(RunBatch, WorkersDoNotRunAheadOfTheWriterWithoutBound) {
  std::atomic<std::size_t> begun{0};
  std::size_t written = 0;
  std::size_t furthest = 0;
  const auto make = [&](std::size_t) {
    Steps steps = plain_steps();
    steps.prepare = [&](std::size_t item) {
      ++begun;
      return Job{item};
    };
    return steps;
  };
  run(60, {2, 1, 2}, make, nullptr, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    furthest = std::max(furthest, begun.load() - written);
    ++written;
  });
  EXPECT_LE(furthest, 4U * 2U + 2U);  // the window, and what each worker holds
}

TEST(RunBatch, EachWorkerGetsItsOwnStepsInItsOwnThread) {
  std::mutex mutex;
  std::vector<std::thread::id> makers;
  run(50, {3, 1, 3}, [&](std::size_t) {
    const std::lock_guard lock(mutex);
    makers.push_back(std::this_thread::get_id());
    Steps steps = plain_steps();
    steps.prepare = [maker = std::this_thread::get_id()](std::size_t item) {
      EXPECT_EQ(std::this_thread::get_id(), maker);
      return Job{item};
    };
    return steps;
  });
  std::sort(makers.begin(), makers.end());
  EXPECT_EQ(std::unique(makers.begin(), makers.end()) - makers.begin(), 3);
}

}  // namespace
}  // namespace fovea::test
