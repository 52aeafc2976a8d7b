# `fovea_options`: the compile options of every target of the project.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
option(FOVEA_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(FOVEA_BUILD_BENCHMARKS "Build the kernel benchmarks (Google Benchmark)" OFF)
option(FOVEA_BUILD_FUZZERS "Build the fuzz targets with libFuzzer (needs clang)" OFF)
option(FOVEA_PYTHON "Build the Python package's extension (nanobind)" OFF)
option(FOVEA_RELOCATABLE "Link OpenCV's archives, and find modules beside the program alone: for packages that are unpacked anywhere" OFF)
option(FOVEA_DEBIAN "Let cpack make Debian packages; the prefix is /usr" OFF)
option(FOVEA_TIDY "Add a ctest case of clang-tidy for each source" OFF)
option(FOVEA_WERROR "Treat warnings as errors" OFF)
set(FOVEA_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/fovea)

# Objects that were compiled once are shared by all clones and presets. clang-tidy reads the bare commands.
find_program(FOVEA_CCACHE ccache)
if(FOVEA_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT FOVEA_TIDY AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=true
    CCACHE_SLOPPINESS=pch_defines,time_macros ${FOVEA_CCACHE})
endif()

add_library(fovea_options INTERFACE)
target_compile_options(fovea_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wdouble-promotion $<$<BOOL:${FOVEA_WERROR}>:-Werror>
  # Results must not depend on which operations the compiler happens to fuse.
  -ffp-contract=off)
if(FOVEA_SANITIZE)
  target_compile_options(fovea_options INTERFACE
    -fsanitize=${FOVEA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined
    # GCC's documentation says that sanitizers cause false positives of this warning.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(fovea_options INTERFACE -fsanitize=${FOVEA_SANITIZE})
endif()
if(FOVEA_BUILD_FUZZERS)
  target_compile_options(fovea_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
