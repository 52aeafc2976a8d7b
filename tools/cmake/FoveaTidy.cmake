# `ctest --preset tidy`: clang-tidy over each source under src/, a case each. Nothing needs to be built for it.
# Headers are reached through the sources that include them.
file(GLOB_RECURSE tidied CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src/*.cpp)
foreach(source IN LISTS tidied)
  add_test(NAME clang-tidy.${source} COMMAND clang-tidy --quiet -p ${PROJECT_BINARY_DIR} ${source}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endforeach()
