// What each format's file offers: its row of the registry, as <name>_format().
#pragma once

#include "report/writer.hpp"

namespace fovea {

#define FOVEA_REPORT_FORMAT(name) [[nodiscard]] ReportFormat name##_format();
#include "report/formats.def"
#undef FOVEA_REPORT_FORMAT

}  // namespace fovea
