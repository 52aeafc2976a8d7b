// fovea bench --decode fast: what decoding a part of a JPEG saves, and what it changes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "cli/verbs/bench.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "image/codec/codec.hpp"
#include "image/preprocess/patches.hpp"
#include "image/preprocess/preprocess.hpp"
#include "report/comparison.hpp"

namespace fovea::cli {
namespace {

/// What this thread has computed, in ms.
double thread_ms(const std::function<void()>& step) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
  };
  const double begin = now();
  step();
  return now() - begin;
}

/// One way of decoding, and what it came to.
struct Way {
  explicit Way(DecodeOptions decode, DecodeMode mode) : options(decode) { options.mode = mode; }
  DecodeOptions options;
  DecodedPicture picture;
  std::vector<double> decode_ms;      // of each picture
  std::vector<double> preprocess_ms;  // resampling and patches
  Logits logits;
};

class Comparison {
 public:
  explicit Comparison(const BenchPlan& plan)
      : model_(*plan.model),
        session_(plan.model, 1),
        patches_(model_.architecture().grid().size() * model_.architecture().patch_dim()),
        exact_(plan.decode, DecodeMode::kExact),
        fast_(plan.decode, DecodeMode::kFast) {}

  void add(std::span<const std::byte> file, const std::string& name) {
    for (Way* way : {&exact_, &fast_}) run(file, name, *way);
    ++result_.images;
    result_.smaller += fast_.picture.eighths < 8 ? 1U : 0U;
    if (exact_.logits.empty()) return;
    result_.compared = true;
    result_.same_top1 += top_k(exact_.logits, 1) == top_k(fast_.logits, 1) ? 1U : 0U;
    const auto [least, most] = std::minmax_element(exact_.logits.begin(), exact_.logits.end());
    for (std::size_t c = 0; c < exact_.logits.size(); ++c) {
      const double difference = std::abs(static_cast<double>(exact_.logits[c]) - static_cast<double>(fast_.logits[c]));
      result_.largest_difference = std::max(result_.largest_difference, difference);
      result_.largest_share_of_range =
          std::max(result_.largest_share_of_range, difference / static_cast<double>(*most - *least));
    }
  }

  [[nodiscard]] FastDecode result() {
    if (result_.images == 0) return result_;
    result_.exact_ms = quantile(exact_.decode_ms, 0.5);
    result_.fast_ms = quantile(fast_.decode_ms, 0.5);
    result_.exact_preprocess_ms = quantile(exact_.preprocess_ms, 0.5);
    result_.fast_preprocess_ms = quantile(fast_.preprocess_ms, 0.5);
    return result_;
  }

 private:
  void run(std::span<const std::byte> file, const std::string& name, Way& way) {
    const PreprocessRecipe& recipe = model_.info().recipe;
    way.decode_ms.push_back(thread_ms([&] { way.picture = decode_image(file, name, way.options, recipe); }));
    way.preprocess_ms.push_back(thread_ms([&] {
      extract_patches(preprocess(way.picture.image, recipe, way.picture.whole).pixels, recipe,
                      model_.architecture().patch_size, patches_);
    }));
    way.logits = std::move(session_.run(patches_).front());
  }

  const VisionTransformer& model_;
  Session session_;
  std::vector<float> patches_;  // [T, 3·P·P]
  Way exact_;
  Way fast_;
  FastDecode result_;
};

}  // namespace

FastDecode measure_fast_decode(const BenchPlan& plan, std::span<const std::byte> image, const std::string& name) {
  Comparison comparison(plan);
  if (!plan.folder) {
    comparison.add(image, name);
    return comparison.result();
  }
  const std::vector<Input> inputs = folder_pictures(plan);
  const std::size_t compared = std::min(inputs.size(), kMostCompared);
  for (std::size_t i = 0; i < compared; ++i) {
    const std::string& path = inputs[i * inputs.size() / compared].path;
    try {
      comparison.add(read_file(path), printable(path));
    } catch (const Error&) {
      continue;  // what cannot be read is left out, and is not counted
    }
  }
  FastDecode result = comparison.result();
  result.found = inputs.size();
  if (result.images > 0) return result;
  throw Error(ErrorCode::kUsage, fmt::format("{}: none of {} images could be read, expected some to compare",
                                             printable(*plan.folder), compared));
}

std::string fast_decode_text(const FastDecode& fast) {
  std::string text = fmt::format(
      "fast decode   {:.2f} ms a picture beside {:.2f} of all its pixels, then {:.2f} ms of resampling beside {:.2f} "
      "(medians, one core)\n"
      "              smaller than they are: {} of {} images{}\n",
      fast.fast_ms, fast.exact_ms, fast.fast_preprocess_ms, fast.exact_preprocess_ms, fast.smaller, fast.images,
      fast.found > fast.images ? fmt::format(" out of {}", fast.found) : "");
  if (!fast.compared) return text;
  text += fmt::format(
      "              same class on {} of {}; largest difference of a logit {:.3g}, {:.2f} % of the logits' range\n",
      fast.same_top1, fast.images, fast.largest_difference, 100 * fast.largest_share_of_range);
  return text;
}

JsonObject fast_decode_json(const FastDecode& fast) {
  JsonObject json;
  json.add("images", fast.images).add("images_found", fast.found).add("images_smaller", fast.smaller);
  json.add("decode_ms", fast.fast_ms).add("exact_decode_ms", fast.exact_ms);
  json.add("preprocess_ms", fast.fast_preprocess_ms).add("exact_preprocess_ms", fast.exact_preprocess_ms);
  if (!fast.compared) return json;
  json.add("same_top1", fast.same_top1);
  json.add("share", static_cast<double>(fast.same_top1) / static_cast<double>(fast.images));
  json.add("largest_logit_difference", fast.largest_difference);
  json.add("largest_share_of_logit_range", fast.largest_share_of_range);
  return json;
}

}  // namespace fovea::cli
