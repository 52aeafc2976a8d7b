#include "hub/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/files.hpp"
#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{64} << 20U;  // of one answer of the API
constexpr std::size_t kMostPages = 200;                     // of 1,000 files each
constexpr std::uint64_t kMostSize = std::uint64_t{1} << 50U;

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

constexpr const char* kStrangeHub = "the hub is damaged or not what it says: do not trust this model";

class Text : public HttpReceiver {
 public:
  void begin(const HttpAnswer& answer) override {
    text.clear();
    if (answer.status == 206) throw PassingFailure(answer.url.origin + " answers with a part, expected the whole");
  }
  void take(std::span<const std::byte> bytes) override {
    if (text.size() + bytes.size() > kMostBytes) {
      throw Error(ErrorCode::kUnreadable, fmt::format("the hub's answer goes on after {} bytes", kMostBytes),
                  kStrangeHub);
    }
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

struct Page {
  json value;
  std::string next;  // address of the next page; empty: none
};

/// Link: <https://…>; rel="next"
std::string next_of(const HttpAnswer& answer) {
  static const std::regex kNext(R"re(<([^>]{1,4000})>\s*;\s*rel="next")re");
  const std::string links(answer.value("link").substr(0, 8000));
  std::smatch match;
  return std::regex_search(links, match, kNext) ? match[1].str() : std::string();
}

Page ask(const HttpClient& client, const Url& url, const HubModel& model, const HubOptions& options) {
  Retries retries(model.repo, options.pause, false);
  for (;;) {
    try {
      Text body;
      const HttpAnswer answer = client.get(url, {}, body);
      if (!answer.has_body()) refuse(answer, model, client);
      return {json::parse(body.text), next_of(answer)};
    } catch (const PassingFailure& failure) {
      retries.after(failure);
    } catch (const json::exception& error) {
      throw Error(ErrorCode::kUnreadable,
                  fmt::format("{}: answers with something else than JSON: {}", url.origin, to_utf8(error.what())),
                  "the endpoint may be no hub, or a page stands before it that wants to be looked at in a browser");
    }
  }
}

/// Empty where it has no such text.
std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

[[noreturn]] void fail_entry(const HubModel& model, const std::string& what) {
  throw Error(ErrorCode::kCheckpoint, fmt::format("{}: the hub lists {}", model.repo, what), kStrangeHub);
}

HubFile file_of(const json& entry, const HubModel& model) {
  HubFile file;
  file.path = text_at(entry, "path");
  if (!is_inner_path(file.path)) {
    fail_entry(model, fmt::format("a file '{}', expected a path in the model's folder",
                                  printable(to_utf8(file.path.substr(0, 200)))));
  }
  const auto lfs = entry.find("lfs");
  const bool large = lfs != entry.end() && lfs->is_object();
  const json& described = large ? *lfs : entry;
  file.etag = text_at(described, "oid");
  const auto size = described.find("size");
  if (size == described.end() || !size->is_number_unsigned() || size->get<std::uint64_t>() > kMostSize) {
    fail_entry(model, fmt::format("{} without a size that can be", file.path));
  }
  file.size = size->get<std::uint64_t>();
  if (!is_hex(file.etag, large ? 64 : 40)) {
    fail_entry(model, fmt::format("{} with the hash '{}', expected {} hex digits", file.path,
                                  printable(to_utf8(file.etag.substr(0, 100))), large ? 64 : 40));
  }
  return file;
}

std::string api(const HubModel& model) {
  return "/api/models/" + model.repo;
}

}  // namespace

bool is_commit(std::string_view text) {
  return is_hex(text, 40);
}

bool is_inner_path(std::string_view path) {
  if (path.empty() || path.size() > 1000 || path.ends_with('/')) return false;
  if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\\'; })) {
    return false;
  }
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return true;
}

std::string ask_commit(const HttpClient& client, const HubModel& model, const HubOptions& options) {
  if (is_commit(model.revision)) return model.revision;
  const Url url = client.address(api(model) + "/revision/" + percent_encoded(model.revision, false));
  const Page page = ask(client, url, model, options);
  std::string commit = page.value.is_object() ? text_at(page.value, "sha") : std::string();
  if (!is_commit(commit)) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: the hub says that its commit is '{}', expected 40 hex digits", model.repo,
                            printable(to_utf8(commit.substr(0, 100)))),
                kStrangeHub);
  }
  return commit;
}

std::vector<HubFile> ask_files(const HttpClient& client, const HubModel& model, const std::string& commit,
                               const HubOptions& options) {
  std::vector<HubFile> files;
  Url url = client.address(fmt::format("{}/tree/{}?recursive=true&expand=false", api(model), commit));
  for (std::size_t page_number = 0; page_number < kMostPages; ++page_number) {
    const Page page = ask(client, url, model, options);
    if (!page.value.is_array()) fail_entry(model, "something else than files");
    for (const json& entry : page.value) {
      if (!entry.is_object()) fail_entry(model, "something else than files");
      if (text_at(entry, "type") == "file") files.push_back(file_of(entry, model));
    }
    if (page.next.empty()) return files;
    url = resolve_url(url, page.next);
    if (!client.is_endpoint(url)) fail_entry(model, fmt::format("more of its files at {}", url.origin));
  }
  fail_entry(model, fmt::format("more than {} pages of files", kMostPages));
}

std::vector<std::string> listed_paths(std::string_view tree) {
  std::vector<std::string> paths;
  const json value = json::parse(tree, nullptr, false);
  const auto version = value.is_object() ? value.find("format_version") : value.end();
  if (version == value.end() || *version != 1) return paths;
  const auto files = value.find("files");
  if (files == value.end() || !files->is_object()) return paths;
  for (const auto& [path, facts] : files->items()) {
    if (is_inner_path(path)) paths.push_back(path);
  }
  return paths;
}

void refuse(const HttpAnswer& answer, const HubModel& model, const HttpClient& client) {
  if (!client.is_endpoint(answer.url)) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: {}, where the hub leads, answers {}", model.repo, answer.url.origin, answer.status),
                "try it again later: the hub's storage may be out of order");
  }
  const std::string_view code = answer.value("x-error-code");
  const char* const ask_for_token =
      client.has_token()
          ? "the token that was sent may not read it: look at its permissions"
          : "a private model needs a token: HF_TOKEN, or the file HF_HOME/token that `hf auth login` writes";
  if (code == "GatedRepo") {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: is gated, expected a token of somebody who may read it", model.repo),
                "accept the model's conditions on its page of the hub; then set HF_TOKEN");
  }
  if (code == "RevisionNotFound") {
    throw Error(
        ErrorCode::kNotFound,
        fmt::format("{}: has no revision '{}', expected a branch, a tag or a commit", model.repo, model.revision),
        "without @REV it is the branch main");
  }
  if (code == "EntryNotFound") {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: the hub lists a file that it does not have", model.repo),
                "try it again: the model may just be changing");
  }
  if (code == "RepoNotFound" || answer.status == 401 || answer.status == 404) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("{}: no such model, or a private one ({} answers {})", model.repo, answer.url.origin,
                            answer.status),
                ask_for_token);
  }
  if (answer.status == 403) {
    throw Error(ErrorCode::kUnreadable,
                fmt::format("{}: may not be read ({} answers 403)", model.repo, answer.url.origin), ask_for_token);
  }
  throw Error(ErrorCode::kUnreadable, fmt::format("{}: {} answers {}", model.repo, answer.url.origin, answer.status),
              "the endpoint may be no hub: HF_ENDPOINT names it");
}

}  // namespace fovea
