# fovea_embed(<target> <header> <file>...) generates <header>, which holds each text file as a std::string_view
# (page.html becomes kPageHtml), and lets <target> include it.
function(fovea_embed target header)
  set(constants "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} text)
    get_filename_component(name ${file} NAME)
    string(REGEX MATCHALL "[a-z0-9]+" words ${name})
    set(constant k)
    foreach(word IN LISTS words)
      string(SUBSTRING ${word} 0 1 initial)
      string(TOUPPER ${initial} initial)
      string(SUBSTRING ${word} 1 -1 rest)
      string(APPEND constant ${initial}${rest})
    endforeach()
    string(APPEND constants "inline constexpr std::string_view ${constant} = R\"fovea(${text})fovea\";\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/embedded/${header} @ONLY CONTENT
"// Made by tools/cmake/FoveaEmbed.cmake.
#pragma once

#include <string_view>

namespace fovea {

@constants@
}  // namespace fovea
")
  target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/embedded)
endfunction()
