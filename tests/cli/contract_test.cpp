// The tables of record keys in GUIDE.md are what the program writes: no key more, none less.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/error.hpp"
#include "fovea/precision.hpp"
#include "support/pictures.hpp"
#include "support/process.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea::test {
namespace {

/// The type of a record and a key, spelled as in GUIDE.md: {"result", "maps[].target.label"}.
using TableKey = std::pair<std::string, std::string>;

std::string text_of(const TableKey& key) {
  return key.first + ": " + key.second;
}

struct Promise {
  TableKey key;
  bool rare = false;  // comes only in a situation that the runs below do not make
};

/// The rows "| `type` | `key`, `key` † | meaning |".
std::vector<Promise> promises() {
  static const std::regex kRow(R"(^\| `(\w+)` \| (`[^|]*) \| .* \|$)");
  static const std::regex kKey("`([^`]+)`( †)?");
  std::vector<Promise> found;
  std::istringstream guide(read_text(source_dir() / "GUIDE.md"));
  for (std::string line; std::getline(guide, line);) {
    std::smatch row;
    if (!std::regex_match(line, row, kRow)) continue;
    const std::string keys = row[2];
    for (std::sregex_iterator key(keys.begin(), keys.end(), kKey), end; key != end; ++key) {
      found.push_back({{row[1], (*key)[1]}, (*key)[2].matched});
    }
  }
  return found;
}

/// "options.*" stands for every key below `options`.
bool covers(const TableKey& promised, const TableKey& written) {
  if (promised.first != written.first) return false;
  if (promised.second == written.second) return true;
  const std::string_view stem = std::string_view(promised.second).substr(0, promised.second.size() - 1);
  return promised.second.ends_with(".*") && written.second.starts_with(stem);
}

class Contract : public testing::Test {
 protected:
  Contract() {
    write_tiny_model_folder(folder_ / "model");
    write_text(folder_ / "labels.txt", "n01440764 tench, Tinca tinca\nn01443537 goldfish\nshark\nray\ncock\n");
    write_picture(folder_ / "in/large.jpg", 600, 800);
    write_picture(folder_ / "in/small.png", 40, 48, 1);
    write_picture(folder_ / "in/\xff.png", 40, 48, 2);
    write_text(folder_ / "in/broken.png", "no picture");
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::string run(std::vector<std::string> arguments) const {
    const ProcessResult result = run_fovea(arguments);
    EXPECT_LE(result.exit_code, 1) << arguments.front() << result.err;
    return result.out;
  }
  void look_at(const nlohmann::json& record) { look_at(record.at("type"), "", record); }
  void look_at_document(const std::string& text) { look_at(nlohmann::json::parse(text)); }
  void look_at_lines(const std::string& text) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) look_at(nlohmann::json::parse(line));
  }
  /// With the tiny model, as json lines.
  void look_at_rows(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin() + 1, {"-m", at("model"), "-f", "jsonl"});
    look_at_lines(run(std::move(arguments)));
  }

  std::set<TableKey> written_;
  TempFolder folder_;

 private:
  /// Notes the keys of the leaves.
  void look_at(const std::string& type, const std::string& path, const nlohmann::json& value) {
    if (value.is_object()) {
      for (const auto& [key, below] : value.items()) look_at(type, path.empty() ? key : path + '.' + key, below);
    } else if (value.is_array()) {
      for (const auto& below : value) look_at(type, path + "[]", below);
    } else {
      written_.insert({type, path});
    }
  }
};

bool can_quantize() {
  try {
    require_precision(Precision::kInt8);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST_F(Contract, TheGuideHasTheKeysOfAllRecordsAndNoOthers) {
  const std::string in = at("in");
  const std::string labels = at("labels.txt");
  look_at_rows({"classify", in, at("in/\xfe.png"), "--labels", labels});
  look_at_rows({"classify", in, "--decode", "fast"});
  look_at_rows({"classify", in, "--keep", "0.5"});
  look_at_rows({"embed", in, "-o", at("features.npy")});
  look_at_rows({"explain",        in,         "-o",        at("maps"),     "--method", "generic",      "--method",
                "libra",          "--method", "attention", "--target",     "top1",     "--against",    "top2",
                "--faithfulness", "--panel",  "--sheet",   "--map-format", "npy",      "--map-format", "png16",
                "--map-format",   "json"});
  look_at_rows({"explain", in, "--compare", "rollout,generic"});
  look_at_rows({"explain", in, "--test-methods", "--method", "libra,rollout"});
  look_at_rows({"explain", in, "--test-methods", "--plant", "--method", "rollout"});
  run({"batch", "-m", at("model"), in, "-o", at("out"), "--labels", labels});
  look_at_lines(read_text(folder_ / "out/results.jsonl"));
  look_at_document(read_text(folder_ / "out/summary.json"));
  run({"batch", "-m", at("model"), in, "-o", at("shared"), "--shard", "0/1"});
  look_at_document(read_text(folder_ / "shared/run.json"));
  look_at_document(read_text(folder_ / "shared/shards/00000-of-00001/summary.json"));
  look_at_document(run({"inspect", at("model"), "-v", "-f", "json", "--labels", labels}));
  look_at_document(run({"inspect", "-f", "json"}));
  look_at_document(run({"models", "-f", "json"}));
  look_at_document(run({"doctor", at("model"), at("in/large.jpg"), "-f", "json"}));
  for (std::size_t i = 0; i < 24; ++i) {
    const std::string kind = std::to_string(i % 3);
    write_texture(folder_ / "kinds" / kind / (std::to_string(i) + ".png"), i % 7 == 0 ? 1 : i % 3,
                  i);  // some are wrong
  }
  write_texture(folder_ / "kinds/3/24.png", 2, 24);  // one picture alone, which is remarked
  write_text(folder_ / "kinds/0/broken.png", "no picture");
  write_text(folder_ / "decisions.csv", "file_name,decision,label\n0/0.png,keep,\n");
  look_at_document(run({"learn", "-m", at("model"), at("kinds"), "-o", at("mine.safetensors"), "--unknown", "0.05",
                        "--decisions", at("decisions.csv"), "-f", "json"}));
  look_at_document(run({"audit", "-m", at("model"), at("kinds"), "-o", at("audited"), "--drop", "1:1", "-f", "json"}));
  look_at_lines(run({"classify", "-m", at("mine.safetensors"), in, "-f", "jsonl"}));
  write_tiny_model_folder(folder_ / "other", 2);
  write_text(folder_ / "seven.txt", "0\n1\n2\n3\n4\n5\n6\n");
  look_at_document(run({"eval", at("kinds"), "-m", at("model"), "-m", at("other"), "--maps", "rollout", "-f", "json"}));
  look_at_document(run({"eval", at("kinds"), "-m", at("mine.safetensors"), "-f", "json"}));
  run({"classify", "-r", at("kinds/1"), "-m", at("model"), "-f", "jsonl", "-o", at("rows.jsonl")});
  look_at_document(run({"eval", at("kinds"), "--from", at("rows.jsonl"), "--labels", at("seven.txt"), "-f", "json"}));
  look_at_document(run({"bench", "-m", at("model"), "--seconds", "0.1", "--roofline", "--faithfulness", "--folder", in,
                        "--keep", "0.5", "--decode", "fast", "-f", "json"}));
  if (can_quantize()) {
    look_at_document(
        run({"quantize", at("model"), at("small.safetensors"), "--calibrate", in, "--report", "-f", "json"}));
    const std::string both = at("both.safetensors");
    look_at_document(run({"quantize", at("model"), both, "--calibrate", in, "--cascade", "-f", "json"}));
    look_at_document(run({"inspect", both, "-f", "json"}));
    look_at_lines(run({"classify", "-m", both, in, "--precision", "cascade", "-f", "jsonl"}));
    look_at_document(run(
        {"bench", "-m", both, "--precision", "cascade", "--folder", in, "--seconds", "0.1", "-f", "json"}));
    run({"batch", "-m", both, in, "-o", at("both"), "--precision", "cascade"});
    look_at_document(read_text(folder_ / "both/summary.json"));
  }

  const std::vector<Promise> promised = promises();
  ASSERT_GT(promised.size(), 200U) << "GUIDE.md's tables were not found";
  constexpr std::string_view kTwin = "_base64";  // of a path that is not UTF-8
  for (TableKey key : written_) {
    if (key.second.ends_with(kTwin)) key.second.resize(key.second.size() - kTwin.size());
    const bool found =
        std::any_of(promised.begin(), promised.end(), [&](const Promise& p) { return covers(p.key, key); });
    EXPECT_TRUE(found) << text_of(key) << " is written and not in GUIDE.md";
  }
  for (const Promise& promise : promised) {
    if (promise.rare || (promise.key.first == "quantized" && !can_quantize())) continue;
    const bool found =
        std::any_of(written_.begin(), written_.end(), [&](const TableKey& key) { return covers(promise.key, key); });
    EXPECT_TRUE(found) << text_of(promise.key) << " is in GUIDE.md and not written";
  }
}

TEST_F(Contract, TheGuideHasTheColumnsOfTheTables) {
  const std::string guide = read_text(source_dir() / "GUIDE.md");
  const std::string rows = run({"classify", "-m", at("model"), at("in"), "-k", "2", "-f", "csv"});
  EXPECT_EQ(rows.substr(0, rows.find('\n')), "index,path,width,height,label1,probability1,label2,probability2,error");
  EXPECT_NE(guide.find("`index,path,width,height,label1,probability1,…,labelK,probabilityK,error`"), std::string::npos);
  const std::string table = run({"explain", "-m", at("model"), at("in"), "--compare", "rollout", "-f", "csv"});
  const std::string columns = table.substr(0, table.find("agreement_"));
  EXPECT_NE(guide.find('`' + columns + "agreement_METHOD…`"), std::string::npos) << columns;
}

}  // namespace
}  // namespace fovea::test
