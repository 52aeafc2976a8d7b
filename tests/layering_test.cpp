// Downward arrows only, each third-party library behind one door: every #include and every use of OpenMP under src/ and
// include/ is held against the two tables below. Folders and files stay small enough to be read.
#include <fmt/format.h>
#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/shared.hpp"

namespace fovea::test {
namespace {

namespace fs = std::filesystem;

struct Layer {
  std::string_view name;
  std::vector<std::string_view> may_include;
};
// What each folder under src/ may include besides itself and fovea/*.hpp.
const std::vector<Layer> kLayers = {
    {"cli", {"hub", "pipeline", "report", "explain", "model", "checkpoint", "image", "base"}},
    {"hub", {"model", "checkpoint", "base"}},
    {"pipeline", {"model", "explain", "learn", "report", "image", "base"}},
    {"model", {"nn", "checkpoint", "base"}},
    {"report", {"image", "base"}},
    {"explain", {"base"}},
    {"learn", {"base"}},
    {"nn", {"base"}},
    {"checkpoint", {"base"}},
    {"image", {"base"}},
    {"base", {}},
};

struct Door {
  std::string_view library;
  std::vector<std::string_view> headers;  // shell patterns
  std::vector<std::string_view> doors;    // shell patterns of the files that may include them
};
// The first row whose headers match decides; `*` also matches slashes.
const std::vector<Door> kDoors = {
    {"oneDNN", {"oneapi/dnnl/*", "dnnl*"}, {"src/nn/linear/onednn.hpp"}},
    {"OpenMP", {"omp.h"}, {"src/base/parallel.cpp", "src/nn/*"}},
    {"OpenCV imgcodecs", {"opencv2/imgcodecs*"}, {"src/image/module/imgcodecs_module.cpp"}},
    {"OpenCV",
     {"opencv2/*"},
     {"src/image/preprocess/patches.cpp", "src/image/overlay/overlay.cpp", "src/image/overlay/text.cpp",
      "src/image/module/imgcodecs_module.cpp"}},
    {"libjpeg-turbo", {"jpeglib.h", "jerror.h"}, {"src/image/codec/jpeg.cpp"}},
    {"libpng", {"png.h"}, {"src/image/codec/png.cpp"}},
    {"libdeflate", {"libdeflate.h"}, {"src/image/codec/run_deflate.cpp"}},
    {"libwebp", {"webp/*"}, {"src/image/codec/webp.cpp"}},
    {"libtiff", {"tiffio.h"}, {"src/image/module/tiff_module.cpp", "src/image/module/tiff_samples*"}},
    {"OpenJPEG", {"openjpeg.h"}, {"src/image/module/jpeg2000_module.cpp"}},
    {"libheif", {"libheif/*"}, {"src/image/module/heif_module.cpp"}},
    {"libjxl", {"jxl/*"}, {"src/image/module/jxl_module.cpp"}},
    {"libcurl", {"curl/*"}, {"src/hub/module/curl_module.cpp"}},
    {"libarchive", {"archive.h", "archive_entry.h"}, {"src/pipeline/module/unpack_module.cpp"}},
    {"Eigen",
     {"Eigen/*"},
     {"src/model/weights/pos_embed.cpp", "src/explain/gradient_row.cpp", "src/explain/spearman.cpp",
      "src/explain/methods/*", "src/learn/logistic.cpp", "src/learn/near_duplicates.cpp",
      "src/learn/audit/neural_pca.cpp", "src/learn/audit/spectral.cpp", "src/learn/strangeness.cpp", "src/learn/symmetric_eigen.*"}},
    {"Spectra", {"Spectra/*"}, {"src/learn/audit/spectral.cpp"}},
    {"CLI11", {"CLI/*"}, {"src/cli/*"}},
    {"nlohmann-json",
     {"nlohmann/*"},
     {"src/checkpoint/formats/*", "src/model/config/*", "src/model/learned/*", "src/model/recipe/*", "src/report/*",
      "src/hub/listing.cpp"}},
    {"Nettle", {"nettle/*"}, {"src/base/sha256.cpp", "src/hub/content_hash.cpp"}},
    {"zlib", {"zlib.h"}, {"src/checkpoint/formats/zip_inflate.cpp", "src/report/explore/packed_attention.cpp"}},
    {"Highway",
     {"hwy/*"},
     {"src/nn/*", "src/image/preprocess/resample_kernels.cpp", "src/image/overlay/blend_kernels.cpp",
      "src/base/simd/*"}},
    {"fmt", {"fmt/*"}, {"src/*"}},
    {"x86 intrinsics (AMX)", {"immintrin.h"}, {"src/nn/kernels/amx_kernels.cpp"}},
    {"the C library",
     {"sys/*", "dirent.h", "unistd.h", "fcntl.h", "dlfcn.h", "sched.h", "malloc.h", "fnmatch.h"},
     {"src/*"}},
};
constexpr std::string_view kOpenMp = "omp.h";  // the header that stands for pragmas and calls, too

bool matches_any(const std::string& text, const std::vector<std::string_view>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    return fnmatch(std::string(pattern).c_str(), text.c_str(), 0) == 0;
  });
}

const Layer* find_layer(std::string_view name) {
  const auto found = std::find_if(kLayers.begin(), kLayers.end(), [&](const Layer& l) { return l.name == name; });
  return found == kLayers.end() ? nullptr : &*found;
}

// "src/image/codec/codec.cpp" → "image"; empty outside src/.
std::string layer_of(const std::string& file) {
  if (!file.starts_with("src/")) return {};
  const auto end = file.find('/', 4);
  return end == std::string::npos ? std::string{} : file.substr(4, end - 4);
}

bool is_standard(const std::string& header) {
  return header.find_first_of("./") == std::string::npos;
}

struct Include {
  std::string header;
  bool quoted = false;
};
// Highway compiles the file named by HWY_TARGET_INCLUDE once for each target: it is an include, too.
std::optional<Include> parse_include(const std::string& line) {
  static const std::regex kPattern(R"rx(^\s*#\s*(?:include|define\s+HWY_TARGET_INCLUDE)\s*([<"])([^>"]+)[>"])rx");
  std::smatch match;
  if (!std::regex_search(line, match, kPattern)) return std::nullopt;
  return Include{match[2], match[1] == "\""};
}

/// "#pragma omp" or "omp_get_max_threads" outside a comment: OpenMP can be used without its header.
std::optional<std::string> openmp_use(const std::string& line) {
  static const std::regex kPattern(R"rx(#\s*pragma\s+omp\b|_Pragma\s*\(\s*"omp\b|\bomp_\w+)rx");
  const std::string code = line.substr(0, line.find("//"));
  std::smatch match;
  if (!std::regex_search(code, match, kPattern)) return std::nullopt;
  const std::string use = match.str();
  return use.starts_with("omp_") ? use : "#pragma omp";
}

const Door* door_of(const std::string& header) {
  const auto found =
      std::find_if(kDoors.begin(), kDoors.end(), [&](const Door& door) { return matches_any(header, door.headers); });
  return found == kDoors.end() ? nullptr : &*found;
}

// What is wrong with the use of OpenMP in this line; none if nothing is.
std::optional<std::string> openmp_complaint(const std::string& file, std::size_t number, const std::string& line) {
  const auto use = openmp_use(line);
  const Door& door = *door_of(std::string(kOpenMp));
  if (!use || matches_any(file, door.doors)) return std::nullopt;
  return fmt::format("{}:{}: {} is no door to {} ({})", file, number, file, door.library, *use);
}

// What is wrong with this line of `file` (relative to the repository); none if nothing is.
std::optional<std::string> complaint(const std::string& file, std::size_t number, const std::string& line) {
  if (auto openmp = openmp_complaint(file, number, line)) return openmp;
  const auto include = parse_include(line);
  if (!include || (!include->quoted && is_standard(include->header))) return std::nullopt;
  const std::string& header = include->header;
  const auto say = [&](const std::string& what) { return fmt::format("{}:{}: {}", file, number, what); };
  if (include->quoted && header.starts_with("fovea/")) return std::nullopt;
  if (file.starts_with("include/")) return say(fmt::format("a public header may not include {}", header));

  const std::string from = layer_of(file);
  const Layer* layer = find_layer(from);
  if (layer == nullptr) return say(fmt::format("'{}' is no layer", from));
  if (include->quoted) {
    const std::string to = header.substr(0, header.find('/'));
    if (find_layer(to) == nullptr) return say(fmt::format("{} names no layer, expected <layer>/<file>", header));
    const bool allowed = to == from || std::count(layer->may_include.begin(), layer->may_include.end(), to) > 0;
    if (!allowed) return say(fmt::format("{}/ may not include {}/", from, to));
    return std::nullopt;
  }
  const Door* door = door_of(header);
  if (door == nullptr) return say(fmt::format("{} belongs to no library of the table", header));
  if (matches_any(file, door->doors)) return std::nullopt;
  return say(fmt::format("{} is no door to {} ({})", file, door->library, header));
}

struct Scan {
  std::size_t files = 0;
  std::size_t includes = 0;
  std::vector<std::string> complaints;
  std::set<std::pair<std::string_view, std::string_view>> doors;  // library and door that some file goes through
};
Scan scan(const fs::path& root) {
  Scan result;
  for (const char* top : {"src", "include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp" && extension != ".def" && extension != ".in") continue;
      ++result.files;
      const std::string file = fs::relative(entry.path(), root).generic_string();
      std::ifstream stream(entry.path());
      std::string line;
      for (std::size_t number = 1; std::getline(stream, line); ++number) {
        if (auto found = complaint(file, number, line)) result.complaints.push_back(*found);
        const auto include = parse_include(line);
        if (!include) continue;
        ++result.includes;
        const Door* door = include->quoted ? nullptr : door_of(include->header);
        if (door == nullptr) continue;
        for (const std::string_view pattern : door->doors) {
          if (matches_any(file, {pattern})) result.doors.emplace(door->library, pattern);
        }
      }
    }
  }
  return result;
}

TEST(Layering, EveryIncludePointsDownwardAndGoesThroughItsDoor) {
  const Scan result = scan(source_dir());
  EXPECT_GT(result.files, 50U);
  EXPECT_GT(result.includes, 200U);
  for (const std::string& found : result.complaints) ADD_FAILURE() << found;
}

TEST(Layering, SomeFileGoesThroughEachDoor) {
  const Scan result = scan(source_dir());
  for (const Door& door : kDoors) {
    for (const std::string_view pattern : door.doors) {
      EXPECT_TRUE(result.doors.contains({door.library, pattern})) << pattern << " includes nothing of " << door.library;
    }
  }
}

TEST(Layering, EveryFolderUnderSrcIsALayerAndEveryLayerAFolder) {
  std::vector<std::string> folders;
  for (const auto& entry : fs::directory_iterator(source_dir() / "src")) {
    if (entry.is_directory()) folders.push_back(entry.path().filename());
  }
  std::vector<std::string> layers;
  for (const Layer& layer : kLayers) layers.emplace_back(layer.name);
  std::sort(folders.begin(), folders.end());
  std::sort(layers.begin(), layers.end());
  EXPECT_EQ(folders, layers);
}

TEST(Layering, FoldersAreTwoDeepAndHoldAtMostFifteenUnits) {
  std::map<fs::path, std::set<std::string>> units;  // by folder; the files of one name are a unit
  for (const auto& entry : fs::recursive_directory_iterator(source_dir() / "src")) {
    const fs::path path = fs::relative(entry.path(), source_dir() / "src");
    const auto depth = std::distance(path.begin(), path.end());
    if (entry.is_directory()) {
      EXPECT_LE(depth, 2) << path << ": a level's rooms have no rooms of their own";
    } else if (depth > 1) {
      units[path.parent_path()].insert(path.stem());
    }
  }
  EXPECT_GE(units.size(), kLayers.size());
  for (const auto& [folder, names] : units) EXPECT_LE(names.size(), 15U) << folder;
}

TEST(Layering, NoSourceFileIsLongerThan320Lines) {
  std::size_t files = 0;
  for (const char* top : {"src", "include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source_dir() / top)) {
      if (entry.is_directory() || entry.path().extension() == ".txt") continue;  // a .txt is data
      ++files;
      std::ifstream stream(entry.path());
      const auto lines = std::count(std::istreambuf_iterator<char>(stream), {}, '\n');
      EXPECT_LE(lines, 320) << fs::relative(entry.path(), source_dir());
    }
  }
  EXPECT_GT(files, 50U);
}

TEST(Layering, ArrowsPointDownwardInTheTableItself) {
  // The table is ordered from the top: a layer may name only layers that come after it.
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    for (const std::string_view below : kLayers[i].may_include) {
      const Layer* layer = find_layer(below);
      ASSERT_NE(layer, nullptr) << below;
      EXPECT_GT(layer - kLayers.data(), static_cast<std::ptrdiff_t>(i)) << kLayers[i].name << " -> " << below;
    }
  }
}

TEST(Layering, TheCheckerCatchesEachKindOfViolation) {
  struct Case {
    const char* file;
    const char* line;
    const char* expected;
  };
  const Case cases[] = {
      {"src/report/pages/html.cpp", "#include \"pipeline/batch.hpp\"",
       "src/report/pages/html.cpp:7: report/ may not include pipeline/"},
      {"src/nn/linear/linear.cpp", "  #  include \"image/codec.hpp\"",
       "src/nn/linear/linear.cpp:7: nn/ may not include image/"},
      {"src/base/text.cpp", "#include \"cli/app.hpp\"", "src/base/text.cpp:7: base/ may not include cli/"},
      {"src/image/codec/codec.cpp", "#include \"helpers.hpp\"",
       "src/image/codec/codec.cpp:7: helpers.hpp names no layer, expected <layer>/<file>"},
      {"src/cli/app.cpp", "#include <oneapi/dnnl/dnnl.hpp>",
       "src/cli/app.cpp:7: src/cli/app.cpp is no door to oneDNN (oneapi/dnnl/dnnl.hpp)"},
      {"src/image/codec/jpeg.cpp", "#include <opencv2/imgcodecs.hpp>",
       "src/image/codec/jpeg.cpp:7: src/image/codec/jpeg.cpp is no door to OpenCV imgcodecs (opencv2/imgcodecs.hpp)"},
      {"src/model/config/config.cpp", "#include <Eigen/Dense>",
       "src/model/config/config.cpp:7: src/model/config/config.cpp is no door to Eigen (Eigen/Dense)"},
      {"src/base/text.cpp", "#include <boost/format.hpp>",
       "src/base/text.cpp:7: boost/format.hpp belongs to no library of the table"},
      {"src/explain/head_fusion.cpp", "#pragma omp parallel for schedule(static)",
       "src/explain/head_fusion.cpp:7: src/explain/head_fusion.cpp is no door to OpenMP (#pragma omp)"},
      {"src/image/overlay/field.cpp", "  _Pragma(\"omp simd\")",
       "src/image/overlay/field.cpp:7: src/image/overlay/field.cpp is no door to OpenMP (#pragma omp)"},
      {"src/base/parallel.hpp", "  const int threads = omp_get_max_threads();",
       "src/base/parallel.hpp:7: src/base/parallel.hpp is no door to OpenMP (omp_get_max_threads)"},
      {"src/extra/new.cpp", "#include \"base/text.hpp\"", "src/extra/new.cpp:7: 'extra' is no layer"},
      {"src/image/preprocess/resample.cpp", "#define HWY_TARGET_INCLUDE \"nn/kernels.cpp\"",
       "src/image/preprocess/resample.cpp:7: image/ may not include nn/"},
      {"include/fovea/image.hpp", "#include <opencv2/core.hpp>",
       "include/fovea/image.hpp:7: a public header may not include opencv2/core.hpp"},
      {"include/fovea/model.hpp", "#include \"nn/linear.hpp\"",
       "include/fovea/model.hpp:7: a public header may not include nn/linear.hpp"},
  };
  for (const Case& c : cases) {
    const auto found = complaint(c.file, 7, c.line);
    ASSERT_TRUE(found.has_value()) << c.file << ": " << c.line;
    EXPECT_EQ(*found, c.expected);
  }
}

TEST(Layering, TheCheckerLetsGoodIncludesPass) {
  const std::pair<const char*, const char*> cases[] = {
      {"src/cli/verbs/classify.cpp", "#include \"pipeline/batch.hpp\""},
      {"src/model/forward/encoder_block.cpp", "#include \"nn/linear.hpp\""},
      {"src/report/pages/html.cpp", "#include \"report/registry.hpp\""},
      {"src/nn/linear/onednn.hpp", "#include <oneapi/dnnl/dnnl.hpp>"},
      {"src/image/preprocess/patches.cpp", "#include <opencv2/imgproc.hpp>"},
      {"src/image/codec/png.cpp", "#include <png.h>"},
      {"src/base/text.cpp", "#include <fmt/format.h>"},
      {"src/base/text.cpp", "#include <vector>"},
      {"src/nn/kernels/share.hpp", "#pragma omp parallel for schedule(static)"},
      {"src/explain/rollout.cpp", "  sum(rows);  // once a loop with omp_get_max_threads() parts"},
      {"src/base/text.cpp", "// report/ once had #include \"pipeline/batch.hpp\""},
      {"include/fovea/model.hpp", "#include \"fovea/image.hpp\""},
      {"include/fovea/model.hpp", "#include <vector>"},
  };
  for (const auto& [file, line] : cases) {
    EXPECT_EQ(complaint(file, 7, line), std::nullopt) << file << ": " << line;
  }
}

}  // namespace
}  // namespace fovea::test
