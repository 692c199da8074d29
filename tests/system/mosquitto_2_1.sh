# shellcheck shell=bash
# The mosquitto of Debian sid, unpacked beside its own C library. Sourced by tests/run.

sid_apt() { # DIR COMMAND...: apt-get that knows nothing but sid, and that nothing is installed
    local dir=$1 option options=()
    for option in Dir::State="$dir/apt" Dir::State::status="$dir/apt/status" Dir::Cache="$dir/apt/cache" \
        Dir::Etc::sourcelist="$dir/apt/sources.list" Dir::Etc::sourceparts=/nonexistent Debug::NoLocking=1 \
        APT::Sandbox::User= APT::Architecture=amd64; do
        options+=(-o "$option")
    done
    apt-get -qq "${options[@]}" "${@:2}" 2>/dev/null
}

sid_debs() { # DIR PACKAGE...: they and all that they need, down to the C library, unpacked into DIR
    local dir=$1 debs=$1/apt/debs mirror deb names
    mirror=$(mirror)
    [[ -n $mirror ]] || return
    mkdir -p "$dir"/apt/{lists,cache/archives}/partial "$debs" && : >"$dir/apt/status" || return
    echo "deb $mirror sid main" >"$dir/apt/sources.list"
    sid_apt "$dir" update >/dev/null || return
    names=$(sid_apt "$dir" --simulate --no-install-recommends install "${@:2}" | sed -n 's/^Inst \([^ ]*\).*/\1/p')
    # shellcheck disable=SC2086  # a list of names
    [[ -n $names ]] && (cd "$debs" && sid_apt "$dir" download $names) || return
    for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$dir" || return; done
    rm -rf "$dir/apt"
}

mosquitto_2_1() { # DIR: DIR/bin/mosquitto; fails where there is no apt, no mirror, or another kind of machine
    local dir=$1 libraries=$1/usr/lib/x86_64-linux-gnu
    [[ ! -x $dir/bin/mosquitto ]] || return 0
    [[ $(uname -m) == x86_64 ]] && command -v apt-get dpkg-deb >/dev/null || return
    rm -rf "$dir" && sid_debs "$dir" mosquitto libc6 && PATH=$PATH:/sbin ldconfig -n "$libraries" || return
    mkdir "$dir/bin"
    printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' \
        "$libraries/ld-linux-x86-64.so.2" "$libraries" "$dir/usr/sbin/mosquitto" >"$dir/bin/mosquitto"
    chmod +x "$dir/bin/mosquitto"
}
