# Third-party libraries: those that libfovea.a links, and those that are only compiled into it.
include(FoveaLibraries)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
