# Creates the Conan package and builds and runs test_package/ against it, in a Conan home of its own whose only remote is
# packaging/conan-index. Besides steps.cmake's it expects CONAN.
if(NOT CONAN)
    message("SKIPPED: the Conan package (conan is absent; scripts/setup --all installs it)")
    return()
endif()
include("${CMAKE_CURRENT_LIST_DIR}/steps.cmake")

set(ENV{CONAN_HOME} "${WORK}/home")
set(ENV{CXX} "${COMPILER}")
# Nothing may be fetched: whoever tries meets a closed door.
foreach(variable http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY)
    set(ENV{${variable}} "http://127.0.0.1:9")
endforeach()

# Built from a copy: the test package is built inside its own folder.
file(COPY "${SOURCE}/test_package" DESTINATION "${WORK}")

run("${CONAN}" profile detect)
run("${CONAN}" remote remove "*")
run("${CONAN}" remote add system "${SOURCE}/packaging/conan-index" --type local-recipes-index)
run(
    "${CONAN}" create "${SOURCE}" --build missing -s compiler.cppstd=20 -c "tools.cmake.cmaketoolchain:generator=${GENERATOR}"
    -c "tools.build:cxxflags=['-Wall','-Wextra']" --test-folder "${WORK}/test_package"
)
