// A batch that was stopped, or is run again, continues where it was.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.hpp"
#include "fovea/session.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/folder/outputs.hpp"
#include "pipeline/predictions.hpp"
#include "report/record.hpp"

namespace fovea {

/// The first 16 hex digits of a SHA-256 over the model's hash and every option that a result depends on.
[[nodiscard]] std::string run_fingerprint(std::string_view model_sha256,
                                          const std::map<std::string, std::string>& options);

/// Whether a row's file is as it was written: a power cut or a full disk may have left a part of it, or nothing.
/// @param name  relative to the folder
[[nodiscard]] bool is_whole(const std::filesystem::path& folder, const std::string& name, const SourceStamp& claimed);

/// `row` as the record of this input, if it is still valid: same input file, same run, and
/// all output files are there with the size that the row claims.
[[nodiscard]] std::optional<Record> still_valid(const Record& row, const Input& input, std::size_t index,
                                                const OutputLayout& layout, std::string_view run);

/// The logits of an earlier --save-logits, for rows that are kept.
class SavedLogits {
 public:
  /// No file, or one with another number of classes, holds none.
  /// @param classes  outlive this
  SavedLogits(const std::filesystem::path& path, const ClassSpace& classes, const PredictionOptions& options);
  /// The row, if it gives this record's predictions; otherwise it is from another run.
  [[nodiscard]] std::optional<Logits> row_of(const Record& record) const;

 private:
  ClassSpace classes_;
  PredictionOptions options_;
  std::vector<float> values_;
};

}  // namespace fovea
