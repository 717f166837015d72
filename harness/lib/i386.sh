# harness/lib/i386.sh - sourced: a folder with the 32-bit libraries that the -m32 build links.
#
# i386_sysroot DIR   fills DIR/root from Debian's i386 packages, without touching the system's own
#                    package state (own lists and cache below DIR). Does nothing when it is there.

i386_sysroot() {
    local dir=$1
    local packages="zlib1g zlib1g-dev libxxhash0 libxxhash-dev libcjson1 libcjson-dev libdeflate0 \
libdeflate-dev libnettle8 nettle-dev libyaml-0-2 libyaml-dev"
    [ "$(cat "$dir/complete" 2>/dev/null)" = "$packages" ] && return 0
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/debs" "$dir/root"
    : >"$dir/status"
    local apt=(apt-get -q -o APT::Architecture=i386 -o APT::Architectures=i386
        -o "Dir::State::Lists=$dir/lists" -o "Dir::State::status=$dir/status"
        -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root)
    # A mirror in the middle of a sync fails one list of several; the download below decides.
    "${apt[@]}" update >"$dir/log" 2>&1 || echo "apt-get update had errors, going on: $dir/log"
    # shellcheck disable=SC2086 # a list of words
    (cd "$dir/debs" && "${apt[@]}" download $packages) >>"$dir/log" 2>&1 || {
        tail -5 "$dir/log" >&2
        echo "error: no 32-bit libraries (whole output: $dir/log)" >&2
        return 1
    }
    local deb
    for deb in "$dir"/debs/*.deb; do
        dpkg-deb -x "$deb" "$dir/root" || return 1
    done
    # zlib's link is absolute, into a machine that this is not: the static library serves.
    rm -f "$dir"/root/usr/lib/i386-linux-gnu/libz.so
    echo "$packages" >"$dir/complete"
}
