# What the consumer tests share. Expects SOURCE, GENERATOR, COMPILER, FLAGS and WORK.
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

function(run)
    execute_process(COMMAND ${ARGV} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
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
