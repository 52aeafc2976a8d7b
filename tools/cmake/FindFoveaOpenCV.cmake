# Finds OpenCV::Core, OpenCV::ImgProc and, if there is one, OpenCV::ImgCodecs one by one, because OpenCV's own config links
# everything.
find_path(FoveaOpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
foreach(part IN ITEMS Core ImgProc ImgCodecs)
  string(TOLOWER ${part} lower)
  find_library(FoveaOpenCV_${part} NAMES opencv_${lower})
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FoveaOpenCV REQUIRED_VARS FoveaOpenCV_Core FoveaOpenCV_ImgProc FoveaOpenCV_INCLUDE_DIR)
if(FOVEA_RELOCATABLE)
  include(FoveaRelocatable)
endif()
foreach(part IN ITEMS Core ImgProc ImgCodecs)
  if(FoveaOpenCV_FOUND AND FoveaOpenCV_${part} AND NOT TARGET OpenCV::${part})
    add_library(OpenCV::${part} SHARED IMPORTED GLOBAL)
    set_target_properties(OpenCV::${part} PROPERTIES
      IMPORTED_LOCATION ${FoveaOpenCV_${part}}
      INTERFACE_INCLUDE_DIRECTORIES ${FoveaOpenCV_INCLUDE_DIR}
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${FoveaOpenCV_INCLUDE_DIR})
  endif()
endforeach()
# Its own core is the shared one, whatever OpenCV::Core is.
if(TARGET OpenCV::ImgCodecs)
  set_target_properties(OpenCV::ImgCodecs PROPERTIES INTERFACE_LINK_LIBRARIES ${FoveaOpenCV_Core})
endif()
