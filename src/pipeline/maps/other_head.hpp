// A head in place of the model's own: its logits, and their gradient for the methods.
#pragma once

#include "fovea/session.hpp"
#include "pipeline/predictions.hpp"

namespace fovea {

class OtherHead {
 public:
  virtual ~OtherHead() = default;
  OtherHead() = default;
  OtherHead(const OtherHead&) = default;
  OtherHead& operator=(const OtherHead&) = default;
  OtherHead(OtherHead&&) = default;
  OtherHead& operator=(OtherHead&&) = default;

  /// @param result  of a forward pass of the model that the head was made for
  /// @return        [classes]
  [[nodiscard]] virtual Logits operator()(const ForwardResult& result) const = 0;
  /// The sum of logits that is differentiated, less bias_of().
  /// @throws Error  kUsage for a class that does not exist.
  [[nodiscard]] virtual OutputScore score(const ScoreSeed& seed, Gradients gradients) const = 0;
  /// What the head's own bias adds to that sum.
  [[nodiscard]] virtual double bias_of(const ScoreSeed& seed) const = 0;
  [[nodiscard]] virtual ClassSpace classes() const noexcept = 0;
};

}  // namespace fovea
