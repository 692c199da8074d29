#!/usr/bin/env bash
# Runs inside the machine, as root: guest.sh TASK. What it says goes to /out/words, what it hears to /out/heard.
set -Eeuo pipefail
trap 'echo "FAILED: $BASH_COMMAND"' ERR

topics=eyespot/v1/gate

listen() { # each message, and the machine's time; written outside at once, as nothing in here would survive
    python3 -u - >/out/beats <<'PY' &
import time
while True:
    print(f"{time.time():.3f}")
    time.sleep(0.05)
PY
    until mosquitto_sub -q 1 -F '%U %t %p' -t "$topics/#"; do sleep 0.1; done >/out/heard 2>/dev/null &
}

counts() { # SECONDS: crossings are told from now on
    local before deadline=$((SECONDS + $1))
    before=$(states)
    until (($(states) > before + 3)); do
        ((SECONDS < deadline))
        sleep 0.5
    done
}

states() { grep -c "$topics/rule/middle/state " /out/heard || true; } # one at the start, one a crossing

release() { readlink /opt/eyespot/current; }

install_from() { "/in/$1/install.sh" --offline /in/wheels; }

be_patient() { # an emulated processor may take minutes for what takes a Pi seconds
    local unit
    for unit in eyespot eyespot-eye eyespot-release; do
        mkdir -p "/etc/systemd/system/$unit.service.d"
        printf '[Service]\nTimeoutStartSec=600\n' >"/etc/systemd/system/$unit.service.d/slow.conf"
    done
}

install() {
    be_patient
    mkdir -p /etc/eyespot
    cp /in/eyespot.toml /in/street.eyespot.jsonl /etc/eyespot
    install_from checkout
    systemctl poweroff
}

count() {
    listen
    wait
}

upgrade() {
    listen
    counts 300
    install_from newer
    echo "upgraded"
    wait
}

recover() { # after a cut during the upgrade
    listen
    counts 300
    echo "runs: $(release)"
    [[ ! -e /opt/eyespot/trial ]]
    install_from newer
    counts 120
    echo "ends with: $(release)"
    [[ $(eyespot --version) == *9.9.9* ]]
    sync
    systemctl poweroff
}

"$@"
