# Debian packages of an installation below /usr, by `cpack -G DEB`: fovea, fovea-models and libfovea-dev. Each release of Debian
# needs its own, built there, because the names and versions of its libraries differ; the version says for which one it is.
set(FOVEA_MAINTAINER "fovea's maintainers <maintainers@fovea.invalid>" CACHE STRING "Who answers for the Debian packages")
set(CPACK_PACKAGE_NAME fovea)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION}~deb${fovea_built_on_VERSION_ID}u1)
set(CPACK_PACKAGE_CONTACT "${FOVEA_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program models dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME fovea)
set(CPACK_COMPONENT_PROGRAM_DEPENDS models)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "classify pictures and show where a Vision Transformer looked
fovea says what a photograph shows, and colours the parts that the neural
network looked at. It works on one picture or on a folder of a hundred
thousand, on an ordinary processor, without Python and without a network.

It reads checkpoints of ViT, DeiT, DINO, BEiT, EVA, CLIP and SigLIP, learns
classes from a folder of pictures, and measures how good a model is.")
# Makes of what was installed what Debian wants. The libraries of the program become Depends, those of its modules Recommends.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian/finish.cmake)

set(CPACK_DEBIAN_MODELS_PACKAGE_NAME fovea-models)
set(CPACK_DEBIAN_MODELS_PACKAGE_ARCHITECTURE all)
set(CPACK_COMPONENT_MODELS_DESCRIPTION "default model of fovea, and sample pictures
A small Vision Transformer that knows 200 everyday things, which fovea uses
where no other model is named, and four photographs to try it with.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libfovea-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEV_DEPENDS models)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "cmake, libdeflate-dev, libdnnl-dev, libfmt-dev, libjpeg62-turbo-dev, \
libopencv-core-dev, libopencv-imgproc-dev, libpng-dev, libwebp-dev, nettle-dev, pkgconf | pkg-config, zlib1g-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "fovea (= ${CPACK_PACKAGE_VERSION})") # its modules read the rarer formats
set(CPACK_COMPONENT_DEV_DESCRIPTION "development files of fovea
The static library of fovea, its headers, and a configuration for CMake's
find_package(fovea).")

# What Debian asks of each package: a copyright and a changelog.
string(TIMESTAMP fovea_date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of $SOURCE_DATE_EPOCH
set(fovea_debian_dir ${PROJECT_BINARY_DIR}/debian)
configure_file(${CMAKE_CURRENT_LIST_DIR}/debian/changelog.in ${fovea_debian_dir}/changelog @ONLY)
file(READ NOTICE fovea_notice)
string(REGEX MATCH "WordNet Release.*" fovea_notice "${fovea_notice}")
string(REGEX REPLACE "\n\n" "\n .\n" fovea_notice "${fovea_notice}")
string(REGEX REPLACE "\n  " "\n " fovea_notice "${fovea_notice}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/debian/copyright.in ${fovea_debian_dir}/copyright @ONLY)
execute_process(COMMAND gzip -9nkf changelog WORKING_DIRECTORY ${fovea_debian_dir} COMMAND_ERROR_IS_FATAL ANY)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  install(FILES ${fovea_debian_dir}/copyright ${fovea_debian_dir}/changelog.gz COMPONENT ${component}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()
include(CPack)
