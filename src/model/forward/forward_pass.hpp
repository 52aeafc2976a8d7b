// The forward pass of a Vision Transformer, top to bottom: patches → tokens → blocks → read-out → logits.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "fovea/architecture.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "fovea/tensor.hpp"
#include "model/forward/encoder_block.hpp"
#include "model/forward/forward_hook.hpp"
#include "model/forward/read_out.hpp"
#include "model/forward/token_reduction.hpp"
#include "model/weights/weights.hpp"
#include "nn/linear/linear.hpp"

namespace fovea {

/// One image's forward pass, as far as the backward pass needs it.
struct SavedForward {
  std::vector<float> embedded;  // what the norm after the embedding read: [T, D] or, with norm_pre, [N, D]; else empty
  std::vector<SavedBlock> blocks;
  std::vector<float> x_out;  // [N, D] after the last block, before the final norm; or the leading tokens only
};

/// What the blocks do beside the tokens that are read out.
struct BlockOptions {
  std::size_t tokens = 0;                    // of each image; 0: all N
  bool all_tokens = false;                   // all tokens leave the last block, not only those that are read out
  std::optional<AttentionDetail> attention;  // its weights are computed, for the hook
  TokenReducer* reducer = nullptr;           // token reduction: tokens are left out or merged on the way
  SavedForward* saved = nullptr;             // receives what gradients need; for one image
};

/// One for each inference thread: activations and compiled operations, reused for any number of images.
class ForwardPass {
 public:
  ForwardPass(std::shared_ptr<const VisionTransformer> model, std::size_t max_batch);

  [[nodiscard]] const VisionTransformer& model() const noexcept { return *model_; }
  [[nodiscard]] nn::Workspace& workspace() noexcept { return workspace_; }

  /// @param patches  [n, T, 3·P·P], 1 <= n <= max_batch
  /// @param saved    receives what gradients need; nullptr: nobody asks
  /// @return         tokens [n·N, D], in the pass's own memory: each image's prefix tokens, then its patches
  [[nodiscard]] std::span<float> embed(std::span<const float> patches, ForwardHook& hook,
                                       SavedForward* saved = nullptr);

  /// The prefix tokens and some of the patches' tokens, in place of all of them.
  /// @param embedded  [N, D], what embed() returned for one image, kept elsewhere
  /// @param kept      [n, k], which patches stay; 1 <= n <= max_batch
  /// @return          [n·N', D] with N' = prefix tokens + k, in the pass's own memory
  [[nodiscard]] std::span<float> gather(std::span<const float> embedded, MatrixView<const std::size_t> kept);

  /// Blocks `first` to `last` - 1.
  /// @param x  [n·N, D], or with fewer tokens an image as the options say; overwritten
  /// @return   the first part of x: what left the last of these blocks. [n·N, D]; after the last block of a model whose
  ///           read-out needs no patches [n·leading, D], unless all_tokens; with a reducer [n·N', D]
  [[nodiscard]] std::span<float> run_blocks(std::size_t first, std::size_t last, std::span<float> x,
                                            const BlockOptions& options, ForwardHook& hook);

  /// @param x  of `batch` images what left the last block: [n·N, D], or the leading tokens alone where the read-out
  ///           needs no patches; overwritten
  [[nodiscard]] std::vector<ForwardResult> read_out(std::size_t batch, std::span<float> x, bool keep_tokens,
                                                    ForwardHook& hook);

 private:
  [[nodiscard]] const Architecture& architecture() const noexcept { return model_->architecture(); }
  [[nodiscard]] EncoderBlock& block_for(std::size_t batch, std::size_t tokens);
  [[nodiscard]] BlockActivations activations_for(std::size_t block, std::size_t batch, std::size_t tokens,
                                                 const BlockOptions& options);

  std::shared_ptr<const VisionTransformer> model_;
  const ModelWeights& weights_;
  const std::vector<float>& pos_embed_;  // [T, D], of the patches; empty: none
  nn::Workspace workspace_;
  AlignedBuffer<float> tokens_;  // [n·N, D]
  AlignedBuffer<float> normed_;  // [n·N, D]
  AlignedBuffer<float>
      shared_;  // qkv [n·N, 3D] and mixed [n·N, D]; then the MLP's hidden layers, [n·N, F] or [n·N, 3F]
  AlignedBuffer<float>
      weights_of_attention_;  // [H, N, N], or [N, N] while heads are fused; made when somebody observes
  std::unique_ptr<nn::Linear> patch_embed_;
  std::map<std::pair<std::size_t, std::size_t>, EncoderBlock> blocks_;  // by batch size and tokens
  ReadOutForward read_out_;
};

}  // namespace fovea
