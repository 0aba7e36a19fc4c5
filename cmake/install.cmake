# Install and export: `find_package(segkit)` then gives segkit::segkit. Nothing installed depends on the architecture.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(segkit_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/segkit")

install(TARGETS segkit EXPORT segkitTargets FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT segkitTargets NAMESPACE segkit:: DESTINATION "${segkit_package_dir}")

configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/segkitConfig.cmake.in" "${PROJECT_BINARY_DIR}/segkitConfig.cmake"
    INSTALL_DESTINATION "${segkit_package_dir}"
)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/segkitConfigVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(
    FILES "${PROJECT_BINARY_DIR}/segkitConfig.cmake" "${PROJECT_BINARY_DIR}/segkitConfigVersion.cmake"
          "${CMAKE_CURRENT_LIST_DIR}/segkitDependencies.cmake"
    DESTINATION "${segkit_package_dir}"
)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/segkit")
