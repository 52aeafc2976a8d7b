#include "nn/activation.hpp"

#include <cassert>

#include "nn/activation_kernels.hpp"
#include "nn/onednn.hpp"

namespace fovea::nn {

struct ActivationLayer::Impl {
  Impl(Activation activation, const dnnl::eltwise_forward::primitive_desc& forward_desc,
       const dnnl::eltwise_backward::primitive_desc& backward_desc, Workspace& workspace)
      : kind(activation),
        forward(dnnl::eltwise_forward(forward_desc), forward_desc, workspace),
        back(dnnl::eltwise_backward(backward_desc), backward_desc, workspace),
        x(unbound(forward_desc.src_desc())),
        y(unbound(forward_desc.src_desc())),
        dx(unbound(forward_desc.src_desc())) {}
  Activation kind;
  Primitive forward;
  Primitive back;
  dnnl::memory x;
  dnnl::memory y;
  dnnl::memory dx;
};

ActivationLayer::ActivationLayer(Activation activation, std::size_t size, Workspace& workspace)
    : impl_(translate_errors("making an activation", [&] {
        const EltwiseFunction function = eltwise_function(activation);
        const dnnl::memory::desc values = dense({1, dim(size)});
        const auto forward = eltwise_forward_desc(function, values, user_scratchpad());
        return std::make_unique<Impl>(activation, forward,
                                      eltwise_backward_desc(function, values, user_scratchpad(), forward), workspace);
      })) {}
ActivationLayer::~ActivationLayer() = default;
ActivationLayer::ActivationLayer(ActivationLayer&&) noexcept = default;
ActivationLayer& ActivationLayer::operator=(ActivationLayer&&) noexcept = default;

void ActivationLayer::operator()(std::span<const float> x, std::span<float> y) {
  assert(x.size() == y.size());
  impl_->forward.execute({{DNNL_ARG_SRC, impl_->x, x.data()}, {DNNL_ARG_DST, impl_->y, y.data()}});
}

void ActivationLayer::backward(std::span<const float> x, std::span<const float> dy, std::span<float> dx) {
  assert(x.size() == dy.size() && x.size() == dx.size());
  // A quarter of the time of oneDNN 2.6's, which was a twelfth of the whole way back through a small model.
  if (impl_->kind == Activation::kGelu) return gelu_backward(x, dy, dx);
  impl_->back.execute({{DNNL_ARG_SRC, impl_->x, x.data()},
                       {DNNL_ARG_DIFF_DST, impl_->y, dy.data()},
                       {DNNL_ARG_DIFF_SRC, impl_->dx, dx.data()}});
}

}  // namespace fovea::nn
