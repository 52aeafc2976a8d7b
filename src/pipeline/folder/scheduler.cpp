#include "pipeline/folder/scheduler.hpp"

#include <algorithm>
#include <new>

#include "base/files.hpp"

namespace fovea {
namespace {

bool is_refused_file(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const RefusedFile&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

Schedule plan_schedule(std::size_t inputs, std::size_t threads, std::size_t batch) {
  Schedule schedule;
  schedule.batch = std::clamp<std::size_t>(batch, 1, std::max<std::size_t>(inputs, 1));
  schedule.threads = std::max<std::size_t>(threads, 1);
  const std::size_t pieces = (inputs + schedule.batch - 1) / schedule.batch;
  schedule.workers = std::clamp<std::size_t>(pieces, 1, schedule.threads);
  return schedule;
}

Failure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what(), error.hint()};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kBackend, "not enough memory for this input", "-t 1 --batch 1 needs the least memory"};
  } catch (const std::exception& error) {
    return {ErrorCode::kBackend, error.what(), ""};
  } catch (...) {
    return {ErrorCode::kBackend, "unknown failure", ""};
  }
}

Failure failure_unless_fatal() {
  Failure failure = failure_of(std::current_exception());
  if (failure.code == ErrorCode::kOutput && !is_refused_file(std::current_exception())) throw;
  return failure;
}

std::pair<std::size_t, std::size_t> Turnstile::claim(std::size_t batch) {
  std::unique_lock lock(mutex_);
  const auto ends = [&] {
    return closed_ || claimed_ >= items_ || interrupt_requested() || (stop_ != nullptr && stop_->load());
  };
  moved_.wait(lock, [&] { return ends() || claimed_ < written_ + window_; });
  if (ends()) return {0, 0};
  const std::size_t first = claimed_;
  claimed_ = std::min(first + batch, items_);
  return {first, claimed_};
}

void Turnstile::advance(std::size_t written) {
  const std::lock_guard lock(mutex_);
  written_ = written;
  moved_.notify_all();
}

void Turnstile::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  moved_.notify_all();
}

}  // namespace fovea
