#include "model/quantize/cascade.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "base/numerics.hpp"
#include "fovea/error.hpp"
#include "model/quantize/quantized_file.hpp"

namespace fovea {
namespace {

const std::string kPrecisionKey(kCascadeKeys);
const std::string kPicturesKey = "fovea.cascade.pictures";
const std::string kLargestKey = "fovea.cascade.largest";
const std::string kRmsKey = "fovea.cascade.rms";
const std::string kRiskKey = "fovea.cascade.risk";

/// A checkpoint with some tensors left out and others renamed.
class Form final : public Checkpoint {
 public:
  Form(std::unique_ptr<Checkpoint> whole, std::optional<Precision> quick)
      : whole_(std::move(whole)), metadata_(whole_->metadata()) {
    std::set<std::string, std::less<>> rounded;  // names of the tensors that the quick form has of its own
    for (const TensorView& tensor : whole_->tensors()) {
      if (tensor.name.starts_with(kQuickPrefix)) rounded.insert(tensor.name.substr(kQuickPrefix.size()));
    }
    for (TensorView tensor : whole_->tensors()) {
      const bool of_quick = tensor.name.starts_with(kQuickPrefix);
      if (of_quick) tensor.name.erase(0, kQuickPrefix.size());
      const bool wanted = quick ? of_quick || !rounded.contains(tensor.name) : !of_quick;
      if (wanted) tensors_.push_back(std::move(tensor));
    }
    std::sort(tensors_.begin(), tensors_.end(),
              [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
    if (quick) metadata_[std::string(kQuantizedKey)] = name(*quick);
  }
  [[nodiscard]] std::string_view format() const noexcept override { return whole_->format(); }
  [[nodiscard]] std::span<const TensorView> tensors() const noexcept override { return tensors_; }
  [[nodiscard]] std::map<std::string, std::string> metadata() const override { return metadata_; }
  [[nodiscard]] WeightsOrigin origin() const override { return whole_->origin(); }
  void forget() const noexcept override { whole_->forget(); }

 private:
  std::unique_ptr<Checkpoint> whole_;
  std::map<std::string, std::string> metadata_;
  std::vector<TensorView> tensors_;
};

Error damaged(std::string_view file, std::string_view key, std::string_view text) {
  return {ErrorCode::kCheckpoint,
          fmt::format("{}: {} is '{}', expected what `fovea quantize --cascade` writes", file, key, text),
          "run it again on the model's original checkpoint"};
}

/// A deviation that a normal variable exceeds, on either side, with this probability: in standard deviations.
double normal_tail(double probability) {
  double low = 0;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) > probability ? low : high) = middle;
  }
  return high;
}

}  // namespace

double CascadeInfo::estimate() const {
  return normal_tail(risk) * rms;
}

double CascadeInfo::margin() const {
  return std::max(estimate(), largest);
}

double CascadeInfo::largest_exceeded() const {
  return 1.0 - std::pow(0.05, 1.0 / static_cast<double>(pictures));
}

std::optional<CascadeInfo> stored_cascade(const Checkpoint& checkpoint, std::string_view file) {
  const auto texts = checkpoint.metadata();
  const auto found = texts.find(kPrecisionKey);
  if (found == texts.end()) return std::nullopt;
  CascadeInfo cascade;
  const std::string& precision = found->second;
  if (precision != name(Precision::kInt8) && precision != name(Precision::kBf16)) {
    throw damaged(file, kPrecisionKey, precision);
  }
  cascade.quick = precision == name(Precision::kInt8) ? Precision::kInt8 : Precision::kBf16;
  const auto read = [&](const std::string& key, auto& value, bool zero) {
    const auto text = texts.find(key);
    if (text == texts.end()) throw damaged(file, key, "missing");
    const char* const end = text->second.data() + text->second.size();
    const auto [stopped, error] = std::from_chars(text->second.data(), end, value);
    const auto number = static_cast<double>(value);
    if (error != std::errc() || stopped != end || !std::isfinite(number) || number < 0 || (number == 0 && !zero)) {
      throw damaged(file, key, text->second);
    }
  };
  read(kPicturesKey, cascade.pictures, false);
  read(kLargestKey, cascade.largest, true);
  read(kRmsKey, cascade.rms, true);
  read(kRiskKey, cascade.risk, false);
  return cascade;
}

std::map<std::string, std::string> cascade_metadata(const CascadeInfo& cascade) {
  return {{kPrecisionKey, std::string(name(cascade.quick))},
          {kPicturesKey, std::to_string(cascade.pictures)},
          {kLargestKey, fmt::format("{}", cascade.largest)},
          {kRmsKey, fmt::format("{}", cascade.rms)},
          {kRiskKey, fmt::format("{}", cascade.risk)}};
}

std::unique_ptr<Checkpoint> cascade_form(std::unique_ptr<Checkpoint> checkpoint, std::optional<Precision> quick) {
  return std::make_unique<Form>(std::move(checkpoint), quick);
}

CascadeInfo measure_cascade(std::span<const std::vector<float>> exact, std::span<const std::vector<float>> quick,
                            bool alone, double risk, Precision precision) {
  constexpr std::size_t kBest = 10;  // classes of a picture that are compared with each other
  CascadeInfo cascade;
  cascade.quick = precision;
  cascade.pictures = exact.size();
  cascade.risk = risk;
  double squares = 0;
  std::size_t changes = 0;
  const auto note = [&](double change) {
    cascade.largest = std::max(cascade.largest, std::abs(change));
    squares += change * change;
    ++changes;
  };
  for (std::size_t picture = 0; picture < exact.size(); ++picture) {
    std::vector<double> moved;  // what rounding added to the logit of each of the best classes
    for (const std::size_t c : top_k(quick[picture], kBest)) {
      moved.push_back(static_cast<double>(quick[picture][c]) - static_cast<double>(exact[picture][c]));
    }
    for (std::size_t a = 0; a < moved.size(); ++a) {
      if (alone) note(moved[a]);
      for (std::size_t b = 0; b < a; ++b) note(moved[a] - moved[b]);
    }
  }
  if (changes > 0) cascade.rms = std::sqrt(squares / static_cast<double>(changes));
  return cascade;
}

}  // namespace fovea
