// Many inputs, several workers, one writer that sees the outcomes in order. It knows functions, not models.
//
//   claim ─► prepare (decode, preprocess) ─► infer ─► render (draw, encode) ─┐   W workers, T compute threads each
//                                                                            └─► write, in input order, one thread
//
// Every worker does all steps of its own inputs. The other plan was a few decode threads before one inference thread
// that uses all cores. It was dropped: OpenMP threads wait for each other at the end of every layer, and where decoders
// share the cores, they wait for the thread that was descheduled. Here no worker waits for another, so the throughput
// is cores ÷ core-seconds an image. A worker costs one set of activations; the weights are shared.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/process/interrupt.hpp"
#include "report/record.hpp"

namespace fovea {

struct Schedule {
  std::size_t workers = 1;
  std::size_t batch = 1;    // inputs that a worker claims, and infers, at a time
  std::size_t threads = 1;  // compute threads of all workers together, at least one each
  [[nodiscard]] std::size_t threads_of(std::size_t worker) const noexcept {
    return threads / workers + (worker < threads % workers ? 1 : 0);
  }
};

/// As many workers as there are threads and pieces of work, each with its share of the threads; no batch is larger than
/// the number of inputs.
[[nodiscard]] Schedule plan_schedule(std::size_t inputs, std::size_t threads, std::size_t batch);

/// What an exception means for the row of its input.
[[nodiscard]] Failure failure_of(const std::exception_ptr& thrown);
/// In a handler: the failure of the exception that is handled. An Error kOutput is thrown on, unless it is a
/// RefusedFile: results cannot be written, so the next item would fare no better. Interrupted is thrown on: the item
/// has not failed.
[[nodiscard]] Failure failure_unless_fatal();

/// The steps of one worker, called in its thread only. A step that throws fails its item alone; an Error kOutput
/// that is no RefusedFile ends the whole run.
template <typename Job, typename Outcome>
struct WorkerSteps {
  std::function<Job(std::size_t item)> prepare;
  std::function<void(std::span<Job>)> infer;  // 1 to `batch` jobs
  std::function<Outcome(Job&)> render;
  std::function<Outcome(std::size_t item, const Failure&)> fail;
};

/// Ends the program while workers are still inside a foreign library, which cannot be told to stop: writes what there
/// is of the run, of which so many items are written, and does not return.
using GiveUp = std::function<void(std::size_t written)>;

/// How long a run waits for its workers after the program was interrupted.
class Patience {
 public:
  static constexpr std::chrono::milliseconds kLookUp{20};
  static constexpr std::chrono::milliseconds kMost{400};

  [[nodiscard]] bool is_over() {
    if (!interrupt_requested()) return false;
    const auto now = std::chrono::steady_clock::now();
    if (!since_) since_ = now;
    return now - *since_ > kMost;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> since_;
};

/// Hands out items in order, and bounds how far the fastest worker is ahead of the slowest.
class Turnstile {
 public:
  Turnstile(std::size_t items, std::size_t window, const std::atomic<bool>* stop)
      : items_(items), window_(window), stop_(stop) {}

  /// The next items, at most `batch`, as [first, last); empty when none is left or the run ends. Waits while more than
  /// the window is claimed, but not written.
  [[nodiscard]] std::pair<std::size_t, std::size_t> claim(std::size_t batch);
  /// So many are written.
  void advance(std::size_t written);
  /// No more claims.
  void close();

 private:
  std::size_t items_;
  std::size_t window_;
  const std::atomic<bool>* stop_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::size_t claimed_ = 0;
  std::size_t written_ = 0;
  bool closed_ = false;
};

/// Outcomes are put in in any order and taken in item order.
template <typename Outcome>
class OrderedQueue {
 public:
  explicit OrderedQueue(std::size_t workers) : workers_(workers) {}

  void put(std::size_t item, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    if (awaited_ == item) {
      awaited_.reset();
      promise_.set_value(std::move(outcome));
    } else {
      ready_.emplace(item, std::move(outcome));
    }
  }
  /// A worker has left; `fatal` is the reason, unless it ran out of work.
  void leave(std::exception_ptr fatal) {
    const std::lock_guard lock(mutex_);
    if (fatal && !fatal_) fatal_ = std::move(fatal);
    if (--workers_ == 0 && awaited_) promise_.set_value(std::nullopt);
  }
  /// The outcome of `item`, to be waited for before the next one is asked for; none if all workers leave without it.
  [[nodiscard]] std::future<std::optional<Outcome>> take(std::size_t item) {
    const std::lock_guard lock(mutex_);
    promise_ = {};
    if (const auto found = ready_.find(item); found != ready_.end()) {
      promise_.set_value(std::move(found->second));
      ready_.erase(found);
    } else if (workers_ == 0) {
      promise_.set_value(std::nullopt);
    } else {
      awaited_ = item;
    }
    return promise_.get_future();
  }
  [[nodiscard]] std::exception_ptr fatal() const { return fatal_; }

 private:
  std::mutex mutex_;
  std::map<std::size_t, Outcome> ready_;
  std::optional<std::size_t> awaited_;  // the item that `promise_` is for
  std::promise<std::optional<Outcome>> promise_;
  std::size_t workers_;
  std::exception_ptr fatal_;
};

namespace detail {

struct Claimed {
  std::size_t item = 0;
  std::optional<Failure> failure;
};

/// Items [first, last) through all steps. All jobs are inferred at once; if that throws, one by one, so that only the
/// guilty one fails.
template <typename Job, typename Outcome>
void work_on(std::size_t first, std::size_t last, const WorkerSteps<Job, Outcome>& steps,
             OrderedQueue<Outcome>& queue) {
  std::vector<Claimed> claimed;
  std::vector<Job> jobs;  // of the items that have not failed, in their order
  for (std::size_t item = first; item < last; ++item) {
    Claimed& one = claimed.emplace_back(Claimed{item, std::nullopt});
    try {
      jobs.push_back(steps.prepare(item));
    } catch (...) {
      one.failure = failure_unless_fatal();
    }
  }
  bool inferred = jobs.empty();
  try {
    if (!inferred) steps.infer(jobs);
    inferred = true;
  } catch (...) {
    (void)failure_unless_fatal();
  }
  std::size_t next = 0;
  for (Claimed& one : claimed) {
    std::optional<Outcome> outcome;
    try {
      if (!one.failure) {
        const std::span<Job> job = std::span(jobs).subspan(next++, 1);
        if (!inferred) steps.infer(job);
        outcome = steps.render(job.front());
        job.front() = Job();  // its pixels are not needed while the others are drawn
      }
    } catch (...) {
      one.failure = failure_unless_fatal();
    }
    if (one.failure) outcome = steps.fail(one.item, *one.failure);
    queue.put(one.item, std::move(*outcome));
  }
}

}  // namespace detail

/// Runs the items 0 .. items-1. `make_steps(worker)` is called in each worker's thread, `write(item, outcome)` in the
/// caller's, in item order, whatever the schedule. When `*stop` becomes true, no new item is begun; the items
/// that were begun are finished and written. When the program is interrupted, items that were begun are left out, too.
/// @param give_up  called instead of waiting for workers any longer after an interrupt; empty: they are waited for
/// @return        how many were written: the first so many.
/// @throws        what make_steps or write throws, or an Error kOutput of a step, after everything before it was
///                written.
template <typename Job, typename Outcome>
std::size_t run_batch(std::size_t items, const Schedule& schedule,
                      const std::function<WorkerSteps<Job, Outcome>(std::size_t worker)>& make_steps,
                      const std::function<void(std::size_t item, Outcome)>& write,
                      const std::atomic<bool>* stop = nullptr, const GiveUp& give_up = {}) {
  // Four rounds of slack: enough for one large picture among small ones, and flat memory.
  Turnstile turnstile(items, 4 * schedule.workers * schedule.batch, stop);
  OrderedQueue<Outcome> queue(schedule.workers);
  std::vector<std::thread> workers;
  const auto work = [&](std::size_t worker) {
    std::exception_ptr fatal;
    try {
      const WorkerSteps<Job, Outcome> steps = make_steps(worker);
      for (auto [first, last] = turnstile.claim(schedule.batch); first < last;
           std::tie(first, last) = turnstile.claim(schedule.batch)) {
        detail::work_on(first, last, steps, queue);
      }
    } catch (const Interrupted&) {
      turnstile.close();
    } catch (...) {
      fatal = std::current_exception();
      turnstile.close();
    }
    queue.leave(std::move(fatal));
  };
  for (std::size_t w = 0; w < schedule.workers; ++w) {
    try {
      workers.emplace_back(work, w);
    } catch (const std::system_error&) {  // the machine gives no more threads: those there are do the work
      if (workers.empty()) throw;
      for (; w < schedule.workers; ++w) queue.leave(nullptr);
    }
  }
  std::size_t written = 0;
  Patience patience;
  std::exception_ptr fatal;
  try {
    while (true) {
      std::future<std::optional<Outcome>> coming = queue.take(written);
      while (coming.wait_for(Patience::kLookUp) != std::future_status::ready) {
        if (give_up && patience.is_over()) give_up(written);
      }
      std::optional<Outcome> outcome = coming.get();
      if (!outcome) break;
      write(written, std::move(*outcome));
      turnstile.advance(++written);
    }
  } catch (...) {
    fatal = std::current_exception();
    turnstile.close();
  }
  for (std::thread& worker : workers) worker.join();
  if (!fatal) fatal = queue.fatal();
  if (fatal) std::rethrow_exception(fatal);
  return written;
}

}  // namespace fovea
