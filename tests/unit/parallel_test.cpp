#include "base/parallel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "fovea/machine.hpp"

namespace fovea {
namespace {

TEST(ForEachPiece, CallsEachOnceForAnyThreads) {
  for (const int threads : {1, 2, 3}) {
    set_compute_threads(threads);
    for (const std::size_t count : {0U, 1U, 2U, 15U, 16U, 31U}) {
      std::vector<std::atomic<int>> calls(count);
      for_each_piece(count, [&](std::size_t i) { ++calls[i]; });
      for (const std::atomic<int>& of_one : calls) EXPECT_EQ(of_one.load(), 1) << count << " on " << threads;
    }
  }
  set_compute_threads(available_cores());
}

TEST(ForEachParallel, CallsEachOnceForAnyThreads) {
  for (const int threads : {1, 2, 3}) {
    set_compute_threads(threads);
    for (const std::size_t count : {0U, 1U, 2U, 15U, 16U, 31U}) {
      std::vector<std::atomic<int>> calls(count);
      for_each_parallel(count, [&](std::size_t i) { ++calls[i]; });
      for (const std::atomic<int>& of_one : calls) EXPECT_EQ(of_one.load(), 1) << count << " on " << threads;
    }
  }
  set_compute_threads(available_cores());
}

TEST(ForEachParallel, PassesAnExceptionOnWhenAllHaveEnded) {
  for (const int threads : {1, 2}) {
    set_compute_threads(threads);
    std::atomic<int> calls = 0;
    const auto failing = [&](std::size_t i) {
      ++calls;
      if (i == 3) throw std::runtime_error("the fourth");
    };
    try {
      for_each_parallel(8, failing);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "the fourth");
    }
    EXPECT_EQ(calls.load(), 8);
  }
  set_compute_threads(available_cores());
}

}  // namespace
}  // namespace fovea
