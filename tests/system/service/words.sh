# shellcheck shell=bash
# What the checks share: runs inside the container, as root.
set -Eeuo pipefail
shopt -s inherit_errexit
trap 'echo "FAILED: ${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND: exit code $?" >&2' ERR # a command nobody looked at

config=/etc/eyespot/eyespot.toml
topics=eyespot/v1/gate
patience=3 # times what an idle machine needs at most; who finds what he waits for waits no longer

property() { systemctl show --property "$1" --value "${2:-eyespot}.service"; } # NAME [UNIT]

journal() { journalctl --unit eyespot.service --unit eyespot-eye.service --unit eyespot-config.service --no-pager --output cat "$@"; }

journal_says() { # PATTERN [OPTION...]; all of it is read: a grep that ends early would end journalctl by a signal
    local said
    said=$(journal "${@:2}")
    grep -q -- "$1" <<<"$said"
}

failed() {
    printf 'FAILED: %s\n' "$*"
    systemctl status eyespot.service eyespot-eye.service --no-pager --lines 0 || true
    journal --lines 40
    exit 1
}

ok() { printf 'ok: %s\n' "$*"; }

within() { # SECONDS COMMAND...: true as soon as the command is
    local deadline=$((SECONDS + patience * $1))
    until "${@:2}"; do
        ((SECONDS < deadline)) || return
        sleep 0.2
    done
}

next() { timeout $((patience * $1)) mosquitto_sub -C 1 -t "$topics/$2"; }

crossings() { # all that were counted so far, both ways
    next 10 rule/middle/state | python3 -c '
import json, sys
print(sum(n for ways in json.load(sys.stdin)["counts"].values() for n in ways.values()))'
}

restarted_since() { # NUMBER [UNIT]
    (($(property NRestarts "${@:2}") > $1)) && [[ $(property SubState "${@:2}") == running ]]
}

sessions() { grep -c 'New client connected.* as gate ' /var/log/mosquitto/mosquitto.log; } # of the body, so far

troubled_by() { next 5 health | grep -q "$1"; }

not_troubled_by() { ! troubled_by "$1"; }

begins() { # what most checks begin with: installed, with a configuration of ours
    within 30 systemctl is-active --quiet mosquitto.service || failed "no mosquitto in the container"
    /checkout/install.sh --offline /wheels >/dev/null || failed "install.sh"
    cp /checkout/tests/system/service/eyespot.toml $config
    systemctl reload eyespot.service
    next 90 rule/middle/event >/dev/null || failed "nothing is counted"
}
