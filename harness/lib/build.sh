# harness/lib/build.sh - sourced: configuring and building a preset with little noise.
#
# build_preset NAME [TARGET...]   shows the compiler's output only when it fails.

build_preset() {
    local preset=$1 log
    shift
    log=$(mktemp)
    echo "building $preset"
    if { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$(nproc)" \
        ${1:+--target "$@"}; } >"$log" 2>&1; then
        rm -f "$log"
    else
        grep -E -m 20 -A 2 'error|Error|FAILED' "$log" >&2
        echo "error: the $preset build failed (whole output: $log)" >&2
        return 1
    fi
}
