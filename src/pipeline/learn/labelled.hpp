// Pictures with their classes: a folder for each class, or a table of labels.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/folder/inputs.hpp"

namespace fovea {

struct LabelledPictures {
  std::vector<Input> inputs;         // those without a class are failures
  std::vector<std::size_t> classes;  // [inputs]; of a failure anything
  std::vector<std::string> names;    // of the classes, in order; no two are equal
  std::vector<std::string> remarks;  // what looks like a mistake
  std::size_t validation = 0;        // the last so many inputs are only measured
};

/// The pictures of `folder`. Where it holds metadata.csv or metadata.jsonl (imagefolder's, with the columns file_name
/// and label), that table says the classes; else each picture is of the class that its first folder below is called.
/// Classes are in natural order.
/// @throws Error  kUsage if there are no two classes, or where folders are those of parts (train, val) rather than of
///                classes; kUnreadable and kUsage for a table that cannot be read.
[[nodiscard]] LabelledPictures list_labelled(const std::string& folder);
/// The same, and the pictures of another folder to measure on.
/// @throws Error  kUsage, too, for a class there that has no pictures to learn from.
[[nodiscard]] LabelledPictures list_labelled(const std::string& folder, const std::string& validation);

}  // namespace fovea
