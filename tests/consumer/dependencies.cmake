# Versions of Eigen and xsimd that segkit accepts and refuses, and in which words; made-up packages stand for them.
include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")

foreach(version 3.3.9 3.4.0 5.0.1)
    make_package(Eigen3 ${version} Eigen3::Eigen)
endforeach()
foreach(version 8.0.5 8.1.0 14.3.0)
    # Linked to a library that is not there, as Debian's package is.
    make_package(xsimd ${version} xsimd "set_property(TARGET xsimd PROPERTY INTERFACE_LINK_LIBRARIES xtl)\n")
endforeach()

function(expect eigen xsimd words)
    expect_configure(
        "${SOURCE}" "${words}" -DSEGKIT_BUILD_TESTS=OFF -DSEGKIT_BUILD_EXAMPLES=OFF "-DEigen3_DIR=${WORK}/Eigen3-${eigen}"
        "-Dxsimd_DIR=${WORK}/xsimd-${xsimd}"
    )
endfunction()
expect(3.4.0 8.1.0 "")
expect(5.0.1 14.3.0 "")
expect(3.3.9 8.1.0 "segkit needs Eigen 3.4 or later; found 3.3.9")
expect(3.4.0 8.0.5 "segkit needs xsimd 8.1 or later; found 8.0.5")
