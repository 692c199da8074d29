#!/usr/bin/env bash
# Shows Eyespot at work, or installs it as a service. `./install.sh --help` tells how.
# tests/run and .ci/run source this file for its functions.
set -euo pipefail

checkout=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-~/.cache}/eyespot
prefix=/opt/eyespot
extras=litert,video
units=(eyespot.service eyespot-eye.service eyespot-reboot.path eyespot-reboot.service)
sensor_models=/usr/share/imx500-models

usage() {
    cat <<'TEXT'
usage: ./install.sh demo [ARGUMENT...]   see it work, from this checkout; changes nothing on the system
       ./install.sh                      install the service, or upgrade it (as root)
       ./install.sh --camera             the same, with what apt has for cameras, which a Raspberry Pi gets anyway
       ./install.sh --uninstall          remove it; configuration and counts stay (as root)
       ./install.sh --help

Arguments of demo go to `eyespot demo`: --seconds N ends it by itself, --video FILE looks at a video.
TEXT
}

say() { printf '%s\n' "$*"; }

refuse() { # TEXT [CODE]: one line on stderr, and out
    printf '%s: %s\n' "$0" "$1" >&2
    exit "${2:-1}"
}

# --- Python ------------------------------------------------------------------------------------------------------

python_version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.maxsize < 2**32)' 2>/dev/null; }

find_python() { # the system's first: apt's modules belong to it
    local python
    for python in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if fits "$python"; then
            say "$python"
            return
        fi
    done
    refuse "needs a 64-bit Python 3.11 or newer: Debian 12, Raspberry Pi OS (64-bit) of 2023 or later have it"
}

make_venv() { # VENV PYTHON [OPTION...]: anew where it is missing, broken or of another Python
    local venv=$1 python=$2 wheel
    shift 2
    if [[ -e $venv/bin/pip && $(python_version "$venv/bin/python") == "$(python_version "$python")" ]]; then
        return
    fi
    rm -rf "$venv"
    if "$python" -m ensurepip --version >/dev/null 2>&1; then
        "$python" -m venv "$@" "$venv"
        return
    fi
    # Debian keeps ensurepip in python3-venv; its pip can be had without installing that.
    unpack_debs "$cache/pip" python3-pip-whl || refuse "Python's venv is missing: apt-get install python3-venv"
    "$python" -m venv --without-pip "$@" "$venv"
    wheel=$(echo "$cache"/pip/usr/share/python-wheels/pip-*.whl)
    "$venv/bin/python" "$wheel/pip" install --quiet --no-index "$wheel"
}

pip_install() { # VENV ARGUMENT...
    local venv=$1
    shift
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input "$@"
}

install_project() { # VENV [pip OPTION...]: with the engine that has a wheel for this machine
    local venv=$1
    shift
    pip_install "$venv" "$@" "${checkout}[$extras]" && return
    say "trying the other engine, tflite-runtime ..."
    pip_install "$venv" "$@" "${checkout}[${extras/litert/tflite}]" ||
        refuse "pip could not install Eyespot: its words are above; mend that (network? disk?), then run this again"
}

# --- Debian packages without installing them ---------------------------------------------------------------------

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

# --- the demo ----------------------------------------------------------------------------------------------------

demo() {
    local venv=$checkout/.venv python stamp
    python=$(find_python)
    make_venv "$venv" "$python"
    stamp=$(sha256sum "$checkout/pyproject.toml")
    if [[ $(cat "$venv/.installed" 2>/dev/null) != "$stamp" ]]; then
        say "installing into .venv (Python $(python_version "$python")); the first time this takes a minute ..."
        install_project "$venv" --editable
        say "$stamp" >"$venv/.installed"
    fi
    find_mosquitto
    exec "$venv/bin/eyespot" demo "$@"
}

find_mosquitto() { # without one the demo uses its own small broker, and says so
    if PATH=$PATH:/usr/sbin command -v mosquitto >/dev/null; then
        return
    fi
    [[ -e $cache/mosquitto/.complete ]] || say "fetching the mosquitto broker into $cache ..."
    if private_tools "$cache/mosquitto" mosquitto; then
        export EYESPOT_MOSQUITTO=$cache/mosquitto/bin/mosquitto
    fi
}

# --- the service -------------------------------------------------------------------------------------------------

preflight() { # everything that can be refused is refused before anything is changed
    [[ $(id -u) == 0 ]] || refuse "only root can do that: sudo $0 (the demo needs no root: ./install.sh demo)"
    [[ -d /run/systemd/system ]] || refuse "no systemd runs here; try ./install.sh demo"
    case $(uname -m) in
        x86_64 | aarch64) ;;
        *) refuse "there is no inference engine for $(uname -m): use a 64-bit system" ;;
    esac
}

enough_disk() {
    local free_mb
    free_mb=$(df --output=avail -BM /opt | tr -dc '0-9')
    ((free_mb > 600)) || refuse "/opt has $free_mb MB free, 600 are needed: make room"
}

want_systemd_module() { # libsystemd's own way to say READY; without it the daemon does so by hand
    "$1" -c 'import systemd.daemon' 2>/dev/null && return
    command -v apt-get >/dev/null || return 0
    apt_install python3-systemd
}

apt_install() { # PACKAGE...: those that are not there; what cannot be had is done without
    say "installing with apt: $* ..."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install --yes --no-install-recommends "$@"; } >/dev/null 2>&1 ||
        say "that failed; going on without: apt-get install $*"
}

on_pi() { [[ $(tr -d '\0' 2>/dev/null </proc/device-tree/model) == *"Raspberry Pi"* ]]; }

want_camera_packages() { # picamera2 is the system's: pip's breaks with the next upgrade of libcamera
    local package wanted=()
    command -v apt-get >/dev/null || return 0
    apt-get update >/dev/null 2>&1 || true
    for package in python3-picamera2 imx500-firmware imx500-models; do
        if [[ -z $(LC_ALL=C apt-cache policy "$package" 2>/dev/null | sed -n '/Candidate: (none)/d; /Candidate:/p') ]]; then
            say "apt knows no $package here: cameras that need it do not work; all else does"
        elif ! dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii'; then
            wanted+=("$package")
        fi
    done
    ((${#wanted[@]} == 0)) || apt_install "${wanted[@]}"
}

place_sensor_network() { # the factory bundle of the AI camera; its network is not ours to ship
    local from=$sensor_models/imx500_network_ssd_mobilenetv2_fpnlite_320x320_pp.rpk folder words
    folder=$("$prefix/venv/bin/python" -c 'import eyespot; print(eyespot.__path__[0])')/models/factory-imx500
    if [[ ! -e $from ]]; then
        say "no $from (apt package imx500-models):"
        say 'the source "imx500" needs it, or a bundle of your own; all else works'
        return
    fi
    install -m 644 "$from" "$folder/network.rpk"
    if words=$("$prefix/venv/bin/eyespot" models show "$folder" 2>&1 >/dev/null); then
        say "the AI camera's factory bundle is complete"
    else
        say "the AI camera's factory bundle cannot be used: $words"
    fi
}

place_files() {
    install -D -m 644 "$checkout/systemd/eyespot.sysusers.conf" /etc/sysusers.d/eyespot.conf
    systemd-sysusers /etc/sysusers.d/eyespot.conf
    install -d -m 755 /etc/eyespot
    install -d -m 700 /etc/eyespot/credentials
    install -m 644 "$checkout/config/schema.json" /etc/eyespot/schema.json
    if [[ ! -e /etc/eyespot/eyespot.toml ]]; then
        install -m 640 -g eyespot "$checkout/config/eyespot.toml" /etc/eyespot/eyespot.toml
    fi
    if [[ ! -e /etc/eyespot/credentials/mqtt-password ]]; then
        install -m 600 /dev/null /etc/eyespot/credentials/mqtt-password
    fi
    install -m 644 "${units[@]/#/$checkout/systemd/}" /etc/systemd/system
    systemctl daemon-reload
}

start() { # returns once the daemon has said READY, or says why not; with a camera the eye may take minutes
    systemctl enable --quiet eyespot.service
    systemctl stop eyespot-eye.service 2>/dev/null || true # the body wants it, and starts the new one
    if systemctl restart eyespot.service 2>/dev/null; then
        say "Eyespot runs: $(systemctl show --property StatusText --value eyespot.service)"
        say "configuration: /etc/eyespot/eyespot.toml; after a change: sudo systemctl reload eyespot"
        say "how it goes:   systemctl status eyespot eyespot-eye; sudo $prefix/venv/bin/eyespot selftest"
        return
    fi
    journalctl --unit eyespot.service --lines 10 --no-pager --output cat >&2 || true
    if [[ $(systemctl show --property ExecMainStatus --value eyespot.service) == 78 ]]; then
        refuse "the configuration cannot be used: mend /etc/eyespot/eyespot.toml, then sudo systemctl restart eyespot"
    fi
    refuse "installed, but it did not become ready: its last words are above"
}

service() { # [--camera]
    local python=/usr/bin/python3 camera=${1:-}
    umask 022
    preflight
    enough_disk
    fits "$python" || refuse "needs /usr/bin/python3 to be 3.11 or newer: upgrade to Debian 12 or later"
    want_systemd_module "$python"
    ! on_pi || camera=--camera
    [[ -z $camera ]] || want_camera_packages
    say "installing into $prefix/venv ..."
    mkdir -p "$prefix"
    make_venv "$prefix/venv" "$python" --system-site-packages
    install_project "$prefix/venv"
    [[ -z $camera && ! -e $sensor_models ]] || place_sensor_network
    place_files
    start
}

uninstall() {
    preflight
    systemctl disable --quiet --now eyespot-reboot.path eyespot.service 2>/dev/null || true
    systemctl stop eyespot-eye.service 2>/dev/null || true
    rm -rf "$prefix" "${units[@]/#//etc/systemd/system/}" /etc/sysusers.d/eyespot.conf /run/eyespot
    systemctl daemon-reload
    say "Eyespot is removed. Kept: /etc/eyespot (configuration), /var/lib/eyespot (counts), its users, apt's packages."
}

misused() { # ARGUMENT
    usage >&2
    refuse "unknown argument: $1" 64
}

main() {
    [[ ${1:-} == demo ]] || (($# < 2)) || misused "$2"
    case ${1:-} in
        demo) demo "${@:2}" ;;
        -h | --help) usage ;;
        --uninstall) uninstall ;;
        '' | --camera) service "$@" ;;
        *) misused "$1" ;;
    esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
