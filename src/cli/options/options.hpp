// Options that several verbs share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "fovea/image.hpp"
#include "pipeline/folder/inputs.hpp"
#include "pipeline/tensor_images.hpp"

namespace fovea::cli {

inline constexpr std::size_t kNoMost = SIZE_MAX;
/// The most images in one forward pass: no size of memory for them overflows. Runs take as many as there are inputs.
inline constexpr std::size_t kMostBatch = 1'000'000'000;

/// "a|b|c"
[[nodiscard]] std::string joined(const std::vector<std::string>& words, std::string_view between);
/// The names in a registry's table.
template <typename Table>
[[nodiscard]] std::vector<std::string> registry_names(const Table& table) {
  std::vector<std::string> names;
  for (const auto& row : table) names.emplace_back(row.name);
  return names;
}

/// Adds an option whose value is one of a set. The help shows the set; the error for a wrong value names the nearest.
CLI::Option* add_choice(CLI::App& app, const std::string& flags, std::string& value,
                        const std::vector<std::string>& choices, const std::string& about);
/// A whole number from `least` to `most`.
CLI::Option* add_count(CLI::App& app, const std::string& flags, std::size_t& value, std::size_t least,
                       const std::string& about, std::size_t most = kNoMost);
/// A whole number from 0, or none: without a default.
CLI::Option* add_count(CLI::App& app, const std::string& flags, std::optional<std::size_t>& value,
                       const std::string& about, std::size_t least = 0);
/// A number from `least` to `most`, finite where these are; an open end is no such number itself.
struct NumberRange {
  double least = 0;
  double most = 1;
  bool open_least = false;
  bool open_most = false;
};
/// What the option refuses, NaN and infinities included.
CLI::Option* require_number(CLI::Option* option, const NumberRange& range);
/// The whole of `text` as a finite number.
[[nodiscard]] std::optional<double> finite_number(std::string_view text);

/// -m -t --batch -q -v --color --config --version, and an environment variable for each option that makes sense for
/// more than one call.
void add_common_options(CLI::App& app, CommonOptions& options);
/// FOVEA_<NAME>, or empty for an option that makes sense for one call only.
[[nodiscard]] std::string environment_name(const CLI::Option& option);

/// Before the work, so that OpenMP finds the threads that it starts. The calling thread computes with so many, too.
/// @throws Error  kBackend where the system does not give them.
void claim_threads(const CommonOptions& options);

struct InputFlags {
  bool recurse = false;
  bool flat = false;  // no sub-folders, by the user's choice
  std::string files_from;
  bool nul = false;
  std::string tensor;  // a file; empty is not given
};
/// --files-from and -0; the verb adds its own flag for recursion.
void add_input_options(CLI::App& app, InputFlags& flags);
/// The files and folders that operands and lists name.
/// @throws Error  kUsage if neither is given.
[[nodiscard]] std::vector<std::string> input_arguments(std::span<const std::string> operands, const InputFlags& flags);
/// The inputs that they are, or that lie in them.
/// @param unread  as of list_inputs()
/// @throws Error  kUsage if there are none.
[[nodiscard]] std::vector<Input> collect_inputs(std::span<const std::string> arguments, const InputFlags& flags,
                                                const std::string& output_folder, std::vector<std::string>& unread);

/// --tensor
void add_tensor_option(CLI::App& app, InputFlags& flags);
/// The pictures of --tensor, or null where it is not given.
/// @throws Error  kUsage if operands or a list are given as well, or the file is no such array.
[[nodiscard]] std::shared_ptr<const TensorImages> open_tensors(std::span<const std::string> operands,
                                                               const InputFlags& flags);

struct DecodeFlags {
  std::string decode = "exact";
  std::string exif = "apply";
  std::string gray16 = "clip";
  std::size_t max_pixels = DecodeOptions{}.max_pixels;
};
void add_decode_options(CLI::App& app, DecodeFlags& flags);
/// @param recipe  whose library `--exif auto` follows
[[nodiscard]] DecodeOptions decode_options(const DecodeFlags& flags, const PreprocessRecipe& recipe);

/// -f with the registry's names.
void add_report_options(CLI::App& app, std::string& format);

/// By flag name, as text: for summary.json.
[[nodiscard]] std::map<std::string, std::string> option_texts(const DecodeFlags& decode);

}  // namespace fovea::cli
