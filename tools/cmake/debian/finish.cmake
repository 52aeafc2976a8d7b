# Run by CPack when it has installed the components, before it packs them.
set(stage ${CPACK_TEMPORARY_DIRECTORY})
set(program ${stage}/program/usr)

# What Debian wants otherwise than an installation: manuals are compressed, and its own copies of licences are referred to.
execute_process(COMMAND gzip -9n ${program}/share/man/man1/fovea.1 COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${program}/share/doc/fovea/LICENSE ${stage}/models/usr/share/fovea/weights/vit_tiny_tin200/LICENSE)

# The libraries of the program become Depends, those of its modules Recommends.
file(GLOB modules ${program}/lib/fovea/*.so)
set(scratch ${stage}/../shlibdeps)
file(MAKE_DIRECTORY ${scratch}/debian)
file(WRITE ${scratch}/debian/control "")
execute_process(
  COMMAND dpkg-shlibdeps -O -dDepends ${program}/bin/fovea ${program}/libexec/fovea -dRecommends ${modules}
  WORKING_DIRECTORY ${scratch} OUTPUT_VARIABLE found COMMAND_ERROR_IS_FATAL ANY)
foreach(field IN ITEMS Depends Recommends)
  if(NOT found MATCHES "shlibs:${field}=([^\n]+)")
    message(FATAL_ERROR "dpkg-shlibdeps found no ${field}:\n${found}")
  endif()
  string(TOUPPER ${field} upper)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_${upper} ${CMAKE_MATCH_1})
endforeach()
