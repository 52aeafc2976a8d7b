# Install rules. The component `program` is the program, its modules, documents, man page and completions; `models` is the
# default model and the sample pictures; `dev` is the library, its headers and its package config.
include(CMakePackageConfigHelpers)
set(fovea_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)
set(fovea_weights_dir ${CMAKE_INSTALL_DATADIR}/fovea/weights)
set(FOVEA_ZSH_DIR ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING "Where zsh's completion is installed")

# The build folder has the layout of an installed prefix (bin/, libexec/, lib/fovea/, share/fovea/weights), so that the
# program finds its module and its default model by the same relative paths in both.
file(RELATIVE_PATH fovea_weights_link ${PROJECT_BINARY_DIR}/share/fovea ${PROJECT_SOURCE_DIR}/weights)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/fovea)
file(CREATE_LINK ${fovea_weights_link} ${PROJECT_BINARY_DIR}/share/fovea/weights SYMBOLIC)

install(TARGETS fovea_launcher RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(TARGETS fovea_program RUNTIME DESTINATION libexec COMPONENT program)
install(TARGETS fovea EXPORT fovea-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
# Beside bin/, whatever the library folder is called: the program looks for it in ../lib/fovea.
get_property(fovea_modules GLOBAL PROPERTY fovea_modules)
install(TARGETS ${fovea_modules} LIBRARY DESTINATION lib/fovea COMPONENT program)
install(DIRECTORY include/fovea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.hpp")
install(FILES ${PROJECT_BINARY_DIR}/include/fovea/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fovea COMPONENT dev)
install(DIRECTORY weights/ DESTINATION ${fovea_weights_dir} COMPONENT models)
install(DIRECTORY samples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/fovea/samples COMPONENT models)
install(FILES LICENSE NOTICE GUIDE.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

install(EXPORT fovea-targets NAMESPACE fovea:: DESTINATION ${fovea_config_dir} COMPONENT dev)
set(fovea_default_model ${fovea_weights_dir}/vit_tiny_tin200)
configure_package_config_file(tools/cmake/fovea-config.cmake.in ${PROJECT_BINARY_DIR}/fovea-config.cmake
  INSTALL_DESTINATION ${fovea_config_dir} PATH_VARS fovea_default_model)
# Below 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fovea-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/fovea-config.cmake ${PROJECT_BINARY_DIR}/fovea-config-version.cmake
  tools/cmake/FoveaLibraries.cmake tools/cmake/FindOneDNN.cmake tools/cmake/FindFoveaOpenCV.cmake
  DESTINATION ${fovea_config_dir} COMPONENT dev)

# The program writes its man page and completions itself, from the tables that --help is made of.
set(fovea_docs_dir ${PROJECT_BINARY_DIR}/share)
set(fovea_docs)
function(fovea_generated file destination) # ARGN: the program's arguments
  get_filename_component(folder ${fovea_docs_dir}/${file} DIRECTORY)
  add_custom_command(OUTPUT ${fovea_docs_dir}/${file}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 $<TARGET_FILE:fovea_program> ${ARGN} > ${fovea_docs_dir}/${file}
    DEPENDS fovea_program VERBATIM)
  install(FILES ${fovea_docs_dir}/${file} DESTINATION ${destination} COMPONENT program)
  set(fovea_docs ${fovea_docs} ${fovea_docs_dir}/${file} PARENT_SCOPE)
endfunction()
fovea_generated(man/fovea.1 ${CMAKE_INSTALL_MANDIR}/man1 manpage)
fovea_generated(bash/fovea ${CMAKE_INSTALL_DATADIR}/bash-completion/completions completions bash)
fovea_generated(zsh/_fovea ${FOVEA_ZSH_DIR} completions zsh)
fovea_generated(fish/fovea.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d completions fish)
add_custom_target(fovea_docs ALL DEPENDS ${fovea_docs})
