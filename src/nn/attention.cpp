#include "nn/attention.hpp"

#include <cassert>
#include <cmath>

#include "nn/onednn.hpp"

namespace fovea::nn {
namespace {

using dnnl::memory;

memory::desc strided(const memory::dims& sizes, const memory::dims& strides) {
  return {sizes, memory::data_type::f32, strides};
}

/// q, k, v and the output are views with the heads as a batch dimension: nothing is transposed or copied.
struct Views {
  explicit Views(const AttentionShape& shape)
      : Views(static_cast<memory::dim>(shape.tokens), static_cast<memory::dim>(shape.num_heads),
              static_cast<memory::dim>(shape.head_dim)) {}
  memory::desc q;        // [H, N, d]
  memory::desc k;        // [H, d, N]
  memory::desc v;        // [H, N, d]
  memory::desc weights;  // [H, N, N]
  memory::desc out;      // [H, N, d], stored [N, H, d]

 private:
  Views(memory::dim n, memory::dim h, memory::dim d)
      : q(strided({h, n, d}, {d, 3 * h * d, 1})),
        k(strided({h, d, n}, {d, 1, 3 * h * d})),
        v(strided({h, n, d}, {d, 3 * h * d, 1})),
        weights(dense({h, n, n})),
        out(strided({h, n, d}, {d, h * d, 1})) {}
};

}  // namespace

struct Attention::Impl {
  Impl(const AttentionShape& sizes, Workspace& workspace) : Impl(sizes, Views(sizes), workspace) {}
  Impl(const AttentionShape& sizes, const Views& views, Workspace& workspace)
      : Impl(sizes, views,
             matmul_desc(views.q, views.k, nullptr, views.weights, user_scratchpad(),
                         1.0F / std::sqrt(static_cast<float>(sizes.head_dim))),
             softmax_desc(views.weights, user_scratchpad()),
             matmul_desc(views.weights, views.v, nullptr, views.out, user_scratchpad()), workspace) {}
  Impl(const AttentionShape& sizes, const Views& views, const dnnl::matmul::primitive_desc& scores_desc,
       const dnnl::softmax_forward::primitive_desc& softmax, const dnnl::matmul::primitive_desc& values_desc,
       Workspace& workspace)
      : shape(sizes),
        scores(dnnl::matmul(scores_desc), scores_desc, workspace),
        normalise(dnnl::softmax_forward(softmax), softmax, workspace),
        mix_values(dnnl::matmul(values_desc), values_desc, workspace),
        q(unbound(views.q)),
        k(unbound(views.k)),
        v(unbound(views.v)),
        weights(unbound(views.weights)),
        out(unbound(views.out)) {}

  AttentionShape shape;
  Primitive scores;
  Primitive normalise;
  Primitive mix_values;
  memory q;
  memory k;
  memory v;
  memory weights;
  memory out;
};

Attention::Attention(const AttentionShape& shape, Workspace& workspace)
    : impl_(translate_errors("making attention", [&] { return std::make_unique<Impl>(shape, workspace); })) {}
Attention::~Attention() = default;
Attention::Attention(Attention&&) noexcept = default;
Attention& Attention::operator=(Attention&&) noexcept = default;

void Attention::operator()(std::span<const float> qkv, std::span<float> weights, std::span<float> out) {
  Impl& impl = *impl_;
  const std::size_t width = impl.shape.num_heads * impl.shape.head_dim;
  assert(qkv.size() == impl.shape.tokens * 3 * width && out.size() == impl.shape.tokens * width);
  impl.scores.execute({{DNNL_ARG_SRC, impl.q, qkv.data()},
                       {DNNL_ARG_WEIGHTS, impl.k, qkv.data() + width},
                       {DNNL_ARG_DST, impl.weights, weights.data()}});
  impl.normalise.execute({{DNNL_ARG_SRC, impl.weights, weights.data()}, {DNNL_ARG_DST, impl.weights, weights.data()}});
  impl.mix_values.execute({{DNNL_ARG_SRC, impl.weights, weights.data()},
                           {DNNL_ARG_WEIGHTS, impl.v, qkv.data() + 2 * width},
                           {DNNL_ARG_DST, impl.out, out.data()}});
}

}  // namespace fovea::nn
