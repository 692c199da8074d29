# shellcheck shell=bash
# What the checks share: runs inside the container, as root.
set -euo pipefail
shopt -s inherit_errexit

config=/etc/eyespot/eyespot.toml
topics=eyespot/v1/gate

property() { systemctl show --property "$1" --value "${2:-eyespot}.service"; } # NAME [UNIT]

journal() { journalctl --unit eyespot.service --unit eyespot-eye.service --unit eyespot-config.service --no-pager --output cat "$@"; }

failed() {
    printf 'FAILED: %s\n' "$*"
    systemctl status eyespot.service eyespot-eye.service --no-pager --lines 0 || true
    journal --lines 40
    exit 1
}

ok() { printf 'ok: %s\n' "$*"; }

within() { # SECONDS COMMAND...: true as soon as the command is
    local deadline=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < deadline)) || return
        sleep 0.2
    done
}

next() { timeout "$1" mosquitto_sub -C 1 -t "$topics/$2"; }

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
