// fovea merge: the shards of a batch become one batch.
#include "pipeline/folder/merge.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/files.hpp"
#include "base/output/folder_lock.hpp"
#include "cli/command.hpp"
#include "cli/terminal/terminal.hpp"
#include "fovea/error.hpp"

namespace fovea::cli {
namespace {

class MergeVerb : public Command {
 public:
  int run() override {
    if (operands.size() != 1) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("the number of folders is {}, expected one: the OUT of `fovea batch --shard`", operands.size()),
          "for example: fovea merge out");
    }
    const std::filesystem::path out = operands.front();
    if (!std::filesystem::is_directory(out)) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: no such folder, expected the OUT of `fovea batch --shard`", printable(out)));
    }
    const FolderLock lock(out, false);
    const Merged merged = merge_shards(out);
    const Messages messages(use_color(common.color, STDERR_FILENO));
    for (const std::string& gap : merged.gaps) {
      messages.error(gap, "`fovea batch` with the same options and --shard I/N runs a shard or goes on with it");
    }
    if (!merged.gaps.empty()) return 1;
    if (!common.quiet) {
      messages.note(fmt::format("{} shards, {} done, {} failed; look at {}", merged.shards,
                                merged.summary.counts.succeeded, merged.summary.counts.failed,
                                printable(out / "index.html")));
    }
    return 0;
  }
};

}  // namespace

const Verb merge_verb = {
    "merge",
    "Join the shards of a batch: the results of one run over all pictures",
    "OUT",
    "the folder that all shards wrote to with -o",
    {"fovea merge out                        # after the last `fovea batch photos -o out --shard I/N`",
     "seq 0 15 | parallel fovea batch photos -o out --shard {}/16 && fovea merge out",
     "fovea merge out -q || echo not yet     # it names the shards that are missing"},
    false,
    [](CLI::App& /*app*/) -> std::unique_ptr<Command> { return std::make_unique<MergeVerb>(); }};

}  // namespace fovea::cli
