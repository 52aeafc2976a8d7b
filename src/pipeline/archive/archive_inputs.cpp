#include "pipeline/archive/archive_inputs.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "base/files.hpp"
#include "base/mapped_file.hpp"
#include "base/open_file.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"
#include "pipeline/archive/tar.hpp"
#include "pipeline/archive/unpacked.hpp"
#include "report/files/label_table.hpp"

namespace fovea {
namespace {

constexpr std::size_t kMostNames = 1'000'000;  // of one argument
constexpr std::size_t kMostLabelBytes = 1'000'000;

/// "a/b.x.jpg" → "b.x.jpg"
std::string_view base_of(std::string_view member) {
  return member.substr(member.rfind('/') + 1);
}

/// "a/b.x.jpg" → "a/b": what the members of one sample have in common.
std::string key_of(std::string_view member) {
  const std::size_t dot = base_of(member).find('.');
  const std::size_t after = dot == std::string_view::npos ? 0 : base_of(member).size() - dot;
  return std::string(member.substr(0, member.size() - after));
}

std::optional<std::string> trimmed(std::string_view text) {
  constexpr std::string_view kSpace(" \t\r\n\0", 5);
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

/// As it is called in rows and below the output folder: a name that leads nowhere else.
std::string plain_name(std::string_view member) {
  while (member.starts_with("./")) member.remove_prefix(2);
  while (member.starts_with('/')) member.remove_prefix(1);
  return std::string(member);
}

bool leads_outside(const std::string& name) {
  const std::filesystem::path path(name);
  return std::find(path.begin(), path.end(), "..") != path.end();
}

/// The numbers of "000..127", with as many digits.
std::vector<std::string> numbers_between(std::string_view first, std::string_view last) {
  const auto value_of = [](std::string_view digits) -> std::optional<std::size_t> {
    constexpr std::size_t kMostDigits = 9;
    const bool all_digits = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits.empty() || digits.size() > kMostDigits || !all_digits) return std::nullopt;
    return std::stoul(std::string(digits));
  };
  const auto from = value_of(first);
  const auto to = value_of(last);
  if (!from || !to || *from > *to || *to - *from >= kMostNames) return {};
  const bool padded = (first.size() > 1 && first.front() == '0') || (last.size() > 1 && last.front() == '0');
  const std::size_t width = padded ? std::max(first.size(), last.size()) : 1;
  std::vector<std::string> numbers;
  for (std::size_t i = *from; i <= *to; ++i) numbers.push_back(fmt::format("{:0{}}", i, width));
  return numbers;
}

/// What stands for the braces' content: "000..127" or "train,val". None: they are no such braces.
std::vector<std::string> alternatives(std::string_view content) {
  if (const std::size_t dots = content.find(".."); dots != std::string_view::npos) {
    return numbers_between(content.substr(0, dots), content.substr(dots + 2));
  }
  std::vector<std::string> words;
  if (content.find(',') == std::string_view::npos) return words;
  for (std::size_t at = 0; at <= content.size();) {
    const std::size_t end = std::min(content.find(',', at), content.size());
    words.emplace_back(content.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

std::vector<std::string> expand(const std::string& text) {
  const std::size_t open = text.find('{');
  const std::size_t close = open == std::string::npos ? open : text.find('}', open);
  if (close == std::string::npos) return {text};
  const std::vector<std::string> words = alternatives(std::string_view(text).substr(open + 1, close - open - 1));
  if (words.empty()) return {text};
  std::vector<std::string> names;
  const std::vector<std::string> rests = expand(text.substr(close + 1));
  if (words.size() > kMostNames / std::max<std::size_t>(rests.size(), 1)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: stands for more than {} names", printable(text), kMostNames),
                "give fewer at a time");
  }
  for (const std::string& word : words) {
    for (const std::string& rest : rests) names.push_back(fmt::format("{}{}{}", text.substr(0, open), word, rest));
  }
  return names;
}

/// The pictures of one archive, found in its headers.
class ArchiveLister {
 public:
  ArchiveLister(std::string path, std::string name, std::string label_key, std::shared_ptr<UnpackedArchives> unpacked)
      : path_(std::move(path)),
        name_(std::move(name)),
        label_key_(std::move(label_key)),
        unpacked_(std::move(unpacked)) {}

  std::vector<Input> list() {
    try {
      if (looks_compressed(path_)) {
        const std::shared_ptr<const UnpackedArchive> archive = unpacked_->open(path_);
        add_all(MappedFile(archive->file, archive->bytes, path_), archive->damage);
      } else {
        unpacked_ = nullptr;
        add_all(MappedFile(path_), {});
      }
    } catch (const Error& error) {
      inputs_.push_back({path_, name_, Failure{error.code(), error.what(), error.hint()}});
    }
    return std::move(inputs_);
  }

 private:
  /// @param damage  of what is around the archive
  void add_all(const MappedFile& file, const std::string& damage) {
    const TarListing listing = list_tar(file.bytes());
    for (const TarMember& member : listing.members) add(member, file.bytes());
    for (std::size_t i = 0; i < inputs_.size(); ++i) set_label(inputs_[i], keys_[i]);
    const std::string& found = damage.empty() ? listing.damage : damage;
    if (!found.empty()) fail(ErrorCode::kDecode, fmt::format("the archive {}", found));
  }

  void add(const TarMember& member, std::span<const std::byte> archive) {
    const std::string name = plain_name(member.name);
    if (base_of(name).starts_with('.')) return;
    const bool may_say_label = name.ends_with(label_key_.empty() ? ".cls" : ".json");
    if (may_say_label && member.refused.empty() && member.bytes <= kMostLabelBytes) {
      const auto content = archive.subspan(member.offset, member.bytes);
      const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
      const auto label = label_key_.empty() ? trimmed(text) : label_in_json(text, label_key_);
      if (label) labels_.insert_or_assign(key_of(name), *label);
    }
    if (!looks_like_image(name)) return;
    Input input{fmt::format("{}#{}", path_, name), fmt::format("{}/{}", name_, name), std::nullopt};
    input.file = path_;
    input.part = FilePart{member.offset, member.bytes, unpacked_};
    const std::string reason = !member.refused.empty() ? member.refused
                               : leads_outside(name)   ? "has a name with '..'"
                                                       : std::string();
    if (!reason.empty()) {
      input.name = name_;
      input.failure =
          Failure{ErrorCode::kUnreadable,
                  fmt::format("{}: the member {}, expected a plain file", printable(input.path), reason), ""};
    }
    keys_.push_back(key_of(name));
    inputs_.push_back(std::move(input));
  }

  void set_label(Input& input, const std::string& key) const {
    if (const auto label = labels_.find(key); label != labels_.end()) input.label = label->second;
  }

  void fail(ErrorCode code, const std::string& what) {
    inputs_.push_back({path_, name_, Failure{code, fmt::format("{}: {}", printable(path_), what), ""}});
  }

  std::string path_;
  std::string name_;
  std::string label_key_;
  std::shared_ptr<UnpackedArchives> unpacked_;  // null for an archive that is not compressed
  std::vector<Input> inputs_;
  std::vector<std::string> keys_;              // of the inputs
  std::map<std::string, std::string> labels_;  // by key
};

/// The bytes of a member.
std::vector<std::byte> read_member(const Input& input, const OpenFile& file) {
  std::vector<std::byte> content(input.part->bytes);
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t got = ::pread(file.descriptor(), content.data() + done, content.size() - done,
                                static_cast<off_t>(input.part->offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw unreadable(input.file, errno);
    if (got == 0) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: the archive ends before the member does", printable(input.path)),
                  "it has become shorter since it was listed: run again");
    }
    done += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace

bool looks_like_tar(std::string_view name) {
  return to_lower(name).ends_with(".tar") || looks_compressed(name);
}

std::vector<std::string> expand_archive_names(const std::string& argument) {
  if (!looks_like_tar(argument) || exists(argument)) return {argument};
  return expand(argument);
}

std::vector<Input> list_archive(const std::string& path, const std::string& name, const std::string& label_key,
                                const std::shared_ptr<UnpackedArchives>& unpacked) {
  return ArchiveLister(path, name, label_key, unpacked).list();
}

std::string archive_of(const std::string& path) {
  for (std::size_t at = path.find('#'); at != std::string::npos; at = path.find('#', at + 1)) {
    if (looks_like_tar(std::string_view(path).substr(0, at))) return path.substr(0, at);
  }
  return {};
}

std::vector<std::byte> read_input_file(const Input& input) {
  if (!input.part) return read_file(input.path);
  if (!input.part->unpacked) return read_member(input, open_regular_file(input.file));
  const std::shared_ptr<const UnpackedArchive> archive = input.part->unpacked->open(input.file);
  return read_member(input, archive->file);
}

}  // namespace fovea
