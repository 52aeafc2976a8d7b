# Third-party libraries: those that libfovea.a is linked with, and those that leave nothing but code in it.
include(FoveaLibraries)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
