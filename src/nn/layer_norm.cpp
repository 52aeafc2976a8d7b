#include "nn/layer_norm.hpp"

#include <cassert>

#include "nn/onednn.hpp"

namespace fovea::nn {

struct LayerNorm::Impl {
  Impl(const dnnl::layer_normalization_forward::primitive_desc& desc, std::size_t num_features, Workspace& workspace)
      : primitive(dnnl::layer_normalization_forward(desc), desc, workspace),
        x(unbound(desc.src_desc())),
        y(unbound(desc.src_desc())),
        weight(unbound(dense({static_cast<dnnl::memory::dim>(num_features)}))),
        bias(weight.get_desc(), cpu_engine(), nullptr) {}
  Primitive primitive;
  dnnl::memory x;
  dnnl::memory y;
  dnnl::memory weight;
  dnnl::memory bias;
};

LayerNorm::LayerNorm(std::size_t rows, std::size_t features, float eps, Workspace& workspace)
    : impl_(translate_errors("making a layer norm", [&] {
        const auto values = dense({static_cast<dnnl::memory::dim>(rows), static_cast<dnnl::memory::dim>(features)});
        return std::make_unique<Impl>(layer_norm_desc(values, eps, user_scratchpad()), features, workspace);
      })) {}
LayerNorm::~LayerNorm() = default;
LayerNorm::LayerNorm(LayerNorm&&) noexcept = default;
LayerNorm& LayerNorm::operator=(LayerNorm&&) noexcept = default;

void LayerNorm::operator()(std::span<const float> weight, std::span<const float> bias, std::span<const float> x,
                           std::span<float> y) {
  assert(weight.size() == bias.size() && x.size() == y.size() && x.size() % weight.size() == 0);
  impl_->primitive.execute({{DNNL_ARG_SRC, impl_->x, x.data()},
                            {DNNL_ARG_SCALE, impl_->weight, weight.data()},
                            {DNNL_ARG_SHIFT, impl_->bias, bias.data()},
                            {DNNL_ARG_DST, impl_->y, y.data()}});
}

}  // namespace fovea::nn
