#include "model/config/labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/files.hpp"
#include "base/process/input_stream.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "model/config/imagenet_labels.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::size_t kImageNetClasses = 1000;
constexpr std::size_t kSynsetLength = 9;
constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// "n01440764 tench, Tinca tinca", "n01440764" or "tench, Tinca tinca".
ClassLabel parse_line(std::string_view line) {
  line = trimmed(line);
  ClassLabel label;
  const std::string_view first = line.substr(0, line.find_first_of(kSpace));
  if (is_synset(first)) {
    label.synset = std::string(first);
    if (first.size() < line.size()) line = trimmed(line.substr(first.size()));
  }
  if (!line.empty()) label.description = std::string(line);
  return label;
}

std::vector<ClassLabel> parse_lines(std::string_view text) {
  std::vector<ClassLabel> labels;
  labels.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    labels.push_back(parse_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return labels;
}

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}", name, what),
              R"(class names are lines of text, or JSON: ["tench", ...] or {"0": "tench", ...})");
}

/// "tench", null, or ["n01440764", "tench"] as in Keras' imagenet_class_index.json.
ClassLabel label_of(const json& value, const std::string& name, std::size_t index) {
  if (value.is_null()) return {};
  if (value.is_string()) return parse_line(value.get_ref<const std::string&>());
  if (value.is_number()) return {value.dump(), std::nullopt};
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string()) {
    return {value[1].get<std::string>(), value[0].get<std::string>()};
  }
  refuse(name, fmt::format("class {} is a JSON {}, expected its name", index, value.type_name()));
}

std::vector<ClassLabel> labels_of_map(const json& names, const std::string& name, std::size_t num_classes) {
  std::vector<ClassLabel> labels(num_classes);
  for (const auto& [key, value] : names.items()) {
    const auto c = class_index(key);
    if (!c) refuse(name, fmt::format("a key is '{}', expected the index of a class", to_utf8(key)));
    if (*c >= labels.size()) labels.resize(*c + 1);
    labels[*c] = label_of(value, name, *c);
  }
  return labels;
}

std::vector<ClassLabel> parse_json(std::string_view text, const std::string& name, std::size_t num_classes) {
  json names;
  try {
    names = json::parse(text);
  } catch (const json::exception& error) {
    refuse(name, fmt::format("it begins like JSON but is not valid: {}", to_utf8(error.what())));
  }
  if (names.is_object()) return labels_of_map(names, name, num_classes);
  std::vector<ClassLabel> labels;
  labels.reserve(names.size());
  for (const json& value : names) labels.push_back(label_of(value, name, labels.size()));
  return labels;
}

/// Whether `wanted`, in lower case, is the whole description or one of its comma-separated names.
bool is_called(const ClassLabel& label, std::string_view wanted) {
  if (!label.description) return false;
  const std::string description = to_lower(*label.description);
  if (trimmed(description) == wanted) return true;
  for (std::string_view rest = description; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (trimmed(rest.substr(0, comma)) == wanted) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

/// "30 (n02123045, tabby)": each way in which a class can be named without doubt, and what it is.
std::string class_text(std::size_t index, const ClassLabel& label) {
  std::string about = label.synset.value_or("");
  if (label.description) about += (about.empty() ? "" : ", ") + *label.description;
  return about.empty() ? std::to_string(index) : fmt::format("{} ({})", index, about);
}

std::string class_list(std::span<const std::size_t> classes, std::span<const ClassLabel> labels) {
  constexpr std::size_t kMost = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(classes.size(), kMost); ++i) {
    list += (i == 0 ? "" : "; ") + class_text(classes[i], labels[classes[i]]);
  }
  if (classes.size() > kMost) list += fmt::format("; and {} more", classes.size() - kMost);
  return printable(list);
}

/// Whether `word` stands in `text` with no letter before or after it. Both are in lower case.
bool has_word(std::string_view text, std::string_view word) {
  const auto is_letter = [&](std::size_t at) { return at < text.size() && text[at] >= 'a' && text[at] <= 'z'; };
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !is_letter(at - 1)) && !is_letter(at + word.size())) return true;
  }
  return false;
}

std::vector<std::size_t> classes_with(std::string_view word, std::span<const ClassLabel> labels) {
  std::vector<std::size_t> found;
  for (std::size_t c = 0; c < labels.size() && !word.empty(); ++c) {
    if (has_word(to_lower(labels[c].description.value_or("")), word)) found.push_back(c);
  }
  return found;
}

[[noreturn]] void fail_unknown(std::string_view name, std::span<const ClassLabel> labels) {
  std::vector<std::string> candidates;
  candidates.reserve(2 * labels.size());
  for (const ClassLabel& label : labels) {
    if (label.synset) candidates.push_back(*label.synset);
    for (std::string_view rest = label.description ? *label.description : std::string_view(); !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      candidates.emplace_back(trimmed(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  const std::vector<std::size_t> related = classes_with(name, labels);
  const auto close = nearest(name, candidates);
  const std::string hint = !related.empty() ? fmt::format("classes with this word: {}", class_list(related, labels))
                           : close          ? fmt::format("did you mean '{}'?", *close)
                                            : "`fovea inspect -f json` lists the classes";
  throw Error(ErrorCode::kUsage,
              fmt::format("class is '{}', expected an index from 0 to {}, a WordNet id or a name", printable(name),
                          labels.empty() ? 0 : labels.size() - 1),
              hint);
}

}  // namespace

bool is_synset(std::string_view text) {
  return text.size() == kSynsetLength && text[0] == 'n' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::size_t> class_index(std::string_view text) {
  constexpr std::size_t kMost = 1'000'000;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool whole = !text.empty() && end == text.data() + text.size();
  return whole && error == std::errc() && index <= kMost ? std::optional(index) : std::nullopt;
}

std::vector<ClassLabel> parse_labels(std::string_view text, const std::string& name, std::size_t num_classes) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark, as Windows editors write it
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const bool is_json = begin != std::string_view::npos && (text[begin] == '[' || text[begin] == '{');
  return is_json ? parse_json(text, name, num_classes) : parse_lines(text);
}

std::vector<ClassLabel> read_labels(const std::filesystem::path& file, std::size_t num_classes) {
  std::string text;
  try {
    text = read_named_text(file);
  } catch (const Error& error) {
    throw Error(ErrorCode::kUsage, error.what(),
                error.hint().empty() ? "--labels takes a file of class names, one a line" : error.hint());
  }
  return parse_labels(text, printable(file), num_classes);
}

const std::vector<ClassLabel>& imagenet1k_labels() {
  static const std::vector<ClassLabel> labels = parse_lines(kImagenetSynsetWordsTxt);
  return labels;
}

void check_label_count(std::size_t labels, std::size_t num_classes, const std::string& file) {
  if (labels == num_classes) return;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("{}: the number of class names is {}, expected {} (one for each class)", file, labels, num_classes),
      "write one class a line, in the order of the classes");
}

ClassNames resolve_labels(const std::optional<std::filesystem::path>& file, std::vector<ClassLabel> from_config,
                          std::size_t num_classes) {
  if (file) {
    ClassNames names{read_labels(*file, num_classes), printable(*file)};
    check_label_count(names.labels.size(), num_classes, names.source);
    return names;
  }
  if (!from_config.empty()) {
    from_config.resize(num_classes);
    return {std::move(from_config), "config.json"};
  }
  if (num_classes == kImageNetClasses) {
    return {imagenet1k_labels(), "built-in list of ImageNet-1k: there are 1000 classes and no file names them"};
  }
  return {std::vector<ClassLabel>(num_classes), ""};
}

std::size_t find_class(std::string_view name, std::span<const ClassLabel> labels) {
  const std::string wanted = to_lower(trimmed(name));
  if (const auto index = class_index(wanted); index && *index < labels.size()) return *index;
  std::vector<std::size_t> found;
  for (std::size_t c = 0; c < labels.size(); ++c) {
    if (labels[c].synset == wanted || is_called(labels[c], wanted)) found.push_back(c);
  }
  if (found.empty()) fail_unknown(wanted, labels);
  if (found.size() == 1) return found.front();
  throw Error(ErrorCode::kUsage,
              fmt::format("class '{}' matches {} classes, expected one: {}", printable(name), found.size(),
                          class_list(found, labels)),
              "give its index or its WordNet id");
}

}  // namespace fovea
