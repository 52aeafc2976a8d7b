// Records and summaries as the JSON objects of the contract: one place for the keys and their order.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/comparison.hpp"
#include "report/record.hpp"

namespace fovea {

/// Keys keep their order, and fractions are floats: a probability is written in its shortest form, as it was computed.
using RecordJson =
    nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

/// {"schema":1,"type":"result",…} or {"schema":1,"type":"error",…}. A failure has no size and no predictions.
[[nodiscard]] RecordJson record_object(const Record& record);
/// {"schema":1,"type":"summary",…}; "interrupted" only where true.
[[nodiscard]] RecordJson summary_object(const Summary& summary);

/// {"schema":1,"type":"comparison",…}
[[nodiscard]] RecordJson comparison_object(const Comparison& comparison);
/// Undefined where a map is flat; JSON has no NaN.
[[nodiscard]] RecordJson number_or_null(double value);
[[nodiscard]] RecordJson areas_object(const PerturbationAreas& areas);

/// On one line, without the newline; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string one_line(const RecordJson& json);

}  // namespace fovea
