# What programs and extensions link that are unpacked on other systems. Included by FindFoveaOpenCV.cmake.

# The symbols that glibc or libstdc++ has in a version newer than those of glibc 2.34's systems, in an older form.
add_library(fovea_older_symbols STATIC ${CMAKE_CURRENT_LIST_DIR}/older_symbols.cpp)
foreach(symbol IN ITEMS hypot hypotf _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE)
  target_link_options(fovea_older_symbols INTERFACE LINKER:--wrap=${symbol})
endforeach()

# OpenCV::Core and OpenCV::ImgProc from Debian's archives. Their shared libraries bring 25 others, down to OpenGL's and X11's;
# the parts that fovea uses need only what is linked here.
foreach(part IN ITEMS Core ImgProc)
  string(TOLOWER ${part} lower)
  find_library(FoveaOpenCV_${part}_ARCHIVE NAMES libopencv_${lower}.a REQUIRED)
  add_library(OpenCV::${part} STATIC IMPORTED GLOBAL)
  set_target_properties(OpenCV::${part} PROPERTIES
    IMPORTED_LOCATION ${FoveaOpenCV_${part}_ARCHIVE}
    INTERFACE_INCLUDE_DIRECTORIES ${FoveaOpenCV_INCLUDE_DIR}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${FoveaOpenCV_INCLUDE_DIR})
endforeach()
find_package(TBB REQUIRED)
add_library(fovea_opencv_unused STATIC ${CMAKE_CURRENT_LIST_DIR}/opencv_unused.cpp)
target_link_libraries(OpenCV::ImgProc INTERFACE OpenCV::Core)
target_link_libraries(OpenCV::Core INTERFACE
  fovea_opencv_unused fovea_older_symbols TBB::tbb ZLIB::ZLIB ${CMAKE_DL_LIBS})

# Carried in place of JBIG's library. Its folder has no other file, so that it can be searched before the system's.
add_library(fovea_jbig SHARED ${CMAKE_CURRENT_LIST_DIR}/jbig_unused.cpp)
set_target_properties(fovea_jbig PROPERTIES PREFIX "" OUTPUT_NAME libjbig SUFFIX .so.0 UNITY_BUILD OFF
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/carried)
target_link_options(fovea_jbig PRIVATE LINKER:--as-needed)
