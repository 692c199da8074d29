# shellcheck shell=bash
# Debian packages without installing them: unpacked into a folder. Sourced by install.sh.

apt_private() { # "OPTIONS" COMMAND...: apt-get as anybody, touching nothing of the system's
    # shellcheck disable=SC2086  # a list of options
    apt-get -qq -o Debug::NoLocking=1 -o APT::Sandbox::User= $1 "${@:2}" 2>/dev/null
}

fetch_debs() { # "OPTIONS" DIR PACKAGE...
    local names
    names=$(apt_private "$1" --simulate --reinstall --no-install-recommends install "${@:3}" |
        sed -n 's/^Inst \([^ ]*\).*/\1/p')
    # shellcheck disable=SC2086  # a list of names
    [[ -n $names ]] && (cd "$2" && apt_private "$1" download $names >/dev/null)
}

download_debs() { # DIR PACKAGE...: they and what they need that is not installed, as .deb files
    local own="-o Dir::State::lists=$cache/apt/lists -o Dir::Cache=$cache/apt/cache"
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return
    ! fetch_debs "" "$@" || return 0
    # the system's package lists are missing or old: use some of our own
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial" || return
    apt_private "$own" update >/dev/null || true
    fetch_debs "$own" "$@"
}

unpack_debs() { # DIR PACKAGE...: into DIR, once; fails where there is no apt or no mirror
    local dir=$1 deb
    [[ ! -e $dir/.complete ]] || return 0
    rm -rf "$dir" && mkdir -p "$dir/.debs" || return
    download_debs "$dir/.debs" "${@:2}" || return
    for deb in "$dir"/.debs/*.deb; do dpkg-deb -x "$deb" "$dir" || return; done
    rm -rf "$dir/.debs" && touch "$dir/.complete"
}

private_tools() { # DIR PACKAGE...: their programs as DIR/bin/NAME, with the libraries they brought along
    local dir=$1 program libraries
    unpack_debs "$@" || return
    [[ ! -e $dir/bin ]] || return 0
    libraries=$(printf '%s:' "$dir"/usr/lib/*-linux-gnu* "$dir"/lib/*-linux-gnu*)
    mkdir "$dir/bin.new"
    for program in "$dir"/usr/bin/* "$dir"/usr/sbin/*; do
        [[ -x $program ]] || continue
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "${libraries%:}" "$program" >"$dir/bin.new/${program##*/}"
        chmod +x "$dir/bin.new/${program##*/}"
    done
    mv "$dir/bin.new" "$dir/bin"
}
