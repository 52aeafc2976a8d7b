# Third-party libraries: those that libfovea.a links, and those that are only compiled into it.
include(FoveaLibraries)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(Spectra REQUIRED NO_MODULE)

# What the modules are linked with.
pkg_check_modules(tiff REQUIRED IMPORTED_TARGET GLOBAL libtiff-4)
pkg_check_modules(openjpeg REQUIRED IMPORTED_TARGET GLOBAL libopenjp2)
pkg_check_modules(heif REQUIRED IMPORTED_TARGET GLOBAL libheif)
pkg_check_modules(jxl REQUIRED IMPORTED_TARGET GLOBAL libjxl)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET GLOBAL libcurl)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET GLOBAL libarchive)
