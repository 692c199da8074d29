#!/usr/bin/env bash
# Runs inside the arm64 machine, as root: installs the wheel, and leaves in /out what host and machine should agree on.
set -Eeuo pipefail
trap 'echo "FAILED: $BASH_COMMAND"' ERR

frames=${1:?how many frames of the scene to record}
eyespot=/opt/wheel/bin/eyespot

told() { printf '%5d s  %s\n' "$SECONDS" "$*"; }

install_wheel() {
    python3 -m venv /opt/wheel
    /opt/wheel/bin/python -m pip install -qq --disable-pip-version-check --no-index --find-links /in/wheels \
        "$(echo /in/eyespot-*.whl)[litert,video]"
    told "installed on $(uname -m): $("$eyespot" --version)"
}

replay() {
    local recording name
    for recording in /in/*.eyespot.jsonl; do
        name=${recording##*/}
        "$eyespot" replay --config /in/arm64.toml "$recording" >"/out/$name.replayed"
        told "replayed $name"
    done
}

record_scene() { # real inference, as fast as it goes
    local recorder
    "$eyespot" record --config /in/arm64.toml --output /var/tmp/scene.eyespot.jsonl &
    recorder=$!
    until (($(wc -l 2>/dev/null </var/tmp/scene.eyespot.jsonl || echo 0) > frames)); do
        kill -0 "$recorder"
        sleep 1
    done
    kill -INT "$recorder"
    wait "$recorder"
    cp /var/tmp/scene.eyespot.jsonl /out/scene.eyespot.jsonl
    told "recorded the scene"
}

run_daemon() { # all of it, over a recording; nobody listens, so that its events wait in the backup
    "$eyespot" run --config /in/daemon.toml
    "$eyespot" backup --config /in/daemon.toml /var/tmp/daemon.tar.gz # a 9p share is no place for a database
    cp /var/tmp/daemon.tar.gz /out
    told "the daemon came to the end of the street"
}

install_wheel
replay
run_daemon
record_scene
systemctl poweroff
