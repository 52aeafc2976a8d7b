# Finds OpenCV::Core, OpenCV::ImgProc and OpenCV::ImgCodecs one by one, because OpenCV's own config links everything.
find_path(FoveaOpenCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
set(vars FoveaOpenCV_INCLUDE_DIR)
foreach(part IN ITEMS Core ImgProc ImgCodecs)
  string(TOLOWER ${part} lower)
  find_library(FoveaOpenCV_${part} NAMES opencv_${lower})
  list(APPEND vars FoveaOpenCV_${part})
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FoveaOpenCV REQUIRED_VARS ${vars})
if(FOVEA_RELOCATABLE)
  include(FoveaRelocatable)
endif()
foreach(part IN ITEMS Core ImgProc ImgCodecs)
  if(FoveaOpenCV_FOUND AND NOT TARGET OpenCV::${part})
    add_library(OpenCV::${part} SHARED IMPORTED GLOBAL)
    set_target_properties(OpenCV::${part} PROPERTIES
      IMPORTED_LOCATION ${FoveaOpenCV_${part}}
      INTERFACE_INCLUDE_DIRECTORIES ${FoveaOpenCV_INCLUDE_DIR}
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${FoveaOpenCV_INCLUDE_DIR})
  endif()
endforeach()
# Its own core is the shared one, whatever OpenCV::Core is.
set_target_properties(OpenCV::ImgCodecs PROPERTIES INTERFACE_LINK_LIBRARIES ${FoveaOpenCV_Core})
