# harness/lib/packages.sh - sourced: Debian packages that a command needs, installed when missing.
#
# need_packages NAME...   says which are missing in one line, installs those, ends with 1 on failure.

# What every build needs; tests and the determinism matrix name more.
PACKAGES_BUILD="gcc libc6-dev cmake ninja-build pkg-config ccache libcjson-dev zlib1g-dev \
libdeflate-dev libxxhash-dev nettle-dev libyaml-dev libuv1-dev uthash-dev check python3 gnuplot-nox"
PACKAGES_TEST="xz-utils clang clang-format clang-tidy libclang-rt-14-dev"
# command:package of harness/interop (any newer release of them serves too)
COMMANDS_INTEROP="javac:openjdk-17-jdk-headless mvn:maven go:golang-go node:nodejs npm:npm"
PACKAGES_MATRIX="clang libclang-rt-14-dev gcc-multilib"

need_packages() {
    local missing="" name
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
            missing="$missing $name"
    done
    [ -n "$missing" ] || return 0
    local sudo=""
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
        command -v sudo >/dev/null || {
            echo "error: packages are missing, and this is neither root nor is there sudo;" \
                "run as root: apt-get install$missing" >&2
            return 1
        }
    fi
    echo "installing Debian packages:$missing"
    local log
    log=$(mktemp)
    # A mirror in the middle of a sync fails one list of several; the install below decides.
    # shellcheck disable=SC2086 # a list of names
    if { $sudo apt-get update || echo "apt-get update had errors, going on"; DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y \
        --no-install-recommends $missing; } >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -20 "$log" >&2
        echo "error: could not install:$missing (whole output: $log)" >&2
        return 1
    fi
}
