// Where a forward pass first computes a number that is not finite.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/session.hpp"
#include "model/forward/forward_hook.hpp"

namespace fovea {

/// Whether scores, features and tokens are all finite.
[[nodiscard]] bool all_finite(const std::vector<ForwardResult>& results) noexcept;

/// Looks at what each layer puts out. That takes as long as some layers, so only a pass that is known to fail runs with
/// it.
class FirstNonFinite final : public ForwardHook {
 public:
  explicit FirstNonFinite(const Architecture& architecture) : a_(architecture) {}
  void before(const LayerCall& layer) override;
  void after(const LayerCall& layer) override;
  /// After the pass.
  /// @throws Error  kBackend, naming the layer and its block.
  [[noreturn]] void fail() const;

 private:
  const Architecture& a_;
  bool found_ = false;
  std::string place_ = "the read-out";
};

}  // namespace fovea
