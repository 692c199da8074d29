# shellcheck shell=bash
# How install.sh speaks, refuses, and does one step after the other. Sourced by install.sh.

dry='' # of --dry-run
doing='what it was asked for'
said=''

say() { printf '%s\n' "$*"; }

warn() { printf 'warning: %s\n' "$*" >&2; }

refuse() { # TEXT [CODE]: one line on stderr, and out
    said=yes
    printf '%s: %s\n' "$0" "$1" >&2
    exit "${2:-1}"
}

act() { # WORDS COMMAND...: every change is one of these; --dry-run only names them
    if [[ -n $dry ]]; then
        say "would: $1"
        return
    fi
    say "$1 ..."
    doing=$1
    "${@:2}"
}

at_exit() { # what was begun and could not be ended is taken back, and named
    local code=$?
    trap - EXIT
    trap '' HUP INT TERM
    set +e
    ((code == 0)) || take_back
    if ((code != 0)) && [[ -z $said ]]; then
        printf '%s: failed at "%s"; %s. %s\n' "$0" "$doing" "$(what_is_left)" "$(what_to_do "$code")" >&2
    fi
    exit "$code"
}

what_is_left() {
    if [[ ! -e $prefix/current ]]; then
        say "nothing was changed"
    elif [[ $(state_of eyespot) == active ]]; then
        say "what is installed runs on"
    else
        say "what is installed does not run"
    fi
}

what_to_do() { # CODE
    if (($1 > 128)); then say "It was interrupted: run it again"; else say "The words above say why: mend that, and run it again"; fi
}

take_back() { # an unfinished release goes, an unproven one makes way for the one of before
    [[ ! -e $prefix/trial || $(id -u) != 0 ]] || go_back >/dev/null
    [[ -n $building ]] || return
    rm -rf "$building"
    rmdir "$prefix/releases" "$prefix" 2>/dev/null # where nothing else is in them
}

one_at_a_time() {
    [[ -z $dry ]] || return 0
    exec 9>/run/eyespot-install.lock
    flock --nonblock 9 || refuse "another install.sh is at work: wait for it"
}

durably() { # FILE...: on disk, with the folders that they are in
    sync -- "$@" "${@%/*}"
}
