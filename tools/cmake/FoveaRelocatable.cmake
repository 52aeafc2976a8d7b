# OpenCV::Core and OpenCV::ImgProc from Debian's archives. Their shared libraries bring 25 others, down to OpenGL's and X11's;
# the parts that fovea uses need only what is linked here. Included by FindFoveaOpenCV.cmake.
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
target_link_libraries(OpenCV::Core INTERFACE fovea_opencv_unused TBB::tbb ZLIB::ZLIB ${CMAKE_DL_LIBS})
