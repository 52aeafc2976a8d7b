// The audited model: what it makes of changed pictures, within a budget.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "fovea/image.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "pipeline/pictures.hpp"

namespace fovea {

class AskedModel {
 public:
  /// @param of_class  [classes] which of the model's classes each class of the folder is
  /// @param threads, batch  as plan_schedule()
  AskedModel(std::shared_ptr<const VisionTransformer> model, std::vector<std::size_t> of_class, std::size_t threads,
             std::size_t batch, std::size_t budget);

  /// The folder's classes' probabilities of each picture. Counts the passes.
  /// @return  [n][classes]
  [[nodiscard]] std::vector<std::vector<double>> operator()(std::span<const Image> pictures);

  [[nodiscard]] std::size_t passes() const noexcept { return passes_; }
  [[nodiscard]] std::size_t left() const noexcept { return budget_ > passes_ ? budget_ - passes_ : 0; }
  [[nodiscard]] Engine& engine() noexcept { return engine_; }
  [[nodiscard]] std::span<const std::size_t> of_class() const noexcept { return of_class_; }
  [[nodiscard]] Schedule schedule(std::size_t pictures) const { return plan_schedule(pictures, threads_, batch_); }

 private:
  Engine engine_;
  std::vector<std::size_t> of_class_;
  std::size_t threads_;
  std::size_t batch_;
  std::size_t budget_;
  std::size_t passes_ = 0;
};

}  // namespace fovea
