# Generates fovea/version.hpp with the commit that it was built from ("unknown" outside a repository).
find_package(Git QUIET)
set(FOVEA_COMMIT "$ENV{FOVEA_COMMIT}" CACHE STRING "The commit in --version, where the sources are no repository")
if(NOT FOVEA_COMMIT)
  set(FOVEA_COMMIT unknown)
endif()
if(Git_FOUND AND FOVEA_COMMIT STREQUAL unknown)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(FOVEA_COMMIT ${commit})
  endif()
endif()
configure_file(${PROJECT_SOURCE_DIR}/include/fovea/version.hpp.in ${PROJECT_BINARY_DIR}/include/fovea/version.hpp @ONLY)
