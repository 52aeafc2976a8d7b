#include "report/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fovea/error.hpp"

namespace fovea {

std::span<const ReportFormat> report_formats() {
  static const std::array kFormats{
#define FOVEA_REPORT_FORMAT(name) name##_format(),
#include "report/formats.def"
#undef FOVEA_REPORT_FORMAT
  };
  return kFormats;
}

const ReportFormat& report_format(std::string_view name) {
  const auto formats = report_formats();
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](const ReportFormat& format) { return format.name == name; });
  if (found != formats.end()) return *found;
  std::vector<std::string> names;
  for (const ReportFormat& format : formats) names.emplace_back(format.name);
  throw Error(ErrorCode::kUsage, fmt::format("format: '{}' is unknown, expected {}", name, fmt::join(names, ", ")),
              did_you_mean(name, names));
}

}  // namespace fovea
