# Third-party libraries, as imported targets: their headers are system headers, and none brings more than is asked for.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(OneDNN REQUIRED)
find_package(FoveaOpenCV REQUIRED)

pkg_check_modules(webp REQUIRED IMPORTED_TARGET GLOBAL libwebp libwebpdemux)
add_library(WebP::WebP ALIAS PkgConfig::webp)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET GLOBAL libhwy)
add_library(hwy::hwy ALIAS PkgConfig::hwy)
pkg_check_modules(nettle REQUIRED IMPORTED_TARGET GLOBAL nettle)
add_library(Nettle::Nettle ALIAS PkgConfig::nettle)

# Eigen is header-only; only explain and model's position embeddings include it. Found without its config file's checks.
find_package(Eigen3 REQUIRED NO_MODULE)
