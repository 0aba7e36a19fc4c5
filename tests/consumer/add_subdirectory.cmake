# A project that has segkit's sources in a folder: add_subdirectory gives the target, and neither tests nor flags.
include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")
build_and_run(add_subdirectory "-DSEGKIT_SOURCE=${SOURCE}")
