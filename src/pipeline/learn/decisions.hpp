// What a person decided about pictures, which learning obeys: a table decisions.csv.
#pragma once

#include <string>

#include "pipeline/learn/labelled.hpp"
#include "report/learn/learn_report.hpp"

namespace fovea {

/// The table has the columns file_name (relative to the pictures' folder), decision and label. `keep` changes nothing,
/// `drop` takes the picture away, and `relabel` gives it another class. Other columns are passed over.
/// @return        how many of each there were
/// @throws Error  kUsage for a picture, a decision or a class that is not known, for two decisions about a picture, and
///                for a table that has not these columns; kUnreadable.
[[nodiscard]] DecisionReport apply_decisions(LabelledPictures& pictures, const std::string& file);

}  // namespace fovea
