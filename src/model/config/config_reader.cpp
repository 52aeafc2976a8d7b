#include "model/config/config_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {

using nlohmann::json;

namespace {

constexpr const char* kHint = "correct the file, or download it again from the checkpoint's source";

}  // namespace

ConfigReader::ConfigReader(std::string file, std::string name, std::string_view text)
    : file_(std::move(file)), file_name_(std::move(name)) {
  try {
    root_ = json::parse(text);
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kCheckpoint, fmt::format("{}: the file is not JSON: {}", file_, to_utf8(error.what())),
                kHint);
  }
  if (!root_.is_object()) fail("the file", fmt::format("a JSON {}", root_.type_name()), "an object");
}

void ConfigReader::fail(std::string_view thing, std::string_view actual, std::string_view expected) const {
  throw Error(ErrorCode::kCheckpoint, fmt::format("{}: {} is {}, expected {}", file_, thing, actual, expected), kHint);
}

bool ConfigReader::forget(std::string_view dotted) {
  json* parent = &root_;
  while (parent->is_object()) {
    if (parent->erase(std::string(dotted)) > 0) return true;  // a key may have dots of its own
    const std::size_t dot = dotted.find('.');
    if (dot == std::string_view::npos) return false;
    const auto child = parent->find(std::string(dotted.substr(0, dot)));
    if (child == parent->end()) return false;
    parent = &*child;
    dotted.remove_prefix(dot + 1);
  }
  return false;
}

const json* ConfigReader::find(const json& parent, const char* key) {
  const auto found = parent.find(key);
  return found == parent.end() || found->is_null() ? nullptr : &*found;
}

json ConfigReader::object(const json& parent, const char* key) const {
  const json* found = find(parent, key);
  if (found == nullptr) return json::object();
  if (!found->is_object()) fail(key, found->dump(), "an object");
  return *found;
}

std::optional<std::string> ConfigReader::text(const json& parent, const char* key) const {
  const json* found = find(parent, key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) fail(key, found->dump(), "a string");
  return found->get<std::string>();
}

std::optional<bool> ConfigReader::flag(const json& parent, const char* key) const {
  const json* found = find(parent, key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_boolean()) fail(key, found->dump(), "true or false");
  return found->get<bool>();
}

std::optional<double> ConfigReader::number(const json& parent, const char* key) const {
  const json* found = find(parent, key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number()) fail(key, found->dump(), "a number");
  return found->get<double>();
}

std::optional<std::size_t> ConfigReader::count(const json& parent, const char* key) const {
  const json* found = find(parent, key);
  if (found == nullptr) return std::nullopt;
  return as_count(*found, key);
}

std::size_t ConfigReader::as_count(const json& value, const char* key) const {
  constexpr std::size_t kMost = 1'000'000;
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
    fail(key, value.dump(), fmt::format("a whole number up to {}", kMost));
  }
  return value.get<std::size_t>();
}

Size ConfigReader::as_size(const json& value, const char* key) const {
  if (!value.is_array()) {
    const auto side = static_cast<int>(as_count(value, key));
    return {side, side};
  }
  if (value.size() != 2 && value.size() != 3) fail(key, value.dump(), "[3, height, width]");
  if (value.size() == 3 && as_count(value[0], key) != 3) fail(key, value.dump(), "three channels");
  return {static_cast<int>(as_count(value[value.size() - 2], key)),
          static_cast<int>(as_count(value[value.size() - 1], key))};
}

std::optional<std::array<float, 3>> ConfigReader::rgb(const json& parent, const char* key) const {
  const json* found = find(parent, key);
  if (found == nullptr) return std::nullopt;
  const bool three = found->is_array() && found->size() == 3 &&
                     std::all_of(found->begin(), found->end(), [](const json& value) { return value.is_number(); });
  if (!three) fail(key, found->dump(), "three numbers");
  std::array<float, 3> values{};
  for (std::size_t c = 0; c < 3; ++c) values[c] = static_cast<float>((*found)[c].get<double>());
  return values;
}

}  // namespace fovea
