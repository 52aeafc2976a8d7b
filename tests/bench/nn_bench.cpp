// What a block is made of, at the sizes of ViT-Ti/16 and ViT-B/16 (224 px: 197 tokens), on one thread.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "fovea/architecture.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "fovea/precision.hpp"
#include "nn/attention/attention.hpp"
#include "nn/attention/attention_backward.hpp"
#include "nn/kernels/activation.hpp"
#include "nn/kernels/norm_kernels.hpp"
#include "nn/linear/bf16_parts.hpp"
#include "nn/linear/linear.hpp"
#include "support/normal_values.hpp"

namespace fovea::nn {
namespace {

using test::normal_values;

constexpr std::size_t kTokens = 197;

std::size_t size_at(const benchmark::State& state, std::size_t index) {
  return static_cast<std::size_t>(state.range(index));
}

void count_flops(benchmark::State& state, double flops_a_run) {
  state.counters["FLOP/s"] =
      benchmark::Counter(flops_a_run, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

void count_bytes(benchmark::State& state, std::size_t bytes_a_run) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes_a_run) * state.iterations());
}

/// @param range  in features, out features
void linear(benchmark::State& state, Precision precision) {
  set_compute_threads(1);
  try {
    require_precision(precision);
  } catch (const Error& error) {
    state.SkipWithError(error.what());
    return;
  }
  const std::size_t in = size_at(state, 0);
  const std::size_t out = size_at(state, 1);
  Workspace workspace;
  const auto weight = normal_values(out * in, 1);
  const auto packed = pack_linear(precision, MatrixView<const float>(weight, out, in), normal_values(out, 2));
  const auto layer = make_linear(precision, {kTokens, in, out}, workspace);
  const auto x = normal_values(kTokens * in, 3);
  std::vector<float> y(kTokens * out);
  for (auto _ : state) (*layer)(*packed, x, y);
  count_flops(state, 2.0 * static_cast<double>(kTokens * in * out));
}

void sizes_of_linear_layers(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"in", "out"});
  for (const int width : {192, 768}) {
    bench->Args({width, 3 * width})->Args({width, width})->Args({width, 4 * width})->Args({4 * width, width});
  }
}
BENCHMARK_CAPTURE(linear, f32, Precision::kF32)->Apply(sizes_of_linear_layers);
BENCHMARK_CAPTURE(linear, bf16, Precision::kBf16)->Apply(sizes_of_linear_layers);
BENCHMARK_CAPTURE(linear, bf16x3, Precision::kBf16x3)->Apply(sizes_of_linear_layers);

/// @param range  tokens, heads of 64
void attention(benchmark::State& state, Precision products, bool observed) {
  set_compute_threads(1);
  const AttentionShape shape{size_at(state, 0), size_at(state, 1), 64};
  const std::size_t width = shape.num_heads * shape.head_dim;
  Attention layer(shape, products);
  const auto qkv = normal_values(shape.tokens * 3 * width, 1);
  std::vector<float> out(shape.tokens * width);
  std::vector<float> weights(observed ? shape.num_heads * shape.tokens * shape.tokens : 0);
  for (auto _ : state) layer(qkv, shape.tokens, {}, out, weights);
  count_flops(state, 4.0 * static_cast<double>(shape.tokens * shape.tokens * width));
}
BENCHMARK_CAPTURE(attention, plain, Precision::kF32, false)
    ->ArgNames({"tokens", "heads"})
    ->Args({197, 3})
    ->Args({197, 12})
    ->Args({1025, 12});
BENCHMARK_CAPTURE(attention, observed, Precision::kF32, true)
    ->ArgNames({"tokens", "heads"})
    ->Args({197, 3})
    ->Args({197, 12});
BENCHMARK_CAPTURE(attention, bf16, Precision::kBf16, false)
    ->ArgNames({"tokens", "heads"})
    ->Args({197, 3})
    ->Args({197, 12});

void attention_backward(benchmark::State& state) {
  set_compute_threads(1);
  const AttentionShape shape{size_at(state, 0), size_at(state, 1), 64};
  const std::size_t width = shape.num_heads * shape.head_dim;
  const auto qkv = normal_values(shape.tokens * 3 * width, 1);
  const auto d_out = normal_values(shape.tokens * width, 2);
  const std::vector<float> weights(shape.num_heads * shape.tokens * shape.tokens, 1.0F / 197.0F);
  std::vector<float> gradient(weights.size());
  std::vector<float> d_qkv(qkv.size());
  AttentionBackward layer(shape);
  for (auto _ : state) {
    layer.weights(qkv, shape.tokens, d_out, gradient);
    layer.inputs(qkv, weights, shape.tokens, d_out, gradient, d_qkv);
  }
  count_flops(state, 8.0 * static_cast<double>(shape.tokens * shape.tokens * width));
}
BENCHMARK(attention_backward)->ArgNames({"tokens", "heads"})->Args({197, 3})->Args({197, 12});

/// @param range  features
void layer_norm(benchmark::State& state) {
  set_compute_threads(1);
  const std::size_t features = size_at(state, 0);
  const auto weight = normal_values(features, 1);
  const auto x = normal_values(kTokens * features, 2);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    normalize({NormKind::kLayer, kTokens, features, 1e-6F}, weight, weight, {x.data(), features}, {y.data(), features});
  }
  count_bytes(state, 2 * x.size() * sizeof(float));
}
BENCHMARK(layer_norm)->ArgName("features")->Arg(192)->Arg(768);

/// @param range  features
void gelu(benchmark::State& state, Precision reader) {
  set_compute_threads(1);
  const auto x = normal_values(kTokens * size_at(state, 0), 1);
  std::vector<float> y(x.size());
  for (auto _ : state) activate(Activation::kGelu, reader, x, y);
  count_bytes(state, 2 * x.size() * sizeof(float));
}
BENCHMARK_CAPTURE(gelu, f32, Precision::kF32)->ArgName("features")->Arg(768)->Arg(3072);
BENCHMARK_CAPTURE(gelu, bf16, Precision::kBf16)->ArgName("features")->Arg(768)->Arg(3072);

/// @param range  features
void gelu_backward(benchmark::State& state) {
  set_compute_threads(1);
  const auto x = normal_values(kTokens * size_at(state, 0), 1);
  const auto dy = normal_values(x.size(), 2);
  std::vector<float> dx(x.size());
  for (auto _ : state) activate_backward(Activation::kGelu, Gradients::kTrue, x, dy, dx);
  count_bytes(state, 3 * x.size() * sizeof(float));
}
BENCHMARK(gelu_backward)->ArgName("features")->Arg(768)->Arg(3072);

/// @param range  parts
void split(benchmark::State& state) {
  set_compute_threads(1);
  const auto x = normal_values(kTokens * 768, 1);
  const std::size_t parts = size_at(state, 0);
  std::vector<std::uint16_t> result(parts * x.size());
  for (auto _ : state) split_into_bf16(x, parts, result.data(), x.size());
  count_bytes(state, x.size() * sizeof(float) + result.size() * sizeof(std::uint16_t));
}
BENCHMARK(split)->ArgName("parts")->DenseRange(1, 3);

}  // namespace
}  // namespace fovea::nn
