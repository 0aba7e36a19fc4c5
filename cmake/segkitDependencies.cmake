# Finds what segkit's headers need: Eigen3, xsimd and Threads. Used by segkit's own build and by the installed
# segkitConfig.cmake, so that both accept and refuse the same versions, in the same words.
#
# The packages are asked for without a version and checked afterwards: one versioned request cannot be met by both
# Eigen 3.4 and Eigen 5, since each accepts only its own major version.

set(SEGKIT_EIGEN_MINIMUM 3.4)
set(SEGKIT_XSIMD_MINIMUM 8.1)

# Some xsimd packages (Debian 12 among them) export a link to "xtl" without depending on the package that has it.
# xsimd's headers use xtl only for complex numbers and only when asked to, so where xtl is absent the link is dropped.
function(segkit_drop_dangling_xtl)
    get_target_property(links xsimd INTERFACE_LINK_LIBRARIES)
    if(NOT links OR NOT "xtl" IN_LIST links OR TARGET xtl)
        return()
    endif()
    find_package(xtl QUIET CONFIG)
    if(TARGET xtl)
        return()
    endif()
    list(REMOVE_ITEM links xtl)
    set_property(TARGET xsimd PROPERTY INTERFACE_LINK_LIBRARIES "${links}")
endfunction()

# Sets `problem` in the caller to an empty string, or to what is missing and what to do about it.
# A macro, so that imported targets and the packages' variables reach the caller's scope as find_package's own do.
macro(segkit_find_dependencies problem)
    set(${problem} "")
    if(NOT TARGET Eigen3::Eigen)
        find_package(Eigen3 QUIET CONFIG)
    endif()
    if(NOT TARGET xsimd)
        find_package(xsimd QUIET CONFIG)
    endif()
    if(NOT TARGET Threads::Threads)
        find_package(Threads QUIET)
    endif()

    if(NOT TARGET Eigen3::Eigen)
        set(${problem} "segkit needs Eigen ${SEGKIT_EIGEN_MINIMUM} or later (target Eigen3::Eigen), and none was found. Install it (Debian: libeigen3-dev) or set Eigen3_DIR.")
    elseif(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS SEGKIT_EIGEN_MINIMUM)
        set(${problem} "segkit needs Eigen ${SEGKIT_EIGEN_MINIMUM} or later; found ${Eigen3_VERSION} in ${Eigen3_DIR}. Install a newer one or set Eigen3_DIR to it.")
    elseif(NOT TARGET xsimd)
        set(${problem} "segkit needs xsimd ${SEGKIT_XSIMD_MINIMUM} or later (target xsimd), and none was found. Install it (Debian: libxsimd-dev) or set xsimd_DIR.")
    elseif(xsimd_VERSION AND xsimd_VERSION VERSION_LESS SEGKIT_XSIMD_MINIMUM)
        set(${problem} "segkit needs xsimd ${SEGKIT_XSIMD_MINIMUM} or later; found ${xsimd_VERSION} in ${xsimd_DIR}. Install a newer one or set xsimd_DIR to it.")
    elseif(NOT TARGET Threads::Threads)
        set(${problem} "segkit needs a threads library (segkit/exec/threads.hpp), and CMake found none for this compiler.")
    else()
        segkit_drop_dangling_xtl()
    endif()
endmacro()
