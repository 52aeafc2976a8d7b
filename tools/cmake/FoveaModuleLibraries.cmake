# fovea_module_library(<Name> <library>): remembers which file, and which package of this system, holds the library that a
# module is linked with. fovea_write_module_libraries() writes them into base/process/module_libraries.hpp, as k<Name>Library,
# for the hints of modules whose library is missing.
cmake_host_system_information(RESULT fovea_built_on QUERY DISTRIB_INFO)
if(fovea_built_on_ID STREQUAL debian)
  set(fovea_built_on_NAME Debian)
endif()
set(fovea_built_on "${fovea_built_on_NAME} ${fovea_built_on_VERSION_ID}")
find_program(FOVEA_DPKG_QUERY dpkg-query)
set(fovea_module_libraries "")

function(fovea_module_library name library)
  get_filename_component(file "${library}" REALPATH)
  get_filename_component(soname "${file}" NAME)
  execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${file} OUTPUT_VARIABLE headers ERROR_QUIET)
  if(headers MATCHES "SONAME +([^ \n]+)")
    set(soname ${CMAKE_MATCH_1})
  endif()
  set(package "")
  if(FOVEA_DPKG_QUERY)
    execute_process(COMMAND ${FOVEA_DPKG_QUERY} -S ${file} OUTPUT_VARIABLE owner ERROR_QUIET)
    if(owner MATCHES "^([a-z0-9.+-]+)(:[a-z0-9]+)?: ")
      set(package ${CMAKE_MATCH_1})
    endif()
  endif()
  set(fovea_module_libraries
    "${fovea_module_libraries}inline constexpr ModuleLibrary k${name}Library{\"${soname}\", \"${package}\"};\n" PARENT_SCOPE)
  set(fovea_module_packages ${fovea_module_packages} ${package} PARENT_SCOPE)
endfunction()

function(fovea_write_module_libraries)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/embedded/base/process/module_libraries.hpp @ONLY CONTENT
"// Made by tools/cmake/FoveaModuleLibraries.cmake.
#pragma once

#include \"base/process/modules.hpp\"

namespace fovea {

inline constexpr const char* kBuiltOn = \"@fovea_built_on@\";
@fovea_module_libraries@
}  // namespace fovea
")
endfunction()
