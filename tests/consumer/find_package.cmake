# Installs segkit into a prefix of its own; a project finds it there, by version, and uses it.
include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")
run("${CMAKE_COMMAND}" --install "${SEGKIT_BUILD}" --prefix "${WORK}/prefix")

# Nothing installed may point back to where it was built.
file(GLOB_RECURSE package_files "${WORK}/prefix/*.cmake")
foreach(file IN LISTS package_files)
    file(READ "${file}" content)
    foreach(folder "${SOURCE}" "${SEGKIT_BUILD}")
        string(FIND "${content}" "${folder}" position)
        if(NOT position EQUAL -1)
            message(FATAL_ERROR "${file} mentions ${folder}")
        endif()
    endforeach()
endforeach()

# The installed package refuses another minor version, and dependencies that are too old, in segkit's own words.
make_package(Eigen3 3.3.9 Eigen3::Eigen)
set(project "${SOURCE}/tests/consumer/find_package")
set(installed "-Dsegkit_ROOT=${WORK}/prefix")
expect_configure("${project}" "compatible with requested version \"0.999\"" "${installed}" -DSEGKIT_VERSION_WANTED=0.999)
expect_configure(
    "${project}" "segkit needs Eigen 3.4 or later; found 3.3.9" "${installed}" "-DSEGKIT_VERSION_WANTED=${VERSION}"
    "-DEigen3_DIR=${WORK}/Eigen3-3.3.9"
)

build_and_run(find_package "-Dsegkit_ROOT=${WORK}/prefix" "-DSEGKIT_VERSION_WANTED=${VERSION}")
