// Hard attention against its naive twin, and what must hold of it whatever the model.
#include "model/forward/token_reduction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>

#include "base/random.hpp"
#include "fovea/architecture.hpp"
#include "fovea/classifier.hpp"
#include "fovea/error.hpp"
#include "fovea/machine.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "support/naive_reduction.hpp"
#include "support/naive_vit.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"
#include "support/tiny_model.hpp"

namespace fovea {
namespace {

using test::random_input;
using test::tiny_vit;
using testing::ElementsAre;
using testing::HasSubstr;

/// Deep enough for three stages behind different blocks.
Architecture six_blocks() {
  return tiny_vit({32, 48}, 8, 48, 6);
}

test::TinyTensor random_tensor(std::vector<std::size_t> shape, std::size_t count, float centre, float spread) {
  std::mt19937 generator(unsigned(count) + 1);
  std::normal_distribution<float> normal(centre, spread);
  test::TinyTensor tensor{std::move(shape), std::vector<float>(count)};
  for (float& value : tensor.values) value = normal(generator);
  return tensor;
}

/// A kind of model that hard attention works with, made of the plain one.
struct Variant {
  std::string name;
  std::size_t prefix;
  bool positions_of_prefix;
  bool layer_scale;
};

struct ReducedModel {
  test::TempFolder folder;
  Architecture architecture;
  test::TinyTensors tensors;
  std::shared_ptr<const VisionTransformer> model;

  ReducedModel(const Variant& variant, Architecture a, std::uint64_t seed) : architecture(std::move(a)) {
    architecture.num_prefix_tokens = variant.prefix;
    architecture.pos_embed_prefix = variant.positions_of_prefix ? variant.prefix : 0;
    tensors = test::make_tiny_tensors(architecture, seed);
    const std::size_t d = architecture.embed_dim;
    if (variant.prefix == 2) {
      const std::size_t classes = architecture.num_classes;
      tensors["dist_token"] = random_tensor({1, 1, d}, d, 0, 0.5F);
      tensors["head_dist.weight"] = random_tensor({classes, d}, classes * d, 0, 0.15F);
      tensors["head_dist.bias"] = random_tensor({classes}, classes, 0, 0.2F);
    }
    if (variant.prefix > 2) {
      const std::size_t registers = variant.prefix - 1;
      tensors["reg_token"] = random_tensor({1, registers, d}, registers * d, 0, 0.5F);
    }
    if (!variant.positions_of_prefix) {
      auto& positions = tensors["pos_embed"];
      positions.shape[1] = architecture.grid().size();
      positions.values.resize(architecture.grid().size() * d);
    }
    for (std::size_t block = 0; variant.layer_scale && block < architecture.depth; ++block) {
      for (const char* gamma : {".ls1.gamma", ".ls2.gamma"}) {
        tensors["blocks." + std::to_string(block) + gamma] = random_tensor({d}, d, 0.6F, 0.2F);
      }
    }
    test::write_tiny_model(folder.path(), architecture, tensors);
    model = VisionTransformer::load(folder.path(), {.precision = Precision::kF32});
  }
};

const Variant kPlain{"plain", 1, true, false};
const std::vector<Variant> kVariants{
    kPlain, {"distilled", 2, true, false}, {"DeiT3", 1, false, true}, {"registers", 5, false, true}};

TokenReduction keep(double share) {
  TokenReduction reduction;
  reduction.keep = share;
  return reduction;
}
TokenReduction merge(std::size_t count) {
  TokenReduction reduction;
  reduction.merge = count;
  return reduction;
}
TokenReduction draw(double share, std::uint64_t seed, std::uint64_t number = 0) {
  TokenReduction reduction = keep(share);
  reduction.sample = true;
  reduction.seed = seed;
  reduction.draw = number;
  return reduction;
}
ForwardRequest asking(const TokenReduction& reduction) {
  ForwardRequest request;
  request.reduction = reduction;
  return request;
}

void expect_equals_the_twin(const ReducedModel& tiny_model, const TokenReduction& reduction) {
  const Architecture& a = tiny_model.model->architecture();
  ASSERT_EQ(a.num_prefix_tokens, tiny_model.architecture.num_prefix_tokens);
  const auto chw = random_input(a, 7);
  test::NaiveReduction twin(a, reduction);
  const auto wanted = test::naive_vit(a, tiny_model.tensors, chw, &twin);

  Session session(tiny_model.model, 1);
  ForwardRequest request = asking(reduction);
  std::vector<std::size_t> counts;
  request.reduced = [&](std::size_t, const ReducedTokens& left) { counts.push_back(left.tokens); };
  std::vector<std::vector<float>> attention;
  request.attention = [&](std::size_t, const AttentionView& view) {
    EXPECT_EQ(view.block, attention.size());
    EXPECT_EQ(view.tokens, a.tokens());
    attention.emplace_back(view.weights.begin(), view.weights.end());
  };
  const Logits logits = session.forward(test::naive_patches(a, chw), request)[0].logits;
  EXPECT_EQ(counts, twin.counts());
  const auto [low, high] = std::minmax_element(wanted.logits.begin(), wanted.logits.end());
  ASSERT_EQ(logits.size(), wanted.logits.size());
  for (std::size_t c = 0; c < logits.size(); ++c) {
    EXPECT_NEAR(double(logits[c]), wanted.logits[c], 1e-5 * (*high - *low)) << c;
  }
  ASSERT_EQ(attention.size(), a.depth);
  for (std::size_t block = 0; block < a.depth; ++block) {
    ASSERT_EQ(attention[block].size(), wanted.attention[block].size());
    for (std::size_t i = 0; i < attention[block].size(); ++i) {
      ASSERT_NEAR(double(attention[block][i]), wanted.attention[block][i], 2e-5) << block << ", " << i;
    }
    for (std::size_t row = 0; row < attention[block].size(); row += a.tokens()) {
      double sum = 0;
      for (std::size_t j = 0; j < a.tokens(); ++j) sum += double(attention[block][row + j]);
      ASSERT_NEAR(sum, 1.0, 1e-5);
    }
  }
}

TEST(TokenReduction, EqualsTheNaiveTwinForEveryKindOfModelItWorksWith) {
  for (const Variant& variant : kVariants) {
    const ReducedModel tiny_model(variant, six_blocks(), 3);
    for (const TokenReduction& reduction :
         {keep(0.7), keep(0.5), keep(0.9), keep(0.01), merge(1), merge(2), merge(4), merge(100)}) {
      SCOPED_TRACE(testing::Message() << variant.name << ", keep " << reduction.keep << ", merge " << reduction.merge);
      expect_equals_the_twin(tiny_model, reduction);
    }
  }
}

TEST(TokenReduction, EqualsTheNaiveTwinForEverySizeAroundVectorsAndForEveryDepth) {
  for (const int width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 33}) {
    const ReducedModel tiny_model(kVariants[std::size_t(width) % 4], tiny_vit({2, 2 * width}, 2, 33, 4, 3), 5);
    for (const TokenReduction& reduction : {keep(0.6), merge(3)}) {
      SCOPED_TRACE(testing::Message() << width << " patches, keep " << reduction.keep);
      expect_equals_the_twin(tiny_model, reduction);
    }
  }
  for (const std::size_t depth : {1U, 2U, 3U, 12U}) {
    const ReducedModel tiny_model(kPlain, tiny_vit({32, 32}, 8, 32, depth, 2), 6);
    for (const TokenReduction& reduction : {keep(0.6), merge(1)}) {
      SCOPED_TRACE(testing::Message() << depth << " blocks, keep " << reduction.keep);
      expect_equals_the_twin(tiny_model, reduction);
    }
  }
}

TEST(TokenReduction, KeepsAsManyTokensAsTheReferenceImplementations) {
  const auto model = VisionTransformer::random(tiny_vit({56, 56}, 4, 32, 12, 2), 1);  // 196 patches, as at 224 px
  Session session(model, 1);
  const auto patches = test::naive_patches(model->architecture(), random_input(model->architecture(), 1));
  const auto counts = [&](const TokenReduction& reduction) {
    std::map<std::size_t, std::size_t> left;
    ForwardRequest request = asking(reduction);
    request.reduced = [&](std::size_t, const ReducedTokens& seen) { left[seen.block] = seen.tokens; };
    (void)session.forward(patches, request);
    return left;
  };
  using Counts = std::map<std::size_t, std::size_t>;
  EXPECT_EQ(counts(keep(0.7)), (Counts{{3, 140}, {6, 100}, {9, 72}}));
  EXPECT_EQ(counts(keep(0.5)), (Counts{{3, 100}, {6, 52}, {9, 28}}));
  const Counts merged = counts(merge(13));
  EXPECT_EQ(merged.size(), 11U);  // none behind the last attention
  EXPECT_EQ(merged.at(0), 184U);
  EXPECT_EQ(merged.at(10), 197U - 11 * 13);
}

TEST(TokenReduction, ThatKeepsEverythingIsThePlainPassBitForBit) {
  const ReducedModel tiny_model(kPlain, six_blocks(), 4);
  const auto patches = test::naive_patches(tiny_model.architecture, random_input(tiny_model.architecture, 2));
  Session session(tiny_model.model, 1);
  const Logits plain = session.run(patches)[0];
  EXPECT_EQ(session.forward(patches, asking(keep(1.0)))[0].logits, plain);
  EXPECT_EQ(session.forward(patches, asking(keep(0.9999)))[0].logits, plain) << "⌈keep · T⌉ is T";
  EXPECT_NE(session.forward(patches, asking(keep(0.5)))[0].logits, plain);
  EXPECT_NE(session.forward(patches, asking(merge(1)))[0].logits, plain);
  EXPECT_EQ(session.run(patches)[0], plain) << "a reduction leaves nothing behind";
}

TEST(TokenReduction, SaysWhereEveryPatchWentAndItsShare) {
  for (const Variant& variant : kVariants) {
    const ReducedModel tiny_model(variant, six_blocks(), 8);
    const Architecture& a = tiny_model.model->architecture();
    Session session(tiny_model.model, 1);
    const auto patches = test::naive_patches(a, random_input(a, 3));
    for (const TokenReduction& reduction : {keep(0.5), merge(4), draw(0.5, 1)}) {
      ForwardRequest request = asking(reduction);
      std::size_t stages = 0;
      std::vector<std::uint8_t> kept_before(a.grid().size(), 1);
      request.reduced = [&](std::size_t, const ReducedTokens& left) {
        ++stages;
        ASSERT_EQ(left.token_of_patch.size(), a.grid().size());
        std::map<std::size_t, double> sums;
        std::map<std::size_t, std::size_t> sizes;
        for (std::size_t t = 0; t < left.token_of_patch.size(); ++t) {
          const std::size_t token = left.token_of_patch[t];
          EXPECT_GE(token, a.num_prefix_tokens);
          EXPECT_LT(token, left.tokens);
          sums[token] += double(left.share[t]);
          ++sizes[token];
          EXPECT_LE(left.kept[t], kept_before[t]) << "what was swept up does not come back";
          if (reduction.merge > 0) {
            EXPECT_EQ(left.kept[t], 1);
          }
        }
        EXPECT_EQ(sums.size(), left.tokens - a.num_prefix_tokens) << "every token was made of something";
        for (const auto& [token, sum] : sums) EXPECT_NEAR(sum, 1.0, 1e-5) << token;
        for (std::size_t t = 0; t < left.token_of_patch.size() && reduction.merge > 0; ++t) {
          EXPECT_NEAR(left.share[t], 1.0F / float(sizes[left.token_of_patch[t]]), 1e-6F);
        }
        kept_before.assign(left.kept.begin(), left.kept.end());
      };
      (void)session.forward(patches, request);
      EXPECT_GT(stages, 0U);
      const auto kept = std::accumulate(kept_before.begin(), kept_before.end(), std::size_t{0});
      EXPECT_EQ(kept == a.grid().size(), reduction.merge > 0);
    }
  }
}

TEST(TokenReduction, ShowsTokensUnmerged) {
  const ReducedModel tiny_model(kPlain, six_blocks(), 9);
  const Architecture& a = tiny_model.model->architecture();
  Session session(tiny_model.model, 1);
  const auto patches = test::naive_patches(a, random_input(a, 3));
  ForwardRequest request = asking(merge(4));
  const Logits logits = session.forward(patches, request)[0].logits;
  std::vector<std::size_t> token_of_patch;
  std::set<std::size_t> blocks;
  request.keep_tokens = true;
  request.reduced = [&](std::size_t, const ReducedTokens& left) {
    token_of_patch.assign(left.token_of_patch.begin(), left.token_of_patch.end());
  };
  const auto expect_alike = [&](MatrixView<const float> tokens) {
    std::set<std::vector<float>> distinct;
    for (std::size_t t = 0; t < token_of_patch.size(); ++t) {
      const auto row = tokens.row(a.num_prefix_tokens + t);
      distinct.insert({row.begin(), row.end()});
      for (std::size_t u = 0; u < t; ++u) {
        if (token_of_patch[u] != token_of_patch[t]) continue;
        EXPECT_TRUE(std::equal(row.begin(), row.end(), tokens.row(a.num_prefix_tokens + u).begin()));
      }
    }
    const std::set<std::size_t> left(token_of_patch.begin(), token_of_patch.end());
    EXPECT_EQ(distinct.size(), left.size());
  };
  request.tokens = [&](std::size_t, std::size_t block, MatrixView<const float> tokens) {
    blocks.insert(block);
    ASSERT_EQ(tokens.rows(), a.tokens());
    if (block > 0) expect_alike(tokens);
  };
  const ForwardResult result = session.forward(patches, request)[0];
  EXPECT_EQ(blocks.size(), a.depth + 1);
  ASSERT_EQ(result.tokens.size(), a.tokens() * a.embed_dim);
  expect_alike({result.tokens, a.tokens(), a.embed_dim});
  EXPECT_EQ(result.logits, logits) << "observing changes no bit";
}

TEST(TokenReduction, GivesTheSameBytesForAnyBatchThreadsAndObserver) {
  const auto model = VisionTransformer::random(tiny_vit({112, 112}, 8, 96, 6, 3), 3);
  const Architecture& a = model->architecture();
  std::vector<float> patches;
  for (unsigned i = 0; i < 3; ++i) {
    const auto one = test::naive_patches(a, random_input(a, i));
    patches.insert(patches.end(), one.begin(), one.end());
  }
  const std::size_t one = patches.size() / 3;
  for (const TokenReduction& reduction : {keep(0.7), merge(8), draw(0.6, 5)}) {
    std::vector<Logits> single;
    set_compute_threads(1);
    for (std::size_t i = 0; i < 3; ++i) {
      Session session(model, 1);
      single.push_back(session.forward(std::span(patches).subspan(i * one, one), asking(reduction))[0].logits);
    }
    for (const int threads : {1, 2, 4}) {
      set_compute_threads(threads);
      Session session(model, 3);
      ForwardRequest request = asking(reduction);
      for (const bool observed : {false, true}) {
        std::vector<std::size_t> seen;
        if (observed) {
          request.attention = [](std::size_t, const AttentionView&) {};
          request.reduced = [&](std::size_t image, const ReducedTokens&) { seen.push_back(image); };
        }
        const auto results = session.forward(patches, request);
        for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(results[i].logits, single[i]) << threads << " threads";
        if (observed) {
          EXPECT_THAT(std::vector(seen.begin(), seen.begin() + 3), ElementsAre(0, 1, 2));
        }
      }
    }
    set_compute_threads(available_cores());
  }
}

TEST(TokenReduction, DrawsTheSameForTheSameSeedAndAnotherForAnother) {
  const ReducedModel tiny_model(kPlain, six_blocks(), 9);
  const auto patches = test::naive_patches(tiny_model.architecture, random_input(tiny_model.architecture, 2));
  Session session(tiny_model.model, 1);
  const auto logits = [&](const TokenReduction& reduction) {
    return session.forward(patches, asking(reduction))[0].logits;
  };
  const Logits first = logits(draw(0.5, 1));
  EXPECT_EQ(logits(draw(0.5, 1)), first);
  EXPECT_NE(logits(draw(0.5, 2)), first);
  EXPECT_NE(logits(draw(0.5, 1, 1)), first);
  EXPECT_NE(logits(keep(0.5)), first);
}

TEST(RandomPreference, DrawsWithoutReplacementInProportionToTheWeights) {
  const std::vector<float> weights{0.1F, 0.2F, 0.3F, 0.4F, 0.0F};
  constexpr std::size_t kDraws = 20000;
  std::map<std::pair<std::size_t, std::size_t>, double> share;  // of draws, by first and second
  for (std::size_t i = 0; i < kDraws; ++i) {
    const auto preference = random_preference(weights, Random(i).bits());
    std::vector<std::size_t> order{0, 1, 2, 3, 4};
    std::sort(order.begin(), order.end(), [&](auto a, auto b) { return preference[a] > preference[b]; });
    share[{order[0], order[1]}] += 1.0 / kDraws;
  }
  for (std::size_t first = 0; first < weights.size(); ++first) {
    for (std::size_t second = 0; second < weights.size(); ++second) {
      if (first == second) continue;
      const double wanted = double(weights[first]) * double(weights[second]) / (1.0 - double(weights[first]));
      const double sigma = std::sqrt(wanted * (1.0 - wanted) / kDraws);
      EXPECT_NEAR((share[{first, second}]), wanted, 5.0 * sigma) << first << ", " << second;
    }
  }
}

TEST(RandomPreference, HasTheBitsOfSplitmix64) {
  EXPECT_EQ(Random(0).bits(), 0xE220A8397B1DCDAFU);  // Vigna's splitmix64.c, seed 0: the first two numbers
  EXPECT_EQ(Random(0x9E3779B97F4A7C15U).bits(), 0x6E789E6AA1B965F4U);
}

TEST(TokenStages, AttentionThatIsAllZeroSharesEqually) {
  const std::vector<float> attention{0.0F, 0.0F, 1.0F};
  const TokenStage stage = keep_preferred(1, attention, std::vector<double>{0.0, 0.0, 1.0}, 1);
  EXPECT_THAT(stage.becomes, ElementsAre(0, 2, 2, 1));
  TokenMap map(1, 3);
  map.apply(stage);
  EXPECT_THAT(map.seen_after(0).share, ElementsAre(0.5F, 0.5F, 1.0F));
  EXPECT_THAT(map.seen_after(0).kept, ElementsAre(0, 0, 1));
}

/// The message of the error that this request gives.
std::string refusal(const std::shared_ptr<const VisionTransformer>& model, const ForwardRequest& request) {
  const Architecture& a = model->architecture();
  Session session(model, 1);
  try {
    (void)session.forward(std::vector<float>(a.grid().size() * a.patch_dim()), request);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUsage);
    return error.what();
  }
  return "accepted";
}

TEST(TokenReduction, RefusesModelsThatItDoesNotFitAndSaysWhy) {
  const auto family = [](const std::string& name) {
    return VisionTransformer::load(test::source_dir() / "tests/golden/families" / name);
  };
  for (const char* name :
       {"timm_vit_cls", "timm_deit_distilled", "timm_deit3", "timm_dinov2_reg", "hf_deit_teacher_v5names",
        "torchvision_vit", "timm_clip_quickgelu", "hf_deit", "timm_qk_norm"}) {
    EXPECT_EQ(refusal(family(name), asking(keep(0.5))), "accepted") << name;
    EXPECT_EQ(refusal(family(name), asking(merge(2))), "accepted") << name;
  }
  const std::map<std::string, std::string> refused{{"timm_vit_gap", "the read-out is average of the patch tokens"},
                                                   {"hf_dinov2", "the read-out is class token and average"},
                                                   {"timm_siglip_map_tanh", "the read-out is attention pool"},
                                                   {"timm_eva02_base", "expected"},
                                                   {"timm_beit", "expected"}};
  for (const auto& [name, reason] : refused) {
    for (const auto& reduction : {keep(0.5), merge(2)}) {
      const std::string message = refusal(family(name), asking(reduction));
      EXPECT_THAT(message, HasSubstr(reason)) << name;
      EXPECT_THAT(message, HasSubstr(name + "/model.safetensors: "));
      EXPECT_THAT(message, HasSubstr("expected for hard attention a class token"));
    }
  }
}

TEST(TokenReduction, RefusesPositionsThatAreNotInTheTokens) {
  Architecture rotated = six_blocks();
  rotated.rope = Rope::kEva02;
  EXPECT_THAT(refusal(VisionTransformer::random(rotated, 1), asking(merge(2))), HasSubstr("positions are rotations"));
  Architecture biased = six_blocks();
  biased.relative_position_bias = true;
  EXPECT_THAT(refusal(VisionTransformer::random(biased, 1), asking(keep(0.5))), HasSubstr("positions are a bias"));
}

TEST(TokenReduction, RefusesOptionsThatContradictThemselvesOrTheRequest) {
  const auto model = VisionTransformer::random(six_blocks(), 1);
  for (const double share : {0.0, -0.5, 1.5, std::nan("")}) {
    EXPECT_THAT(refusal(model, asking(keep(share))), HasSubstr("expected more than 0 and at most 1")) << share;
  }
  TokenReduction both = keep(0.5);
  both.merge = 2;
  EXPECT_THAT(refusal(model, asking(both)), HasSubstr("expected one of the two"));
  EXPECT_THAT(refusal(model, asking(draw(1.0, 0))), HasSubstr("no draw"));
  ForwardRequest request = asking(keep(0.5));
  request.keep_for_gradients = true;
  EXPECT_THAT(refusal(model, request), HasSubstr("gradients are asked for"));
}

TEST(TokenReduction, OfTheDefaultModelAgreesOnTheSamplesWhenNineTenthsAreKept) {
  const auto model = VisionTransformer::load(test::source_dir() / "weights/vit_tiny_tin200");
  Session session(model, 1);
  std::size_t photographs = 0;
  for (const char* name : {"chelsea.jpg", "coffee.jpg", "rocket.jpg", "cat_and_espresso.jpg"}) {
    const Image image = read_image(test::source_dir() / "samples" / name);
    const PreprocessRecipe& recipe = model->info().recipe;
    std::vector<float> patches(model->architecture().grid().size() * model->architecture().patch_dim());
    extract_patches(preprocess(image, recipe).pixels, recipe, model->architecture().patch_size, patches);
    const Logits full = session.run(patches)[0];
    const Logits kept = session.forward(patches, asking(keep(0.9)))[0].logits;
    EXPECT_EQ(std::max_element(kept.begin(), kept.end()) - kept.begin(),
              std::max_element(full.begin(), full.end()) - full.begin())
        << name;
    EXPECT_NE(kept, full);
    ++photographs;
  }
  EXPECT_EQ(photographs, 4U);
}

}  // namespace
}  // namespace fovea
