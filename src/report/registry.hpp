// Each format's file defines <name>_format(), its row of the registry.
#pragma once

#include "report/writer.hpp"

namespace fovea {

#define FOVEA_REPORT_FORMAT(name) [[nodiscard]] ReportFormat name##_format();
#include "report/formats.def"
#undef FOVEA_REPORT_FORMAT

}  // namespace fovea
