// `fovea explore`: pictures to the sections of a page that holds their maps and their whole attention.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/scheduler.hpp"
#include "pipeline/pictures.hpp"
#include "report/pages/explore_page.hpp"
#include "report/record.hpp"

namespace fovea {

struct ExploreOptions {
  PictureOptions pictures;          // how they are read, what they are called, which maps are made of them
  std::vector<std::size_t> blocks;  // whose attention is kept, ascending; empty: of none
  bool mean_heads = false;          // keep the mean over the heads only
};

/// Bytes that attention takes for each picture before it is compressed: a byte a weight.
[[nodiscard]] std::size_t attention_bytes(const Architecture& architecture, std::size_t blocks, bool mean_heads);

[[nodiscard]] ExploreHeading explore_heading(const ModelInfo& model, const ExploreOptions& options);

struct ExploreOutcome {
  Record record;
  std::string section;  // of the page
};

/// `write` sees all inputs in their order, failures included.
/// @return        how many were written.
/// @throws Error  kOutput, and what `write` throws.
std::size_t run_explore(const std::shared_ptr<const VisionTransformer>& model, std::span<const Input> inputs,
                        const ExploreOptions& options, const Schedule& schedule,
                        const std::function<void(const ExploreOutcome&)>& write,
                        const std::atomic<bool>* stop = nullptr);

}  // namespace fovea
