#include "nn/attention.hpp"

#include <omp.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <exception>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "nn/onednn.hpp"
#include "nn/softmax.hpp"

namespace fovea::nn {
namespace {

using dnnl::memory;

memory::dim dim(std::size_t size) {
  return static_cast<memory::dim>(size);
}

memory::desc strided(std::size_t rows, std::size_t cols, std::size_t row_stride, std::size_t col_stride) {
  return {{dim(rows), dim(cols)}, memory::data_type::f32, memory::dims{dim(row_stride), dim(col_stride)}};
}

/// One head, `rows` queries: weights = softmax(q kᵀ / √d), out = weights · v. q, k, v and the output are strided
/// views: nothing is transposed or copied.
class QueryBlock {
 public:
  QueryBlock(const AttentionShape& shape, std::size_t rows, Workspace& workspace)
      : QueryBlock(shape, strided(rows, shape.head_dim, 3 * width(shape), 1),
                   strided(shape.head_dim, shape.tokens, 1, 3 * width(shape)),
                   strided(shape.tokens, shape.head_dim, 3 * width(shape), 1),
                   strided(rows, shape.tokens, shape.tokens, 1), strided(rows, shape.head_dim, width(shape), 1),
                   workspace) {}

  void operator()(const float* q, const float* k, const float* v, std::span<float> weights, float* out) {
    scores_.execute({{DNNL_ARG_SRC, q_, q}, {DNNL_ARG_WEIGHTS, k_, k}, {DNNL_ARG_DST, weights_, weights.data()}});
    softmax_rows(weights, tokens_);
    mix_values_.execute(
        {{DNNL_ARG_SRC, weights_, weights.data()}, {DNNL_ARG_WEIGHTS, v_, v}, {DNNL_ARG_DST, out_, out}});
  }

 private:
  static std::size_t width(const AttentionShape& shape) { return shape.num_heads * shape.head_dim; }

  QueryBlock(const AttentionShape& shape, const memory::desc& q, const memory::desc& k, const memory::desc& v,
             const memory::desc& weights, const memory::desc& out, Workspace& workspace)
      : QueryBlock(shape.tokens,
                   matmul_desc(q, k, nullptr, weights, user_scratchpad(),
                               1.0F / std::sqrt(static_cast<float>(shape.head_dim))),
                   matmul_desc(weights, v, nullptr, out, user_scratchpad()), workspace) {}
  QueryBlock(std::size_t tokens, const dnnl::matmul::primitive_desc& scores, const dnnl::matmul::primitive_desc& mix,
             Workspace& workspace)
      : tokens_(tokens),
        scores_(dnnl::matmul(scores), scores, workspace),
        mix_values_(dnnl::matmul(mix), mix, workspace),
        q_(unbound(scores.src_desc())),
        k_(unbound(scores.weights_desc())),
        v_(unbound(mix.weights_desc())),
        weights_(unbound(scores.dst_desc())),
        out_(unbound(mix.dst_desc())) {}

  std::size_t tokens_;
  Primitive scores_;
  Primitive mix_values_;
  memory q_;        // [rows, d]
  memory k_;        // [d, N]
  memory v_;        // [N, d]
  memory weights_;  // [rows, N]
  memory out_;      // [rows, d]
};

/// What one thread computes with.
struct Lane {
  Lane(const AttentionShape& shape, std::size_t block_rows, std::size_t last_rows)
      : block(shape, block_rows, workspace),
        last_block(shape, last_rows, workspace),
        weights(block_rows * shape.tokens) {}
  Workspace workspace;
  QueryBlock block;
  QueryBlock last_block;
  AlignedBuffer<float> weights;  // [block_rows, N]
};

/// Enough rows for the matrix kernels to be efficient, few enough for [rows, N] to stay in a core's own cache.
constexpr std::size_t kMostBlockRows = 64;

}  // namespace

/// The work is cut into (head, block of queries) pairs, each computed by one thread in one way: the result depends on
/// neither the number of threads nor which of them did what. (oneDNN's own split of a batched product does.)
struct Attention::Impl {
  explicit Impl(const AttentionShape& sizes)
      : shape(sizes),
        num_blocks((sizes.tokens + kMostBlockRows - 1) / kMostBlockRows),
        block_rows((sizes.tokens + num_blocks - 1) / num_blocks) {
    num_blocks = (shape.tokens + block_rows - 1) / block_rows;
    add_lanes(omp_get_max_threads());
  }

  void add_lanes(int threads) {
    const std::size_t last_rows = shape.tokens - (num_blocks - 1) * block_rows;
    while (lanes.size() < static_cast<std::size_t>(threads)) {
      lanes.push_back(std::make_unique<Lane>(shape, block_rows, last_rows));
    }
  }

  void run_block(Lane& lane, std::size_t head, std::size_t index, std::span<const float> qkv, std::span<float> out,
                 std::span<float> weights) const {
    const std::size_t width = shape.num_heads * shape.head_dim;  // D
    const std::size_t first = index * block_rows;
    const std::size_t rows = std::min(block_rows, shape.tokens - first);
    const std::size_t column = head * shape.head_dim;
    const float* q = qkv.data() + first * 3 * width + column;
    const float* k = qkv.data() + width + column;
    const float* v = qkv.data() + 2 * width + column;
    const std::span<float> block_weights =
        weights.empty() ? lane.weights.first(rows * shape.tokens)
                        : weights.subspan((head * shape.tokens + first) * shape.tokens, rows * shape.tokens);
    QueryBlock& block = index + 1 == num_blocks ? lane.last_block : lane.block;
    block(q, k, v, block_weights, out.data() + first * width + column);
  }

  AttentionShape shape;
  std::size_t num_blocks;
  std::size_t block_rows;
  std::vector<std::unique_ptr<Lane>> lanes;  // one for each thread
};

Attention::Attention(const AttentionShape& shape)
    : impl_(translate_errors("making attention", [&] { return std::make_unique<Impl>(shape); })) {}
Attention::~Attention() = default;
Attention::Attention(Attention&&) noexcept = default;
Attention& Attention::operator=(Attention&&) noexcept = default;

void Attention::operator()(std::span<const float> qkv, std::size_t queries, std::span<float> out,
                           std::span<float> weights) {
  Impl& impl = *impl_;
  [[maybe_unused]] const auto [tokens, heads, head_dim] = impl.shape;
  assert(qkv.size() == tokens * 3 * heads * head_dim && out.size() == tokens * heads * head_dim);
  assert(queries <= tokens && (weights.empty() || (queries == tokens && weights.size() == heads * tokens * tokens)));
  impl.add_lanes(omp_get_max_threads());
  const std::size_t blocks = (queries + impl.block_rows - 1) / impl.block_rows;
  const auto items = static_cast<int>(heads * blocks);
  std::exception_ptr failure;  // must not leave the parallel region by itself
#pragma omp parallel
  {
    omp_set_num_threads(1);  // of what this thread calls; ends with the region
    Lane& lane = *impl.lanes[static_cast<std::size_t>(omp_get_thread_num())];
#pragma omp for schedule(static)
    for (int item = 0; item < items; ++item) {
      try {
        const auto index = static_cast<std::size_t>(item);
        impl.run_block(lane, index / blocks, index % blocks, qkv, out, weights);
      } catch (...) {
#pragma omp critical
        failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace fovea::nn
