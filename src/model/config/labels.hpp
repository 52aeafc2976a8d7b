// Names of a model's classes: where they come from, and how users refer to a class.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/model.hpp"

namespace fovea {

struct ClassNames {
  std::vector<ClassLabel> labels;  // one for each class
  std::string source;              // where they were read from; empty if the classes have no names
};

/// WordNet's ids: "n" and eight digits.
[[nodiscard]] bool is_synset(std::string_view text);

/// "7": the index of a class, up to a million; none if the text is anything else.
[[nodiscard]] std::optional<std::size_t> class_index(std::string_view text);

/// A list of class names, in class order:
///  - text, one class a line: "tench, Tinca tinca", or with its WordNet id before it, as in ImageNet's
///  synset_words.txt:
///    "n01440764 tench, Tinca tinca"; an empty line is a class without a name;
///  - JSON: ["tench", ...], {"0": "tench", ...} or {"0": ["n01440764", "tench"], ...}; a number is a name, as of a
///  digit.
/// @param name         for messages.
/// @param num_classes  a map may leave out classes, which then have no name: it is filled up to this number
/// @throws Error       kUsage for JSON of any other form.
[[nodiscard]] std::vector<ClassLabel> parse_labels(std::string_view text, const std::string& name,
                                                   std::size_t num_classes = 0);
/// @throws Error  kUsage if the file cannot be read, or parse_labels() refuses it.
[[nodiscard]] std::vector<ClassLabel> read_labels(const std::filesystem::path& file, std::size_t num_classes = 0);

/// The 1,000 classes of ILSVRC 2012, in the order in which every library trains them.
[[nodiscard]] const std::vector<ClassLabel>& imagenet1k_labels();

/// The names from the user's file; else from the config; else ImageNet-1k's list if there are 1,000 classes; else none.
/// @throws Error  kUsage if the user's file has a different number of classes.
[[nodiscard]] ClassNames resolve_labels(const std::optional<std::filesystem::path>& file,
                                        std::vector<ClassLabel> from_config, std::size_t num_classes);

/// @throws Error  kUsage with both numbers if they differ.
void check_label_count(std::size_t labels, std::size_t num_classes, const std::string& file);

/// The class that `name` refers to: an index, a WordNet id, the whole description, or any of its comma-separated names.
/// Case is ignored.
/// @throws Error  kUsage if it matches no class (the hint names the nearest one) or several (the message lists them).
[[nodiscard]] std::size_t find_class(std::string_view name, std::span<const ClassLabel> labels);

}  // namespace fovea
