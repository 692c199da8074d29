#!/usr/bin/env bash
# Runs inside the container, as root: the service does what it should, and only that.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

# --- the checks, in the order in which they run ------------------------------------------------------------------

installs() {
    /checkout/install.sh --offline /wheels || failed "install.sh"
    systemctl is-enabled --quiet eyespot.service || failed "not enabled"
    [[ $(stat -c '%a %U %G' $config) == "640 root eyespot" ]] || failed "$(stat -c '%a %U %G' $config) on $config"
    ok "installed from the checkout, with the example configuration"
}

installs_again_and_keeps_the_configuration() {
    cp /checkout/tests/system/service/eyespot.toml $config
    /checkout/install.sh --offline /wheels >/run/words || failed "install.sh, the second time"
    grep -q '^nothing to do' /run/words || failed "the second time it did something: $(cat /run/words)"
    cmp --quiet /checkout/tests/system/service/eyespot.toml $config || failed "an edited configuration was overwritten"
    systemctl reload eyespot.service
    ok "installed again: nothing to do; the edited configuration stayed, and was taken up by a reload"
}

is_ready() {
    within 20 systemctl is-active --quiet eyespot.service || failed "not ready" # "reloading" until the reload is over
    [[ $(property StatusText) == *[a-z]* ]] || failed "systemctl status says nothing"
    ok "READY; it says: $(property StatusText)"
}

counts_reach_the_broker() {
    next 20 status | grep -q online || failed "no retained status"
    next 90 rule/middle/event | grep -q crossed || failed "no crossing was published in 90 s"
    (($(crossings) > 0)) || failed "the state counts nothing"
    ok "crossings reach the broker: $(crossings) so far"
}

infers_at_full_speed() {
    journal_says 'Created TensorFlow Lite XNNPACK delegate' || failed "no XNNPACK delegate: see ProcSubset= in README"
    ! journal_says 'Error in cpuinfo' || failed "cpuinfo cannot read /proc/cpuinfo"
    ok "the XNNPACK delegate is in use"
}

are_two() {
    local body eye
    body=$(property MainPID)
    eye=$(property MainPID eyespot-eye)
    [[ $(property ActiveState eyespot-eye) == active ]] || failed "the eye is not active"
    [[ $(stat -c %U "/proc/$body") == eyespot ]] || failed "the body is $(stat -c %U "/proc/$body")"
    [[ $(stat -c %U "/proc/$eye") == eyespot-eye ]] || failed "the eye is $(stat -c %U "/proc/$eye")"
    ok "two processes, two users; the eye says: $(property StatusText eyespot-eye)"
}

sees_without_a_way_to_talk() {
    local unit=/run/systemd/system/probe.service
    [[ $(readlink "/proc/$(property MainPID eyespot-eye)/ns/net") != $(readlink /proc/1/ns/net) ]] ||
        failed "the eye is in the machine's network"
    cp /checkout/tests/system/service/eye_probe.py /opt/eyespot/probe.py
    sed 's#^ExecStart=.*#ExecStart=/usr/bin/python3 /opt/eyespot/probe.py#; s#^Type=.*#Type=oneshot#; /^Restart/d' \
        /etc/systemd/system/eyespot-eye.service >$unit
    systemctl daemon-reload
    systemctl start probe.service || failed "$(journalctl --unit probe.service --no-pager --output cat)"
    systemd-analyze security --threshold=6 --no-pager eyespot-eye.service >/dev/null || failed "exposure is above 0.6"
    rm $unit /opt/eyespot/probe.py
    ok "the eye has no network, and nothing to write to:" \
        "$(systemd-analyze security --no-pager eyespot-eye.service | tail -n 1)"
}

talks_without_seeing() {
    local body seen
    body=$(property MainPID)
    touch /dev/video99 # stands for a camera that the machine has
    seen=$(nsenter --target "$body" --mount find /dev -name 'video*' -o -name 'media*' -o -name 'v4l*' -o -name dma_heap)
    rm /dev/video99
    [[ -z $seen ]] || failed "the body sees $seen"
    ! find "/proc/$body/fd" -lname '/dev/video*' -o -lname '/dev/media*' | grep -q . || failed "the body opened a camera"
    ok "the body has no camera"
}

the_socket_is_for_the_eye() {
    local dial='import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("/run/eyespot/eye.sock")'
    [[ $(stat -c '%a %U %G' /run/eyespot) == "750 eyespot eyespot" ]] || failed "$(stat -c '%a %U %G' /run/eyespot)"
    ! runuser -u nobody -- python3 -c "$dial" 2>/run/words || failed "anybody can be the eye"
    grep -q PermissionError /run/words || failed "$(cat /run/words)"
    ok "other users cannot reach the socket"
}

is_fenced_in() {
    local pid
    pid=$(property MainPID)
    ! nsenter --target "$pid" --mount touch /usr/x 2>/dev/null || failed "/usr is writable for it"
    grep -q ' /var/lib/eyespot .*noexec' "/proc/$pid/mountinfo" || failed "it could execute what it stores"
    grep -q '^CapEff:\s0000000000000000$' "/proc/$pid/status" || failed "it has capabilities"
    systemd-analyze security --threshold=11 --no-pager eyespot.service >/dev/null || failed "exposure is above 1.1"
    [[ -z $(systemd-analyze verify --man=no /etc/systemd/system/eyespot* 2>&1) ]] ||
        failed "$(systemd-analyze verify --man=no /etc/systemd/system/eyespot* 2>&1)"
    systemd-analyze security --threshold=7 --no-pager eyespot-provision.service >/dev/null ||
        failed "exposure of eyespot-provision is above 0.7"
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

survives() { # WHAT COMMAND...: does it, expects a restart, totals that are not lower, and an eye that goes on
    local before restarts eye
    before=$(crossings)
    eye=$(property MainPID eyespot-eye)
    restarts=$(property NRestarts)
    "${@:2}"
    within 60 restarted_since "$restarts" || failed "not restarted after $1"
    rm -f /run/plant/hang
    (($(crossings) >= before)) || failed "counts were lost by $1"
    next 60 rule/middle/event >/dev/null || failed "no counting after $1"
    [[ $(property MainPID eyespot-eye) == "$eye" ]] || failed "the eye did not go on after $1"
    ok "restarted after $1; counts kept ($before before), the same eye"
}

stop_process() { kill -STOP "$(property MainPID)"; }

kill_process() { kill -KILL "$(property MainPID)"; }

watchdog_restarts_what_hangs() {
    prepare_the_watchdog
    survives "the whole process hung" stop_process
    survives "one thread hung" touch /run/plant/hang
    journal_says 'hangs\|has not beaten' || failed "nobody said which thread hung"
    rm -r /etc/systemd/system/eyespot.service.d
    systemctl daemon-reload
}

eye_survives() { # WHAT COMMAND...: does it, expects another eye, and a body that goes on
    local body sessions restarts
    body=$(property MainPID)
    sessions=$(sessions)
    restarts=$(property NRestarts eyespot-eye)
    "${@:2}"
    within 60 restarted_since "$restarts" eyespot-eye || failed "the eye was not restarted after $1"
    next 60 rule/middle/event >/dev/null || failed "no counting after $1"
    within 20 not_troubled_by eye_absent || failed "health still says eye_absent after $1"
    [[ $(property MainPID) == "$body" ]] || failed "the body did not go on after $1"
    [[ $(sessions) == "$sessions" ]] || failed "the body connected to the broker anew after $1"
    ok "the eye was restarted after $1; the same body, the same session at the broker"
}

kill_eye() { kill -KILL "$(property MainPID eyespot-eye)"; }

stop_eye_process() {
    kill -STOP "$(property MainPID eyespot-eye)"
    within 30 troubled_by eye_absent || failed "health does not say that the eye hangs"
}

eye_is_missed() {
    local sessions
    sessions=$(sessions)
    systemctl stop eyespot-eye.service
    within 20 troubled_by eye_absent || failed "health does not say eye_absent"
    systemctl start eyespot-eye.service
    within 20 not_troubled_by eye_absent || failed "health still says eye_absent"
    next 60 rule/middle/event >/dev/null || failed "no counting after the eye came back"
    [[ $(sessions) == "$sessions" ]] || failed "the body connected to the broker anew"
    ok "an eye that was stopped is missed on health; one that comes is welcome"
}

eye_can_be_lost() {
    eye_survives "a kill -9 of the eye" kill_eye
    eye_is_missed
    mkdir -p /etc/systemd/system/eyespot-eye.service.d
    printf '[Service]\nWatchdogSec=15\n' >/etc/systemd/system/eyespot-eye.service.d/test.conf
    systemctl daemon-reload
    systemctl restart eyespot-eye.service
    eye_survives "a hung eye" stop_eye_process
    rm -r /etc/systemd/system/eyespot-eye.service.d
    systemctl daemon-reload
}

eye_waits_for_a_body() {
    local eye
    eye=$(property MainPID eyespot-eye)
    systemctl stop eyespot.service
    sleep 1
    [[ $(property MainPID eyespot-eye) == "$eye" ]] || failed "the eye went with the body"
    systemctl start eyespot.service
    next 60 rule/middle/event >/dev/null || failed "no counting after a stop and a start"
    [[ $(property MainPID eyespot-eye) == "$eye" ]] || failed "the eye was restarted with the body"
    ok "the body can be stopped and started; the eye waits for it"
}

tells_how_it_is() {
    eyespot selftest --json >/run/findings || failed "selftest: $(cat /run/findings)"
    python3 -c '
import json
found = {finding["name"]: finding for finding in json.load(open("/run/findings"))}
assert found["watchdog"]["facts"]["services"] == ["eyespot", "eyespot-eye"]
assert found["broker"]["verdict"] == found["engine"]["verdict"] == "ok"
assert found["permissions"]["facts"]["user"] == "eyespot-eye"' || failed "selftest: $(cat /run/findings)"
    ! eyespot selftest --camera >/run/words || failed "selftest takes the camera from the service"
    grep -q 'the service has the camera: sudo systemctl stop' /run/words || failed "$(cat /run/words)"
    ok "selftest says how it is, and leaves the camera to the service"
}

reboots_only_when_enabled() {
    local folder=/etc/systemd/system/eyespot-reboot.service.d
    runuser -u eyespot -- touch /run/eyespot/reboot-wanted
    sleep 1
    [[ -e /run/eyespot/reboot-wanted ]] || failed "the reboot unit is enabled from the start"
    mkdir $folder # the second step of the real unit, replaced
    printf '[Service]\nExecStart=\nExecStart=/bin/rm -f /run/eyespot/reboot-wanted\nExecStart=/bin/touch /rebooted\n' \
        >$folder/test.conf
    systemctl daemon-reload
    systemctl enable --quiet --now eyespot-reboot.path
    within 10 test -e /rebooted || failed "the reboot that was asked for is not done"
    [[ ! -e /run/eyespot/reboot-wanted ]] || failed "the request for a reboot stays"
    rm -r $folder
    ok "a reboot is done when it is asked for and the operator has enabled that, not before"
}

says_what_the_ai_camera_lacks() {
    sed 's/source = "scene"/source = "imx500"/; /^rate_hz/d; /^seed/d' /checkout/tests/system/service/eyespot.toml >$config
    ! systemctl restart eyespot.service 2>/dev/null || failed "started without the sensor's network"
    [[ $(property ExecMainStatus) == 78 ]] || failed "exit code $(property ExecMainStatus) without the sensor's network"
    journal_says 'apt package imx500-models' --lines 10 || failed "nobody said where the sensor's network comes from"
    mkdir /usr/share/imx500-models
    echo another >/usr/share/imx500-models/imx500_network_ssd_mobilenetv2_fpnlite_320x320_pp.rpk
    cp /checkout/tests/system/service/eyespot.toml $config
    /checkout/install.sh --offline /wheels --camera >/run/words || failed "install.sh --camera"
    grep -q 'apt knows no python3-picamera2' /run/words || failed "what apt lacks is not said: $(cat /run/words)"
    grep -q 'cannot be used: .*another version' /run/words || failed "a wrong network is not named: $(cat /run/words)"
    sed -i 's/source = "scene"/source = "imx500"/; /^rate_hz/d; /^seed/d' $config
    ! eyespot selftest >/run/words || failed "selftest finds a wrong network good"
    grep -q '^fail sensor model .*another version' /run/words || failed "selftest does not name it: $(cat /run/words)"
    ok "without the AI camera's network: exit code 78 and words; a wrong one is named"
}

audits_itself() {
    eyespot privacy audit >/run/words || failed "the audit: $(cat /run/words)"
    local probe
    for probe in "eye's sandbox" "eye's sockets" "body's cameras" "body's sockets"; do
        grep -q "^proved *$probe" /run/words || failed "not proved: $(grep "$probe" /run/words)"
    done
    next 20 privacy >/run/words || failed "no retained verdict"
    grep -q '"verdict":"proved"' /run/words || failed "the body says of itself: $(cat /run/words)"
    ok "the audit enters the eye's sandbox, and proves that there is no way out; so does the body of itself"
}

stays_down_when_misconfigured() {
    printf 'nonsense = 1\n' >$config
    ! systemctl restart eyespot.service 2>/dev/null || failed "started with a broken configuration"
    ! /checkout/install.sh --offline /wheels >/dev/null 2>/run/words || failed "started with a broken configuration"
    grep -q "mend $config" /run/words || failed "install.sh does not say what to do: $(cat /run/words)"
    [[ $(property ExecMainStatus) == 78 && $(property ActiveState) == failed ]] || failed "expected exit code 78, and down"
    ok "a broken configuration keeps it down, with words"
}

goes_away() {
    /checkout/install.sh --uninstall >/dev/null || failed "install.sh --uninstall"
    ! systemctl cat eyespot.service >/dev/null 2>&1 || failed "the unit is still there"
    [[ ! -e /opt/eyespot && -e $config && -d /var/lib/eyespot ]] || failed "removed too little or too much"
    [[ -z $(find /etc/systemd /run/eyespot -name '*eyespot*' 2>/dev/null) ]] || failed "units are left"
    ! pgrep -u eyespot-eye || failed "the eye is still there"
    ok "uninstalled; configuration and counts are still there"
}

within 30 systemctl is-active --quiet mosquitto.service || failed "no mosquitto in the container"
installs
installs_again_and_keeps_the_configuration
is_ready
counts_reach_the_broker
infers_at_full_speed
are_two
sees_without_a_way_to_talk
audits_itself
talks_without_seeing
the_socket_is_for_the_eye
is_fenced_in
refuses_a_broken_reload
watchdog_restarts_what_hangs
survives "a kill -9" kill_process
eye_can_be_lost
eye_waits_for_a_body
tells_how_it_is
reboots_only_when_enabled
says_what_the_ai_camera_lacks
stays_down_when_misconfigured
goes_away
