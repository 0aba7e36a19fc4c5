# Versions of Eigen and xsimd that segkit accepts and refuses, and in which words; made-up packages stand for them.
include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")

function(make_package name version target)
    set(folder "${WORK}/${name}-${version}")
    file(WRITE "${folder}/${name}Config.cmake" "add_library(${target} INTERFACE IMPORTED)\n${ARGN}")
    # As the real packages do: a request for another major version is refused.
    string(REGEX MATCH "^[0-9]+" major "${version}")
    file(
        WRITE "${folder}/${name}ConfigVersion.cmake"
        "set(PACKAGE_VERSION ${version})\nif(PACKAGE_FIND_VERSION_COUNT EQUAL 0 OR PACKAGE_FIND_VERSION_MAJOR EQUAL ${major})\n"
        "set(PACKAGE_VERSION_COMPATIBLE TRUE)\nendif()\n"
    )
endfunction()
foreach(version 3.3.9 3.4.0 5.0.1)
    make_package(Eigen3 ${version} Eigen3::Eigen)
endforeach()
foreach(version 8.0.5 8.1.0 14.3.0)
    # Linked to a library that is not there, as Debian's package is.
    make_package(xsimd ${version} xsimd "set_property(TARGET xsimd PROPERTY INTERFACE_LINK_LIBRARIES xtl)\n")
endforeach()

# expect(<eigen> <xsimd> <words of the message>): no words means that the versions are accepted.
function(expect eigen xsimd words)
    execute_process(
        COMMAND
            "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/build-${eigen}-${xsimd}" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
            -DSEGKIT_BUILD_TESTS=OFF -DSEGKIT_BUILD_EXAMPLES=OFF "-DEigen3_DIR=${WORK}/Eigen3-${eigen}" "-Dxsimd_DIR=${WORK}/xsimd-${xsimd}"
        RESULT_VARIABLE result
        ERROR_VARIABLE errors
        OUTPUT_QUIET
    )
    string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
    string(FIND "${errors}" "${words}" position)
    if(words STREQUAL "" AND NOT result EQUAL 0)
        message(FATAL_ERROR "Eigen ${eigen} with xsimd ${xsimd} must be accepted, and was not: ${errors}")
    elseif(NOT words STREQUAL "" AND (result EQUAL 0 OR position EQUAL -1))
        message(FATAL_ERROR "Eigen ${eigen} with xsimd ${xsimd} must be refused with \"${words}\"; the result was ${result}: ${errors}")
    endif()
    message(STATUS "Eigen ${eigen} with xsimd ${xsimd}: as expected")
endfunction()
expect(3.4.0 8.1.0 "")
expect(5.0.1 14.3.0 "")
expect(3.3.9 8.1.0 "segkit needs Eigen 3.4 or later; found 3.3.9")
expect(3.4.0 8.0.5 "segkit needs xsimd 8.1 or later; found 8.0.5")
