// Tests that need a CPU with bfloat16 units.
#pragma once

#include <gtest/gtest.h>

#include "fovea/error.hpp"
#include "fovea/precision.hpp"

/// Skips the test, visibly, if this CPU lacks the units for the precision.
#define FOVEA_NEEDS_PRECISION(precision) \
  try {                                  \
    fovea::require_precision(precision); \
  } catch (const fovea::Error& error) {  \
    GTEST_SKIP() << error.what();        \
  }
