# shellcheck shell=bash
# A release is tried before it is taken: READY, and a selftest that finds no more wrong than before. Until then the
# file $prefix/trial names the one to go back to, also after a power cut. Sourced by install.sh.

before='' # the selftest of the release of before, as JSON

switch_to() { # ID: taken when it proves itself; else the one of before returns
    local id=$1 old words
    old=$(release_of current) || old=''
    [[ $old != "$id" ]] || old='' # it is only put in order
    if [[ -n $dry ]]; then
        act "switching to release $id: link, units, restart, selftest; back to ${old:-nothing} should it fail" true
        return
    fi
    if [[ -n $old ]]; then
        [[ $(state_of eyespot) != active ]] || can_start "$id"
        listen_before
        begin_trial "$old"
    fi
    act "switching to release $id" take "$id"
    act "starting it, and looking whether it works" true
    if words=$(try_out); then
        end_trial "$old"
        return
    fi
    printf '%s\n' "$words" >&2
    [[ -n $old ]] || refuse_first "$words"
    go_back
    prune
    if [[ $(state_of eyespot) == active ]]; then old+=" runs again"; else old+=" is back, but does not run either"; fi
    refuse "$id is not taken: $(tail -n 1 <<<"$words"); release $old"
}

can_start() { # ID: what runs may run on a configuration of before; a restart would end it
    local words code=0
    words=$("$prefix/releases/$1/bin/eyespot" check /etc/eyespot/eyespot.toml 2>&1) || code=$?
    ((code == 78)) || return 0
    printf '%s\n' "$words" >&2
    refuse "release $1 could not start with this configuration; what is installed runs on: mend it, and run this again"
}

listen_before() {
    was_stopped=''
    [[ $(state_of eyespot) != inactive ]] || was_stopped=yes
    before=$("$prefix/current/bin/eyespot" selftest --json 2>/dev/null) || true
}

begin_trial() { # ID to go back to
    say "$1" >"$prefix/.trial.new"
    sync -- "$prefix/.trial.new"
    mv "$prefix/.trial.new" "$prefix/trial"
    durably "$prefix/trial"
}

end_trial() { # ID of before, or nothing
    [[ -z $1 ]] || point previous "$1"
    rm -f "$prefix/trial"
    sync -- "$prefix"
    [[ -z ${was_stopped:-} ]] || systemctl stop eyespot.service eyespot-eye.service
}

take() { # ID
    point current "$1"
    place "$1"
}

settle() { # back from a release that was never proven, at boot, before anything of it has started
    local old
    [[ -e $prefix/trial ]] || return 0
    old=$(cat "$prefix/trial")
    if [[ -n $old && -d $prefix/releases/$old ]]; then
        say "going back to release $old"
        take "$old"
    fi
    rm -f "$prefix/trial"
    sync -- "$prefix"
}

go_back() { # the same after a failed trial or a kill
    [[ -e $prefix/trial ]] || return 0
    settle
    restart >/dev/null 2>&1 || warn "the release of before does not become ready either: journalctl -u eyespot"
}

restart() { # returns once both have said READY; with a camera the eye may take minutes
    systemctl reset-failed eyespot.service eyespot-eye.service 2>/dev/null
    systemctl stop eyespot-eye.service eyespot.service || return
    rm -f /run/eyespot/last-run # a crash of before is no reason to wait
    systemctl start eyespot.service && systemctl start eyespot-eye.service
}

try_out() { # says in its last line what is wrong
    local restarts
    [[ ! -e $units_dir/eyespot-provision.service ]] || systemctl start eyespot-provision.service 2>/dev/null ||
        say "a folder on the boot partition was refused: see its report"
    if ! restart 2>/dev/null; then
        journalctl --unit eyespot.service --unit eyespot-eye.service --lines 10 --no-pager --output cat
        if [[ $(exit_of eyespot) == 78 ]]; then
            say "the configuration cannot be used: mend /etc/eyespot/eyespot.toml"
        else
            say "it did not become ready"
        fi
        return 1
    fi
    restarts=$(restarts)
    nothing_new_is_wrong || return
    [[ $(restarts) == "$restarts" && $(state_of eyespot) == active ]] || { say "it was ready, and ended" && return 1; }
}

nothing_new_is_wrong() { # else names it
    local now
    now=$("$prefix/current/bin/eyespot" selftest --json 2>/dev/null) || true
    python3 - "$before" "$now" <<'PY'
import json, sys

def failing(text):
    return {finding["name"]: finding["words"] for finding in json.loads(text) if finding["verdict"] == "fail"}

before, now = sys.argv[1:]
try:
    known = failing(before)
except ValueError:
    sys.exit()  # nothing to compare with: READY has to do
try:
    new = {name: words for name, words in failing(now).items() if name not in known}
except ValueError:
    print("its selftest does not run")
    sys.exit(1)
if new:
    print("its selftest finds wrong what was not before: " + "; ".join(f"{n}: {w}" for n, w in new.items()))
    sys.exit(1)
PY
}

state_of() { systemctl show --property ActiveState --value "$1.service"; }

exit_of() { systemctl show --property ExecMainStatus --value "$1.service"; }

restarts() { systemctl show --property NRestarts --value eyespot.service eyespot-eye.service | tr -d '\n'; }

refuse_first() { # WORDS: there is nothing to go back to
    refuse "$(tail -n 1 <<<"$1"); then sudo systemctl restart eyespot: the rest is installed"
}
