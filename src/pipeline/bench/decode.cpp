// With --decode fast: what decoding a part of a JPEG saves, and what it changes.
#include <algorithm>
#include <cmath>

#include "base/files.hpp"
#include "base/numerics.hpp"
#include "fovea/error.hpp"
#include "fovea/model.hpp"
#include "fovea/prepare.hpp"
#include "image/codec/codec.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/bench/timing.hpp"
#include "pipeline/session_pool.hpp"

namespace fovea {
namespace {

/// One mode of decoding, and what it came to.
struct Decoding {
  explicit Decoding(DecodeOptions decode, DecodeMode mode) : options(decode) { options.mode = mode; }
  DecodeOptions options;
  DecodedPicture picture;
  std::vector<double> decode_ms;      // of each picture
  std::vector<double> preprocess_ms;  // resampling and patches
  Logits logits;
};

class DecodeComparison {
 public:
  explicit DecodeComparison(const BenchPlan& plan)
      : sessions_(plan.model),
        runner_(sessions_, 1, plan.threads),
        exact_(plan.decode, DecodeMode::kExact),
        fast_(plan.decode, DecodeMode::kFast) {}

  void add(std::span<const std::byte> file, const std::string& name) {
    for (Decoding* decoding : {&exact_, &fast_}) run(file, name, *decoding);
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
  void run(std::span<const std::byte> file, const std::string& name, Decoding& decoding) {
    decoding.decode_ms.push_back(
        thread_ms_of([&] { decoding.picture = decode_image(file, name, decoding.options, model().recipe); }));
    PreparedImage prepared;
    decoding.preprocess_ms.push_back(
        thread_ms_of([&] { prepared = prepare(decoding.picture.image, model(), decoding.picture.whole); }));
    decoding.logits = std::move(runner_.at(prepared.geometry.crop).session->run(prepared.patches).front());
  }

  [[nodiscard]] const ModelInfo& model() const { return sessions_.model().info(); }

  SessionPool sessions_;
  SizedRunner runner_;
  Decoding exact_;
  Decoding fast_;
  FastDecode result_;
};

}  // namespace

FastDecode measure_fast_decode(const BenchPlan& plan, std::span<const std::byte> image, const std::string& name) {
  DecodeComparison comparison(plan);
  if (!plan.folder) {
    comparison.add(image, name);
    return comparison.result();
  }
  const std::vector<Input> inputs = folder_pictures(plan);
  const std::vector<std::size_t> compared = evenly_spread(inputs.size());
  for (const std::size_t i : compared) {
    const std::string& path = inputs[i].path;
    try {
      comparison.add(read_file(path), printable(path));
    } catch (const Error&) {
      continue;  // an unreadable image is left out, and is not counted
    }
  }
  FastDecode result = comparison.result();
  result.found = inputs.size();
  if (result.images == 0) fail_unreadable(plan, compared.size());
  return result;
}

}  // namespace fovea
