#include "pipeline/maps/map_plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "fovea/error.hpp"
#include "model/forward/token_reduction.hpp"
#include "model/relevance/weights.hpp"

namespace fovea {

bool MapPlan::is_plain() const noexcept {
  return methods.empty() && !faithfulness && !reduction.active() && draws == 1 && !other_head;
}

bool MapPlan::needs(bool Evidence::*evidence) const noexcept {
  return std::any_of(methods.begin(), methods.end(),
                     [&](const ExplainMethod* method) { return method->needs.*evidence; });
}

bool MapPlan::backward() const noexcept {
  return std::any_of(methods.begin(), methods.end(),
                     [](const ExplainMethod* method) { return method->needs.backward(); });
}

bool MapPlan::reads(Gradients gradients) const noexcept {
  return std::any_of(methods.begin(), methods.end(), [&](const ExplainMethod* method) {
    return (gradients == Gradients::kLibra && method->needs.score_terms && !reads_pixels()) ||
           (gradients == options.gradients && method->needs.reads_gradients());
  });
}

bool MapPlan::reads_pixels() const noexcept {
  return options.shifts > 0 && needs(&Evidence::pixels);
}

bool MapPlan::class_specific() const noexcept {
  return std::any_of(methods.begin(), methods.end(),
                     [](const ExplainMethod* method) { return method->needs.class_specific(); });
}

MapPlan MapPlan::of_draw(std::size_t draw) const {
  MapPlan one = *this;
  one.reduction.draw += draw;
  return one;
}

Logits MapPlan::logits_of(ForwardResult result) const {
  return other_head ? (*other_head)(result) : std::move(result.logits);
}

std::size_t MapPlan::session_batch(std::size_t batch) const noexcept {
  return needs(&Evidence::reruns) || needs(&Evidence::subsets) || faithfulness ? std::max(batch, kRerunBatch) : batch;
}

TokenLayout token_layout(const Architecture& architecture) {
  TokenLayout layout;
  layout.num_blocks = architecture.depth;
  layout.num_heads = architecture.num_heads;
  layout.num_pool_heads = architecture.pool_heads();
  layout.num_prefix = architecture.num_prefix_tokens;
  layout.num_registers = architecture.num_register_tokens;
  layout.grid = architecture.grid();
  switch (architecture.read_out) {
    case ReadOut::kClassToken: layout.read_out = {{0, 1.0F}}; return layout;
    case ReadOut::kClassAndDistToken: layout.read_out = {{0, 0.5F}, {1, 0.5F}}; return layout;
    case ReadOut::kAttentionPool: layout.read_out.clear(); return layout;
    case ReadOut::kPatchMean:
    case ReadOut::kClassAndPatchMean: break;
  }
  const bool half = architecture.read_out == ReadOut::kClassAndPatchMean;
  layout.read_out.clear();
  if (half) layout.read_out.push_back({0, 0.5F});
  const float share = (half ? 0.5F : 1.0F) / static_cast<float>(architecture.mean_tokens());
  for (std::size_t token = architecture.first_mean_token(); token < architecture.tokens(); ++token) {
    layout.read_out.push_back({token, share});
  }
  return layout;
}

const ExplainMethod& default_method(bool class_is_named) {
  return class_is_named ? explain_method("libra") : explain_methods().front();
}

ClassSpace class_space(const ModelInfo& model, const MapPlan& plan) {
  return plan.other_head ? plan.other_head->classes() : class_space(model);
}

void require_class_method(const MapPlan& plan, std::string_view given) {
  if (plan.class_specific() || plan.faithfulness) return;
  std::string methods;
  for (const ExplainMethod* method : plan.methods) methods.append(methods.empty() ? "" : " and ").append(method->name);
  throw Error(ErrorCode::kUsage, std::string(given) + ", but " + methods + " is the same for every class",
              "--method libra explains a class; `fovea explain --list-methods` says what each shows");
}

namespace {

void require_weights(const ExplainMethod& method, const Architecture& architecture) {
  if (!architecture.differential_attention || !method.needs.attention) return;
  throw Error(
      ErrorCode::kUsage,
      std::string(method.name) +
          ": the model's attention is a difference of two softmaxes, expected weights that are not negative and "
          "sum to 1",
      "`--method generic`, grad-rollout and legrad weigh it by its gradients");
}

}  // namespace

void check_plan(const MapPlan& plan, const ModelInfo& model) {
  const Architecture& architecture = model.architecture;
  const TokenLayout layout = token_layout(architecture);
  if (plan.reduction.active()) require_reducible(model, plan.reduction);
  const bool drops = plan.needs(&Evidence::subsets) || (plan.faithfulness && plan.substrate == Substrate::kDrop);
  if (drops) require_droppable(model);
  if (drops && plan.reduction.active()) {
    throw Error(ErrorCode::kUsage, "patches are to be dropped, and --keep or --merge is given, expected one of the two",
                "rise and --substrate paint explain and judge reduced models");
  }
  for (const ExplainMethod* method : plan.methods) {
    (void)method->make(plan.options, layout);  // throws
    require_weights(*method, architecture);
    const bool of_class = method->needs.class_specific() || plan.faithfulness;
    if (!of_class) continue;
    if (class_space(model, plan).labels.empty()) {
      throw Error(ErrorCode::kUsage,
                  std::string(method->name) + ": the model's number of classes is 0, expected a head to explain",
                  "rollout, attention and token-rank need none; --text-embeddings brings classes to a tower");
    }
    if (plan.faithfulness) require_probabilities(model, class_space(model, plan), "--faithfulness");
    if (method->needs.probabilities) {
      require_probabilities(model, class_space(model, plan), "--method " + std::string(method->name));
    }
    if (plan.other_head && method->needs.relevance) {
      throw Error(
          ErrorCode::kUsage,
          std::string(method->name) + ": classes come from --text-embeddings, expected the model's own head",
          "its rules are not defined for a cosine; libra, generic, grad-cam and legrad explain zero-shot classes");
    }
    if (plan.reduction.active() && (method->needs.backward() || method->needs.relevance)) {
      throw Error(ErrorCode::kUsage,
                  std::string(method->name) +
                      ": --keep or --merge is given, expected neither: gradients are those of the whole model",
                  "rollout, attention and token-rank explain reduced models");
    }
    if (method->needs.relevance) require_relevance_rules(architecture);
  }
}

}  // namespace fovea
