#include "pipeline/audit/marks.hpp"

#include <functional>
#include <optional>

#include "base/process/interrupt.hpp"

namespace fovea {
namespace {

using learn::FixedPattern;
using learn::Frame;
using learn::Hue;

using Rows = std::span<const std::size_t>;
using Carried = std::vector<std::uint8_t>;

/// [n] whether a predicate holds for each picture.
Carried carried_by(std::size_t count, const std::function<bool(std::size_t)>& holds) {
  Carried carried(count);
  for (std::size_t i = 0; i < count; ++i) carried[i] = holds(i) ? 1 : 0;
  return carried;
}

/// A frame as the boxes of its edges.
std::vector<learn::RelativeBox> boxes_of(const Frame& frame, std::size_t side) {
  const auto share = [&](std::size_t edge) {
    return static_cast<double>(frame.width[edge]) / static_cast<double>(side);
  };
  std::vector<learn::RelativeBox> boxes;
  if (frame.width[0] > 0) boxes.push_back({0, 0, share(0), 1});
  if (frame.width[1] > 0) boxes.push_back({share(0), 1 - share(1), 1 - share(2), 1});
  if (frame.width[2] > 0) boxes.push_back({1 - share(2), 0, 1, 1});
  if (frame.width[3] > 0) boxes.push_back({share(0), 0, 1 - share(2), share(3)});
  return boxes;
}

class MarkSearch {
 public:
  MarkSearch(const learn::SmallPictures& pictures, Rows classes, std::size_t num_classes, std::uint64_t seed)
      : classes_(classes),
        num_classes_(num_classes),
        seed_(seed),
        side_(pictures.side),
        steps_(learn::steps_of(pictures)) {
    for (std::size_t i = 0; i < pictures.count(); ++i) {
      frames_.push_back(learn::frame_of(pictures.picture(i), pictures.side));
      const learn::TonalRange range = learn::tonal_range(pictures.picture(i));
      dark_.push_back(learn::hue_of(range.dark));
      light_.push_back(learn::hue_of(range.light));
    }
  }

  [[nodiscard]] Mark pattern_of(std::size_t c) const {
    FixedPattern pattern;
    Mark mark = search(MarkKind::kPattern, c, [&](Rows rows) {
      pattern = learn::common_pattern(steps_, rows);
      return carried_by(classes_.size(), [&](std::size_t i) { return learn::carries(pattern, steps_.picture(i)); });
    });
    if (!mark.carriers.empty()) mark.region = {learn::box_of(pattern, side_)};
    return mark;
  }
  [[nodiscard]] Mark frame_of(std::size_t c) const {
    std::optional<Frame> frame;
    Mark mark = search(MarkKind::kFrame, c, [&](Rows rows) {
      frame = learn::common_frame(frames_, rows);
      return carried_by(classes_.size(), [&](std::size_t i) { return frame && learn::same_frame(*frame, frames_[i]); });
    });
    if (!frame) return mark;
    mark.frame = *frame;
    mark.region = boxes_of(*frame, side_);
    return mark;
  }
  [[nodiscard]] Mark tint_of(std::size_t c, MarkKind kind) const {
    const std::vector<Hue>& hues = kind == MarkKind::kTint ? dark_ : light_;
    Hue hue{};
    Mark mark = search(kind, c, [&](Rows rows) {
      hue = learn::peculiar_hue(hues, classes_, num_classes_, rows);
      return carried_by(classes_.size(), [&](std::size_t i) { return learn::same_hue(hue, hues[i]); });
    });
    mark.hue = hue;
    return mark;
  }

 private:
  /// Measured out of half; then found once more, in all of the class, for who carries it.
  [[nodiscard]] Mark search(MarkKind kind, std::size_t c, const learn::FindCarriers& find) const {
    stop_if_interrupted();
    Mark mark;
    mark.kind = kind;
    mark.of_class = c;
    const std::vector<double> carried = learn::carried_out_of_half(classes_, c, seed_, find);
    mark.excess = learn::class_excess(carried, classes_, num_classes_, c);
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      if (classes_[i] == c) members.push_back(i);
    }
    const Carried all = find(members);
    for (const std::size_t i : members) {
      if (all[i] != 0) mark.carriers.push_back(i);
    }
    return mark;
  }

  Rows classes_;
  std::size_t num_classes_;
  std::uint64_t seed_;
  std::size_t side_;
  learn::PictureSteps steps_;
  std::vector<Frame> frames_;  // [n]
  std::vector<Hue> dark_;      // [n]
  std::vector<Hue> light_;     // [n]
};

}  // namespace

std::vector<Mark> look_for_marks(const learn::SmallPictures& pictures, std::span<const std::size_t> classes,
                                 std::size_t num_classes, std::uint64_t seed) {
  const MarkSearch search(pictures, classes, num_classes, seed);
  std::vector<Mark> marks;
  for (std::size_t c = 0; c < num_classes; ++c) {
    marks.push_back(search.pattern_of(c));
    marks.push_back(search.frame_of(c));
    marks.push_back(search.tint_of(c, MarkKind::kTint));
    marks.push_back(search.tint_of(c, MarkKind::kCast));
  }
  return marks;
}

}  // namespace fovea
