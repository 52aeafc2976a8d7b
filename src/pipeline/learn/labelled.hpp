// Pictures with their classes: a folder for each class, or a table of labels.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "pipeline/folder/inputs.hpp"

namespace fovea {

struct LabelledPictures {
  std::vector<Input> inputs;         // those without a class are failures
  std::vector<std::size_t> classes;  // [inputs]; of a failure anything
  std::vector<std::string> names;    // of the classes, in order; no two are equal
  std::string source;                // where the classes are from: "folders", "archives", or the table's file
  std::vector<std::string> remarks;  // what looks like a mistake
  std::size_t validation = 0;        // the last so many inputs are only measured
};

/// What labels are for, which a hint depends on.
enum class LabelUse { kLearn, kMeasure };

/// All pictures below a folder, or in the tar archives of this name.
/// @param label_key  as InputOptions::label_key
/// @param unread     as of list_inputs()
/// @throws Error     kUsage if it is none, or there are none.
[[nodiscard]] std::vector<Input> pictures_below(const std::string& folder, const std::string& label_key = {},
                                                std::vector<std::string>* unread = nullptr);
/// Says which archives below the folder gave no picture.
void remark_on_archives(std::span<const std::string> unread, LabelledPictures& pictures);

/// The classes of these inputs, whose names are relative to `folder`. The folder need not be there. Pictures of
/// archives are of the class that is stored beside them.
/// @param table   metadata.csv or metadata.jsonl by another name; empty: the one in the folder, where there is one
/// @throws Error  kUsage where folders are those of parts (train, val) rather than of classes; kUnreadable and kUsage
///                for a table that cannot be read.
[[nodiscard]] LabelledPictures label_pictures(const std::string& folder, std::vector<Input> inputs,
                                              const std::string& table, LabelUse use);

/// The pictures of `folder`. Where it holds metadata.csv or metadata.jsonl (imagefolder's, with the columns file_name
/// and label), that table says the classes; else each picture is of the class that its first folder below is called.
/// Classes are in natural order.
/// @throws Error  as label_pictures(); kUsage if there are no two classes.
[[nodiscard]] LabelledPictures list_labelled(const std::string& folder);
/// Adds the pictures of another folder, to measure on.
/// @param folder  of `pictures`, for messages
/// @throws Error  as list_labelled(); kUsage for a class there that has no pictures to learn from.
void add_validation(LabelledPictures& pictures, const std::string& folder, const std::string& validation);

/// Groups by a regular expression: names with equal matches belong together, a name that does not match stands alone.
/// The first parenthesis counts, or else the whole match.
/// @return        [names] of each the index of its group's first name
/// @throws Error  kUsage for an expression that is none.
[[nodiscard]] std::vector<std::size_t> groups_by_name(std::span<const std::string> names,
                                                      const std::string& expression);

}  // namespace fovea
