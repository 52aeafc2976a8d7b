// Models of a hub: named ORG/NAME, downloaded once, and kept in the cache that Python's huggingface_hub keeps, so that
// both find what the other one has downloaded.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// The hub that is asked where no other is named.
inline constexpr std::string_view kHubEndpoint = "https://huggingface.co";

/// A model of a hub.
struct HubModel {
  std::string repo;               // "google/vit-base-patch16-224"
  std::string revision = "main";  // a branch, a tag, or a commit of 40 hex digits
};

/// "ORG/NAME" or "ORG/NAME@REV", also with "hf:", "hf://", "hf-hub:" or "hf_hub:" before it.
/// @throws Error  kUsage for what is no such name: without its one slash, with "..", or longer than 256 characters.
[[nodiscard]] HubModel parse_hub_model(std::string_view name);
/// Whether it begins with "hf:", "hf-hub:" or "hf_hub:".
[[nodiscard]] bool is_hub_name(std::string_view name) noexcept;

/// How far a download is; one call a piece, from the calling thread.
struct HubProgress {
  std::string_view file;    // being downloaded
  std::uint64_t done = 0;   // bytes, of all files, with those that were there before
  std::uint64_t total = 0;  // bytes, of all files
  bool waiting = false;     // for another program that downloads the same file
};

/// Where models come from and where they are kept. The library reads no environment: the program fills this from
/// HF_HOME and the others.
struct HubOptions {
  std::filesystem::path cache;  // the folder that holds models--ORG--NAME; it is made when it is needed
  std::string endpoint{kHubEndpoint};
  std::string token;                     // sent to the endpoint alone, over https or within this machine
  bool offline = false;                  // no connection is made
  bool symlinks = true;                  // false: each snapshot holds files of its own
  bool insecure = false;                 // plain http is allowed to another machine, without the token
  std::filesystem::path certificates;    // a file of authorities to trust; empty: the system's
  std::vector<std::string> include;      // shell patterns of further files; never code
  std::chrono::seconds timeout{10};      // without a connection, or without a byte
  std::chrono::milliseconds pause{500};  // before a second try; twice as long before each further one
  std::function<void(const HubProgress&)> on_progress = {};  // may be empty
};

/// The files of a model at one commit.
struct HubSnapshot {
  std::filesystem::path folder;  // snapshots/COMMIT: for Classifier, Session or inspect_model()
  std::string commit;            // 40 hex digits
  std::uint64_t bytes = 0;       // of the files that were asked for
  std::uint64_t downloaded = 0;  // bytes that came over the network now
  std::size_t files = 0;
};

/// Asks the hub for the model's present commit, downloads the files that loading it needs and checks the hash of every
/// file, of those that were there before, too. A download that ended early, for whatever reason, goes on where it was.
/// Two programs may do this at once. Offline it only looks whether the cache has everything.
/// @throws Error  kUnreadable where the hub cannot be reached, or refuses; kNotFound where there is no such model;
/// kOutput
///                where the cache cannot be written, or the disk has no room; kCheckpoint where a file's hash is wrong,
///                or the hub lists what cannot be; kUsage for options that make no sense.
/// @throws Interrupted
HubSnapshot pull_model(const HubModel& model, const HubOptions& options);

/// The model as the cache has it: without any connection if everything that loading it needs is there, else as
/// pull_model(). A branch is the commit that it was when it was last pulled.
/// @throws Error, Interrupted  as pull_model()
HubSnapshot find_hub_model(const HubModel& model, const HubOptions& options);

/// One commit of a model in the cache.
struct CachedModel {
  HubModel model;                // revision: a branch or tag that is this commit, or the commit
  std::filesystem::path folder;  // snapshots/COMMIT
  std::string commit;
  std::uint64_t bytes = 0;  // of its files
  bool complete = false;    // whether it can be loaded
};
/// The models of a cache that have weights or parts of weights, by name. Other repositories and broken folders are left
/// out.
[[nodiscard]] std::vector<CachedModel> cached_hub_models(const std::filesystem::path& cache);

}  // namespace fovea
