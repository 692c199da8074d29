#!/usr/bin/env bash
# Runs inside the container, as root: installs the service from /checkout and looks whether it does what it should.
set -euo pipefail
shopt -s inherit_errexit

config=/etc/eyespot/eyespot.toml
topics=eyespot/v1/gate

property() { systemctl show --property "$1" --value eyespot.service; }

journal() { journalctl --unit eyespot.service --no-pager --output cat "$@"; }

failed() {
    printf 'FAILED: %s\n' "$*"
    systemctl status eyespot.service --no-pager --lines 0 || true
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

restarted_since() { (($(property NRestarts) > $1)) && [[ $(property SubState) == running ]]; }

troubled_by() { next 5 health | grep -q "$1"; }

not_troubled_by() { ! troubled_by "$1"; }

# --- the checks, in the order in which they run ------------------------------------------------------------------

installs() {
    /checkout/install.sh || failed "install.sh"
    systemctl is-enabled --quiet eyespot.service || failed "not enabled"
    [[ $(stat -c '%a %U %G' $config) == "640 root eyespot" ]] || failed "$(stat -c '%a %U %G' $config) on $config"
    ok "installed from the checkout, with the example configuration"
}

installs_again_and_keeps_the_configuration() {
    cp /checkout/tests/system/service/eyespot.toml $config
    /checkout/install.sh >/dev/null || failed "install.sh, the second time"
    cmp --quiet /checkout/tests/system/service/eyespot.toml $config || failed "an edited configuration was overwritten"
    ok "installed again; the edited configuration stayed"
}

is_ready() {
    [[ $(property ActiveState) == active ]] || failed "not ready"
    [[ $(property StatusText) == *[a-z]* ]] || failed "systemctl status says nothing"
    ok "READY; it says: $(property StatusText)"
}

counts_reach_the_broker() {
    next 10 status | grep -q online || failed "no retained status"
    next 90 rule/middle/event | grep -q crossed || failed "no crossing was published in 90 s"
    (($(crossings) > 0)) || failed "the state counts nothing"
    ok "crossings reach the broker: $(crossings) so far"
}

infers_at_full_speed() {
    journal | grep -q 'Created TensorFlow Lite XNNPACK delegate' || failed "no XNNPACK delegate: see ProcSubset= in README"
    ! journal | grep -q 'Error in cpuinfo' || failed "cpuinfo cannot read /proc/cpuinfo"
    ok "the XNNPACK delegate is in use"
}

is_fenced_in() {
    local pid
    pid=$(property MainPID)
    ! nsenter --target "$pid" --mount touch /usr/x 2>/dev/null || failed "/usr is writable for it"
    grep -q ' /var/lib/eyespot .*noexec' "/proc/$pid/mountinfo" || failed "it could execute what it stores"
    grep -q '^CapEff:\s0000000000000000$' "/proc/$pid/status" || failed "it has capabilities"
    systemd-analyze security --threshold=15 --no-pager eyespot.service >/dev/null || failed "exposure is above 1.5"
    ok "fenced in: $(systemd-analyze security --no-pager eyespot.service | tail -n 1)"
}

refuses_a_broken_reload() {
    local pid
    pid=$(property MainPID)
    printf 'nonsense = 1\n' | cat - /checkout/tests/system/service/eyespot.toml >$config
    systemctl reload eyespot.service
    within 20 troubled_by reload_refused || failed "health does not say reload_refused"
    next 60 rule/middle/event >/dev/null || failed "no counting after a refused reload"
    [[ $(property MainPID) == "$pid" ]] || failed "a refused reload restarted it"
    cp /checkout/tests/system/service/eyespot.toml $config
    systemctl reload eyespot.service
    within 20 not_troubled_by reload_refused || failed "a mended configuration was not taken up"
    ok "a broken configuration is refused on reload, a mended one is taken up"
}

prepare_the_watchdog() { # a short one, and a way to hang one thread alone
    mkdir -p /etc/systemd/system/eyespot.service.d /run/plant
    printf '[Service]\nWatchdogSec=3\nEnvironment=PYTHONPATH=/run/plant\n' >/etc/systemd/system/eyespot.service.d/test.conf
    cat >/run/plant/sitecustomize.py <<'PY'
import pathlib, sys, time
if sys.argv[1:2] == ["run"] or "eyespot" in sys.argv[0]:
    from eyespot.pipeline import Pipeline
    step = Pipeline.step
    def hanging(self, *arguments):
        while pathlib.Path("/run/plant/hang").exists():
            time.sleep(0.1)
        return step(self, *arguments)
    Pipeline.step = hanging
PY
    systemctl daemon-reload
    systemctl restart eyespot.service || failed "did not start with a short watchdog"
}

survives() { # WHAT COMMAND...: does it, expects a restart, and totals that are not lower
    local before restarts
    before=$(crossings)
    restarts=$(property NRestarts)
    "${@:2}"
    within 60 restarted_since "$restarts" || failed "not restarted after $1"
    rm -f /run/plant/hang
    (($(crossings) >= before)) || failed "counts were lost by $1"
    next 60 rule/middle/event >/dev/null || failed "no counting after $1"
    ok "restarted after $1; counts kept ($before before)"
}

stop_process() { kill -STOP "$(property MainPID)"; }

kill_process() { kill -KILL "$(property MainPID)"; }

watchdog_restarts_what_hangs() {
    prepare_the_watchdog
    survives "the whole process hung" stop_process
    survives "one thread hung" touch /run/plant/hang
    journal | grep -q 'hangs\|has not beaten' || failed "nobody said which thread hung"
    rm -r /etc/systemd/system/eyespot.service.d
    systemctl daemon-reload
}

stays_down_when_misconfigured() {
    printf 'nonsense = 1\n' >$config
    ! /checkout/install.sh >/dev/null 2>/run/words || failed "started with a broken configuration"
    grep -q "mend $config" /run/words || failed "install.sh does not say what to do: $(cat /run/words)"
    [[ $(property ExecMainStatus) == 78 && $(property ActiveState) == failed ]] || failed "expected exit code 78, and down"
    ok "a broken configuration keeps it down, with words"
}

goes_away() {
    /checkout/install.sh --uninstall >/dev/null || failed "install.sh --uninstall"
    ! systemctl cat eyespot.service >/dev/null 2>&1 || failed "the unit is still there"
    [[ ! -e /opt/eyespot && -e $config && -d /var/lib/eyespot ]] || failed "removed too little or too much"
    ok "uninstalled; configuration and counts are still there"
}

within 30 systemctl is-active --quiet mosquitto.service || failed "no mosquitto in the container"
installs
installs_again_and_keeps_the_configuration
is_ready
counts_reach_the_broker
infers_at_full_speed
is_fenced_in
refuses_a_broken_reload
watchdog_restarts_what_hangs
survives "a kill -9" kill_process
stays_down_when_misconfigured
goes_away
