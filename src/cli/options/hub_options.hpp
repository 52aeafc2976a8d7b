// What the environment says about a hub: the variables of Python's huggingface_hub, with its meanings.
#pragma once

#include <filesystem>

#include "fovea/hub.hpp"

namespace fovea::cli {

/// HF_HUB_CACHE, or HF_HOME/hub, or XDG_CACHE_HOME/huggingface/hub, or ~/.cache/huggingface/hub; empty if there is no
/// home.
[[nodiscard]] std::filesystem::path hub_cache();

/// HF_ENDPOINT, HF_TOKEN or the file HF_TOKEN_PATH, HF_HUB_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_DISABLE_SYMLINKS,
/// HF_HUB_DISABLE_PROGRESS_BARS, SSL_CERT_FILE, and the cache.
/// @param quiet    without a bar; there is none either where standard error is no terminal
/// @throws Error   kUsage for values that make no sense.
[[nodiscard]] HubOptions hub_options(bool quiet);

}  // namespace fovea::cli
