#!/usr/bin/env bash
# Shows Eyespot at work, or installs it as a service. `./install.sh --help` tells how; its parts are in systemd/installer.
# tests/run and .ci/run source this file for its functions.
set -euo pipefail

checkout=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
cache=${XDG_CACHE_HOME:-~/.cache}/eyespot
prefix=/opt/eyespot
demo_extras=litert,video,fleet
# shellcheck disable=SC2034  # tests/run and .ci/run want it
development_extras=litert,video,provision,fleet
parts=$checkout/systemd/installer
# shellcheck source=systemd/installer/steps.sh
source "$parts/steps.sh"
# shellcheck source=systemd/installer/python.sh
source "$parts/python.sh"
# shellcheck source=systemd/installer/debs.sh
source "$parts/debs.sh"
# shellcheck source=systemd/installer/demo.sh
source "$parts/demo.sh"
# shellcheck source=systemd/installer/preflight.sh
source "$parts/preflight.sh"
# shellcheck source=systemd/installer/wheels.sh
source "$parts/wheels.sh"
# shellcheck source=systemd/installer/camera.sh
source "$parts/camera.sh"
# shellcheck source=systemd/installer/release.sh
source "$parts/release.sh"
# shellcheck source=systemd/installer/places.sh
source "$parts/places.sh"
# shellcheck source=systemd/installer/trial.sh
source "$parts/trial.sh"
# shellcheck source=systemd/installer/remove.sh
source "$parts/remove.sh"

usage() {
    cat <<'TEXT'
usage: ./install.sh demo [ARGUMENT...]    see it work, from this checkout; changes nothing on the system
       ./install.sh --check               can this machine take the service? Writes nothing
As root:
       ./install.sh                       install the service, or upgrade it
       ./install.sh --rollback            back to the release of before
       ./install.sh --uninstall           remove it; configuration and counts stay
       ./install.sh --purge               remove it, with configuration and counts
       ./install.sh --settle              what the service runs at boot, after a power cut during an upgrade
Options of the service:
       --camera             with what apt has for cameras, which a Raspberry Pi gets anyway
       --offline WHEELDIR   without a network
       --dry-run            name every step, change nothing
Where there is a network:
       ./install.sh --wheels WHEELDIR [aarch64|x86_64|armv7l]   fill a folder for --offline

Arguments of demo go to `eyespot demo`: --seconds N ends it by itself, --video FILE looks at a video.
An upgrade is taken only when the new release becomes ready and its selftest finds no more wrong than before;
otherwise the release of before runs on. The configuration is never overwritten; nothing reboots.
TEXT
}

service() { # [--camera]
    local camera=$1 id
    preflight
    one_at_a_time
    [[ -n $dry ]] || go_back
    ! on_pi || camera=--camera
    id=$(release_id)
    if is_installed "$id" && has_sensor_network "$id" && [[ -z $camera ]]; then
        say "nothing to do: release $id is installed"
        how_it_goes
        return
    fi
    want_packages "$camera"
    prune "$id"
    complete "$id" || build "$id"
    [[ -z $camera && ! -e $sensor_models ]] || act "completing the AI camera's factory model" place_sensor_network "$id"
    switch_to "$id"
    prune
    [[ -n $dry ]] || how_it_goes
}

is_installed() { # ID: whole, current, and its files are in place
    local unit from=$prefix/releases/$1
    [[ $(release_of current || true) == "$1" ]] && complete "$1" && [[ $(state_of eyespot) == active ]] || return
    for unit in $(units_of "$from"); do cmp --quiet "$from/systemd/$unit" "$units_dir/$unit" || return; done
}

how_it_goes() {
    say "Eyespot runs: $(systemctl show --property StatusText --value eyespot.service)"
    say "configuration: /etc/eyespot/eyespot.toml; after a change: sudo systemctl reload eyespot"
    say "how it goes:   systemctl status eyespot eyespot-eye; sudo eyespot selftest"
}

rollback() {
    local id
    id=$(release_of previous) || refuse "there is no release of before"
    [[ -e $prefix/releases/$id/.complete && -x $prefix/releases/$id/venv/bin/python ]] ||
        refuse "the release of before, $id, was for a Python that is gone"
    switch_to "$id"
    [[ -n $dry ]] || say "release $id runs; to return: install.sh --rollback"
}

for_root() {
    [[ $(id -u) == 0 ]] || refuse "only root can do that: sudo $0 $*"
    [[ -d /run/systemd/system ]] || refuse "no systemd runs here"
    one_at_a_time
}

misused() { # WORDS
    usage >&2
    refuse "$1" 64
}

main() {
    local task=service camera='' arguments=()
    if [[ ${1:-} == demo ]]; then
        demo "${@:2}"
        return
    fi
    while (($# > 0)); do
        case $1 in
            -h | --help) usage && return ;;
            --camera) camera=--camera ;;
            --dry-run) dry=yes ;;
            --offline)
                [[ -n ${2:-} && $2 != -* ]] || misused "--offline needs a folder"
                wheel_dir=$(realpath -m -- "$2") && shift
                ;;
            --check | --rollback | --uninstall | --purge | --settle)
                [[ $task == service ]] || misused "--$task and $1: one at a time"
                task=${1#--}
                ;;
            --wheels) task=wheels && arguments=("${@:2}") && break ;;
            *) misused "unknown argument: $1" ;;
        esac
        shift
    done
    umask 022
    trap at_exit EXIT
    # else bash dies of them with the code of the command before, most often 0, and nothing is taken back
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    case $task in
        service) service "$camera" ;;
        check) check ;;
        wheels) [[ -z $dry && -n ${arguments[0]:-} && ${arguments[0]} != -* ]] || misused "--wheels needs a folder, and has no options"; fill_wheels "${arguments[@]}" ;;
        *) for_root "--$task" && "$task" ;;
    esac
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
