#!/usr/bin/env bash
# Runs inside the container, as root: after crashes it waits and returns; for its configuration it stays down, until that is mended.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

crashes_get_longer_waits() { # 20 in a row; then the cause is gone, and nobody does anything
    local folder=/etc/systemd/system/eyespot.service.d begun crash
    mkdir -p $folder /run/plant
    printf '[Service]\nRestartSec=100ms\nEnvironment=EYESPOT_RESTART_WAIT_MAX_S=1 PYTHONPATH=/run/plant\n' >$folder/test.conf
    systemctl daemon-reload
    systemctl restart eyespot.service || failed "did not start"
    touch /run/plant-crash
    cat >/run/plant/sitecustomize.py <<'PY'
import os, pathlib, signal, sys
if "run" in sys.argv or "eyespot" in " ".join(sys.orig_argv):
    if pathlib.Path("/run/plant-crash").exists():
        from eyespot.pipeline import Pipeline
        Pipeline.step = lambda *_: os.kill(os.getpid(), signal.SIGSEGV)
PY
    begun=$SECONDS
    kill -KILL "$(property MainPID)"
    within 150 crashed_often 20 || failed "only $(property NRestarts) restarts"
    ((SECONDS - begun >= 18 * 8 / 10)) || failed "20 crashes in $((SECONDS - begun)) s: nobody waited"
    within 20 waits || failed "it does not say that it waits: $(property StatusText)"
    within 10 troubled_by '"crash_loop".*next try at' || failed "health does not say crash_loop: $(next 5 health)"
    crash=$(property StatusText)
    rm /run/plant-crash
    within 30 is_running || failed "did not come back by itself"
    next 30 rule/middle/event >/dev/null || failed "no counting after it came back"
    troubled_by 'it counts again, but crashed' || failed "health does not say what was: $(next 5 health)"
    [[ $(property NRestarts) -ge 20 ]] || failed "somebody started it by hand"
    rm -r $folder /run/plant
    systemctl daemon-reload
    ok "20 crashes took $((SECONDS - begun)) s ($crash); it counts again without a command"
}

crashed_often() { (($(property NRestarts) >= $1)); }

waits() { [[ $(property ActiveState) == activating && $(property StatusText) == *"next try at"* ]]; }

is_running() { [[ $(property SubState) == running ]]; }

is_down() { [[ $(property ActiveState) == failed && $(property ExecMainStatus) == 78 ]]; }

rests() { # what a change has begun is over: another try with the same file, too
    is_down && [[ $(property ActiveState eyespot-config) == inactive && -z $(systemctl list-jobs --no-legend 'eyespot*') ]]
}

stays_down() {
    local tried
    within 20 rests || failed "not down with exit code 78"
    tried=$(property ExecMainStartTimestampMonotonic)
    sleep 4
    within 20 rests && [[ $(property ExecMainStartTimestampMonotonic) == "$tried" ]]
}

waits_can_be_ended() { # by a stop, and by a restart by hand
    local folder=/etc/systemd/system/eyespot.service.d begun
    mkdir -p $folder
    printf '[Service]\nRestartSec=100ms\nEnvironment=EYESPOT_RESTART_WAIT_MAX_S=600\n' >$folder/test.conf
    systemctl daemon-reload
    kill -KILL "$(property MainPID)"
    within 20 waits || failed "it does not wait"
    begun=$(date +%s%N)
    systemctl stop eyespot.service || failed "systemctl stop"
    (($(date +%s%N) - begun < 5000000000)) || failed "a stop during the wait took $((($(date +%s%N) - begun) / 1000000)) ms"
    [[ $(property ActiveState) == inactive && $(property Result) == success ]] || failed "a stop during the wait is a failure"
    systemctl start eyespot.service || failed "a start by hand after that"
    kill -KILL "$(property MainPID)"
    within 20 waits || failed "it does not wait"
    begun=$SECONDS
    systemctl restart eyespot.service || failed "systemctl restart"
    ((SECONDS - begun < 15)) || failed "a restart by hand waits"
    kill -KILL "$(property MainPID)"
    within 20 waits || failed "it does not wait"
    touch $config
    within 15 is_running || failed "a changed configuration does not end the wait"
    rm -rf $folder
    systemctl daemon-reload
    systemctl restart eyespot.service
    ok "a stop, a restart by hand and a changed configuration end the wait"
}

watchdog_is_patient_while_it_waits() { # longer than TimeoutStartSec and WatchdogSec
    local folder=/etc/systemd/system/eyespot.service.d restarts
    mkdir -p $folder
    printf '[Service]\nRestartSec=100ms\nTimeoutStartSec=12\nWatchdogSec=6\nEnvironment=EYESPOT_RESTART_WAIT_MAX_S=24\n' >$folder/test.conf
    systemctl daemon-reload
    systemctl restart eyespot.service || failed "it did not start with shorter limits"
    kill -KILL "$(property MainPID)"
    within 20 waits || failed "it does not wait"
    restarts=$(property NRestarts)
    within 40 is_running || failed "it did not come back"
    [[ $(property NRestarts) == "$restarts" ]] || failed "systemd ended the wait"
    rm -rf $folder
    systemctl daemon-reload
    systemctl restart eyespot.service
    ok "systemd lets it wait for longer than its limits"
}

refused_configuration_is_told_and_a_mended_one_starts() {
    cp $config /run/good.toml
    { cat /run/good.toml; printf '[[rules]]\nkind = line\n'; } >$config
    ! systemctl restart eyespot.service 2>/dev/null || failed "started with a broken configuration"
    within 10 is_down || failed "not down with exit code 78"
    troubled_by '"configuration_refused".*Invalid value' || failed "health does not say why: $(next 5 health)"
    next 5 status | grep -q offline || failed "status is not offline"
    stays_down || failed "it was started again without a change"
    cp /run/good.toml $config # written over
    within 15 is_running || failed "a mended configuration, written over, does not start it"
    printf 'nonsense = 1\n' >$config
    ! systemctl restart eyespot.service 2>/dev/null || failed "started with a broken configuration"
    install -m 640 -g eyespot /run/good.toml /etc/eyespot/new
    mv /etc/eyespot/new $config # renamed over
    within 15 is_running || failed "a mended configuration, renamed over, does not start it"
    ok "a refused configuration is told, keeps it down, and a mended one starts it"
}

half_written_configurations_do_not_keep_it_down() {
    local delay
    for delay in 0.1 0.5 1.1 1.5 2 2.5 3; do
        printf 'nonsense = 1\n' >$config
        ! systemctl restart eyespot.service 2>/dev/null || failed "started with a broken configuration"
        within 10 is_down || failed "not down"
        head -c 100 /run/good.toml >$config
        sleep $delay
        cp /run/good.toml $config
        within 15 is_running || failed "down after a write in two halves, $delay s apart"
    done
    ok "a configuration that is written in two halves starts it, whatever is between them"
}

what_is_broken_at_the_start_is_mended_at_once() { # the start is by hand, the event comes while it starts
    printf 'nonsense = 1\n' >$config
    systemctl restart --no-block eyespot.service
    sleep 0.9
    cp /run/good.toml $config
    within 15 is_running || failed "down, as the change came while it started"
    ok "a change that comes while it starts counts"
}

credentials_start_it_too() {
    local since
    sed 's/^\[mqtt\]/[mqtt]\nusername = "x"\npassword_file = "\/etc\/eyespot\/credentials\/none"/' /run/good.toml >$config
    ! systemctl restart eyespot.service 2>/dev/null || failed "started without its password file"
    stays_down || failed "started without a change"
    since=@$(date +%s)
    echo secret >/etc/eyespot/credentials/mqtt-password
    within 10 journal_says 'has changed: starting' --since "$since" || failed "credentials are not watched"
    within 10 is_down || failed "not down again"
    : >/etc/eyespot/credentials/mqtt-password
    cp /run/good.toml $config
    within 15 is_running || failed "not started"
    ok "changed credentials start it, too"
}

who_stopped_it_has_the_last_word() {
    systemctl stop eyespot.service
    touch $config
    sleep 4
    [[ $(property ActiveState) == inactive ]] || failed "a changed configuration starts what somebody stopped"
    systemctl start eyespot.service
    local pid; pid=$(property MainPID)
    for _ in $(seq 300); do touch $config; done
    sleep 4
    [[ $(property MainPID) == "$pid" ]] || failed "a changed configuration restarts what runs"
    [[ $(systemctl is-active eyespot-config.path) == active ]] || failed "many changes end the watch"
    printf 'nonsense = 1\n' >$config
    ! systemctl restart eyespot.service 2>/dev/null || failed "started with a broken configuration"
    within 20 rests || failed "not down"
    systemctl disable --quiet eyespot.service
    cp /run/good.toml $config
    stays_down || failed "a disabled one was started"
    systemctl enable --quiet eyespot.service
    systemctl start eyespot.service
    ok "what runs, and what somebody stopped or disabled, is left alone"
}

a_restart_over_the_broker_is_no_crash() {
    local before reply; before=$(property MainPID)
    sleep 60 # it is not done sooner after a start
    reply=$(mosquitto_rr -W 10 -t $topics/cmd/restart -e $topics/reply/again -m '{"req_id": "again"}')
    [[ $reply == *'"code":"ok"'* ]] || failed "cmd/restart: $reply"
    within 20 restarted_as_another "$before" || failed "it did not start again"
    next 90 rule/middle/event >/dev/null || failed "no counting after cmd/restart"
    not_troubled_by crash_loop || failed "a restart counts as a crash: $(next 5 health)"
    [[ $(cat /run/eyespot/last-run 2>/dev/null) == "" ]] || failed "the ending was not read"
    ok "cmd/restart: answered, ended, started again, and no crash"
}

restarted_as_another() { is_running && [[ $(property MainPID) != "$1" ]]; }

# --- the checks, in the order in which they run ------------------------------------------------------------------

begins
a_restart_over_the_broker_is_no_crash # first, as crash_loop stays named for a while
crashes_get_longer_waits
waits_can_be_ended
watchdog_is_patient_while_it_waits
refused_configuration_is_told_and_a_mended_one_starts
half_written_configurations_do_not_keep_it_down
what_is_broken_at_the_start_is_mended_at_once
credentials_start_it_too
who_stopped_it_has_the_last_word
