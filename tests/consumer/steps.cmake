# What the consumer tests share. Expects SOURCE, GENERATOR, COMPILER, FLAGS and WORK.
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# A made-up package in WORK/<name>-<version> that gives <target>; as the real ones do, it refuses requests for another major version.
function(make_package name version target)
    set(folder "${WORK}/${name}-${version}")
    file(WRITE "${folder}/${name}Config.cmake" "add_library(${target} INTERFACE IMPORTED)\n${ARGN}")
    string(REGEX MATCH "^[0-9]+" major "${version}")
    file(
        WRITE "${folder}/${name}ConfigVersion.cmake"
        "set(PACKAGE_VERSION ${version})\nif(PACKAGE_FIND_VERSION_COUNT EQUAL 0 OR PACKAGE_FIND_VERSION_MAJOR EQUAL ${major})\n"
        "set(PACKAGE_VERSION_COMPATIBLE TRUE)\nendif()\n"
    )
endfunction()

# Configures `source` with the arguments after `words` and demands that it fails saying the words; without words, that it succeeds.
function(expect_configure source words)
    string(SHA1 folder "${ARGN}")
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${WORK}/${folder}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}" ${ARGN}
        RESULT_VARIABLE result
        ERROR_VARIABLE errors
        OUTPUT_QUIET
    )
    string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
    string(FIND "${errors}" "${words}" position)
    if(words STREQUAL "" AND NOT result EQUAL 0)
        message(FATAL_ERROR "${ARGN} must be accepted, and was not: ${errors}")
    elseif(NOT words STREQUAL "" AND (result EQUAL 0 OR position EQUAL -1))
        message(FATAL_ERROR "${ARGN} must be refused with \"${words}\"; the result was ${result}: ${errors}")
    endif()
    message(STATUS "as expected: ${ARGN}")
endfunction()

# Configures the project in `project`, builds it and runs its program.
function(build_and_run project)
    run(
        "${CMAKE_COMMAND}" -S "${SOURCE}/tests/consumer/${project}" -B "${WORK}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
        "-DCMAKE_CXX_FLAGS=${FLAGS}" ${ARGN}
    )
    run("${CMAKE_COMMAND}" --build "${WORK}/build")
    run("${WORK}/build/consumer")
endfunction()
