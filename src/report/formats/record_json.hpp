// Records and summaries as JSON objects: the one place that defines the keys and their order.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "report/comparison.hpp"
#include "report/record.hpp"
#include "report/statistics.hpp"

namespace fovea {

/// Keys keep their order. Fractions are floats, so that a probability is written in its shortest exact form.
using RecordJson =
    nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

/// {"schema":1,"type":"result",…} or {"schema":1,"type":"error",…}. A failure has no size and no predictions.
[[nodiscard]] RecordJson record_object(const Record& record);
/// {"schema":1,"type":"summary",…}; "interrupted" is present only if true.
[[nodiscard]] RecordJson summary_object(const Summary& summary);

/// {"schema":1,"type":"comparison",…}
[[nodiscard]] RecordJson comparison_object(const Comparison& comparison);
/// {"mean":…,"low":…,"high":…}; the bounds are null where there is no interval.
[[nodiscard]] RecordJson estimate_object(const Estimate& estimate);
/// null if the value is undefined, as the correlation with a flat map is: JSON has no NaN.
[[nodiscard]] RecordJson number_or_null(double value);
/// What becomes of patches that are taken away, in words.
[[nodiscard]] std::string_view substrate_text(Substrate substrate) noexcept;
[[nodiscard]] RecordJson areas_object(const PerturbationAreas& areas);

/// Prints JSON on one line, without the newline. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string one_line(const RecordJson& json);

}  // namespace fovea
