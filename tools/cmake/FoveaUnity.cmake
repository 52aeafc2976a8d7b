# Unity builds, for the presets that set CMAKE_UNITY_BUILD: a folder's sources are compiled eight at a time, as one text,
# because parsing and instantiating what they all include is most of the work of a build. So the names in a folder's
# anonymous namespaces must differ. clang-tidy and the preset `dev` compile each file alone.
function(fovea_unify target)
  if(CMAKE_UNITY_BUILD) # GCC takes a source that another one includes for a header
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  foreach(source IN LISTS sources)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE folder)
    cmake_path(REMOVE_FILENAME folder)
    string(MAKE_C_IDENTIFIER "${folder}" folder)
    math(EXPR group "0${files_in_${folder}} / 8")
    math(EXPR files_in_${folder} "0${files_in_${folder}} + 1")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder}${group})
  endforeach()
endfunction()
