# What scripts/demo and scripts/test share; sourced by them from the repository's root.

# One compiler process per core, but no more than memory has room for: a file may take 2 GB.
compile_jobs() {
    local cores memory_kb
    cores=$(nproc)
    memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
    local room=$(( memory_kb / 2000000 ))
    (( room >= 1 )) || room=1
    echo $(( cores < room ? cores : room ))
}

export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(compile_jobs)}
if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
fi

# build_preset PRESET [TARGET...]: configures build/PRESET and builds the targets in it.
build_preset() {
    local preset=$1
    shift
    cmake --preset "$preset" >&2
    cmake --build --preset "$preset" --target "${@:-all}" >&2
}
