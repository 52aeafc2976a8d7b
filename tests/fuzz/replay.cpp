// replay FOLDER: gives every file of a corpus to the target it is linked with. `good_*` must be accepted, `bad_*`
// refused; for others, found by a fuzzer, it is enough to come back.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Whether it behaved as its name says.
bool replay(const fs::path& path) {
  const std::string name = path.filename();
  std::fprintf(stderr, "%s: ", name.c_str());
  const std::string content = content_of(path);
  const bool accepted = fovea::fuzz::accepts(std::as_bytes(std::span(content)));
  std::fprintf(stderr, "%s\n", accepted ? "accepted" : "refused");
  return !(accepted ? name.starts_with("bad_") : name.starts_with("good_"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(argv[1])) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  const auto wrong = std::count_if(inputs.begin(), inputs.end(), [](const fs::path& path) { return !replay(path); });
  std::fprintf(stderr, "%zu inputs, %zd not as their names say\n", inputs.size(), wrong);
  return inputs.empty() || wrong > 0 ? 1 : 0;
}
