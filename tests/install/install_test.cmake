# Installs into an empty prefix, builds the project in consumer/ against it and runs it. Then moves the prefix, renames a
# label in its model and runs the installed program from another folder: only a program that finds the default model
# beside itself can answer with that label.
# cmake -D SOURCE_DIR=… -D BUILD_DIR=… -D WORK_DIR=… -D CXX=… -D CXX_FLAGS=… -D BUILD_TYPE=… -D VERSION=… -P install_test.cmake
function(run_step what)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK_DIR} RESULT_VARIABLE code OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT code EQUAL 0)
    message("${out}\n${err}")
    message(FATAL_ERROR "${what}: exit ${code}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()
function(expect_match what text pattern)
  if(NOT text MATCHES "${pattern}")
    message("${text}")
    message(FATAL_ERROR "${what}: no match for \"${pattern}\" in the text above")
  endif()
endfunction()

unset(ENV{FOVEA_MODEL})
unset(ENV{FOVEA_MODEL_PATH})
set(prefix ${WORK_DIR}/prefix)
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})

run_step("install" ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${prefix})
foreach(file IN ITEMS bin/fovea libexec/fovea lib/fovea/fovea_imgcodecs.so lib/fovea/fovea_tiff.so
        lib/fovea/fovea_jpeg2000.so lib/fovea/fovea_heif.so lib/fovea/fovea_jxl.so lib/fovea/fovea_curl.so include/fovea/classifier.hpp include/fovea/version.hpp
        share/fovea/weights/vit_tiny_tin200/model.safetensors share/man/man1/fovea.1
        share/bash-completion/completions/fovea share/zsh/site-functions/_fovea
        share/fish/vendor_completions.d/fovea.fish share/doc/fovea/LICENSE)
  file(SIZE ${prefix}/${file} size) # an error if there is no such file
  if(size EQUAL 0)
    message(FATAL_ERROR "${file} is installed empty")
  endif()
endforeach()

run_step("configure the consumer" ${CMAKE_COMMAND} -S ${SOURCE_DIR}/tests/install/consumer -B ${WORK_DIR}/consumer
  -G Ninja -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_FLAGS=${CXX_FLAGS}
  -DCMAKE_BUILD_TYPE=${BUILD_TYPE})
run_step("build the consumer" ${CMAKE_COMMAND} --build ${WORK_DIR}/consumer)
run_step("run the consumer" ${WORK_DIR}/consumer/consumer ${SOURCE_DIR}/samples/coffee.jpg ${WORK_DIR}/overlay.png)
expect_match("the consumer's answer" "${output}"
  "^${VERSION} espresso\nlibra: espresso rather than [^\n]+\n192 features\n$")
file(SIZE ${WORK_DIR}/overlay.png size)

set(moved "${WORK_DIR}/moved to another place")
file(RENAME ${prefix} ${moved})
set(config "${moved}/share/fovea/weights/vit_tiny_tin200/config.json")
file(READ ${config} text)
string(REPLACE "\"espresso\"" "\"the installed espresso\"" text "${text}")
file(WRITE ${config} "${text}")
file(COPY ${SOURCE_DIR}/samples/coffee.jpg DESTINATION ${WORK_DIR})
run_step("run the installed program" "${moved}/bin/fovea" classify -f csv coffee.jpg)
expect_match("the installed program's answer" "${output}" "coffee\\.jpg,600,400,the installed espresso,0\\.9")
file(REMOVE_RECURSE ${WORK_DIR})
