# `ctest --preset tidy`: runs clang-tidy on each source under src/, one case each. Nothing has to be built first.
# Headers are checked through the sources that include them.
file(GLOB_RECURSE tidied CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src/*.cpp)
foreach(source IN LISTS tidied)
  add_test(NAME clang-tidy.${source} COMMAND clang-tidy --quiet -p ${PROJECT_BINARY_DIR} ${source}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endforeach()
