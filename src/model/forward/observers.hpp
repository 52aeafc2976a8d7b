// A session's observers as a hook of its forward pass: they see all tokens, also where a token reduction left some out.
#pragma once

#include <cstddef>
#include <span>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/session.hpp"
#include "model/forward/forward_hook.hpp"
#include "model/forward/token_reduction.hpp"

namespace fovea {

class Observers final : public ForwardHook {
 public:
  /// @param reducer  of a pass with a token reduction, else nullptr
  /// @param room     grows to [H, N, N] or [N, D] when the remaining tokens are shown un-merged
  Observers(const Architecture& architecture, const ForwardRequest& request, const TokenReducer* reducer,
            AlignedBuffer<float>& room)
      : a_(architecture), request_(request), reducer_(reducer), room_(room) {}

  void after(const LayerCall& layer) override;

 private:
  void show_attention(const LayerCall& layer);
  void show_tokens(std::size_t image, std::size_t block, std::span<const float> tokens);
  [[nodiscard]] std::span<float> room(std::size_t values);

  const Architecture& a_;
  const ForwardRequest& request_;
  const TokenReducer* reducer_;
  AlignedBuffer<float>& room_;
};

}  // namespace fovea
