# Runs PROGRAM and compares what it prints with the file EXPECTED.
if(NOT EXISTS "${EXPECTED}")
    message(FATAL_ERROR "${EXPECTED} is missing; when the output is right, keep it there: ${PROGRAM} > ${EXPECTED}")
endif()
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
file(READ "${EXPECTED}" expected)
if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "${PROGRAM} printed\n${printed}\nand ${EXPECTED} expects\n${expected}")
endif()
