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

build_and_run(find_package "-Dsegkit_ROOT=${WORK}/prefix" "-DSEGKIT_VERSION_WANTED=${VERSION}")
