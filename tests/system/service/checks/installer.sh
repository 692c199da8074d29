#!/usr/bin/env bash
# Runs inside the container, as root: install.sh refuses, installs, upgrades, goes back, and goes away.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

files() { # what is where, with mode, owner, size and time; without what the system itself writes while it runs
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /out \
        -o -path /src -o -path /wheels -o -path /checkout -o -path /var/lib/systemd -o -path /var/lib/mosquitto \
        -o -path /root -o -path /var/backups -o -path /var/cache -o -path /var/lib/apt \
        -o -name '*.pyc' -o -path '/etc/*-' -o -name .pwd.lock \) -prune \
        -o -type d -printf '%p %m %U %G\n' -o -path '/etc/*' -type f -printf '%p %m %U %G ' -exec sha256sum {} \; \
        -o -printf '%p %y %m %U %G %l %s %T@\n' | sort
}

source_of() { # VERSION [SED FILE]: a checkout of its own, changed
    rm -rf /src
    mkdir /src
    # shellcheck disable=SC1091  # that is a place in the container
    (source /checkout/install.sh && pack) | tar --extract --file - --directory /src
    sed -i "s/^__version__ = .*/__version__ = \"$1\"/" /src/daemon/eyespot/__init__.py
    [[ -z ${2:-} ]] || plant "$2" "/src/$3"
}

plant() { # SED FILE
    cp "$2" /run/unplanted
    sed -i "$1" "$2"
    ! cmp --quiet "$2" /run/unplanted || failed "nothing was planted in $2"
}

current() { readlink /opt/eyespot/current | sed 's#releases/##; s#-[^-]*-py.*##'; } # its version

upgrade() { /src/install.sh --offline /wheels "$@" >/run/words 2>&1; }

counts() { next 90 rule/middle/event >/dev/null; }

refuses() { # WHY WORDS COMMAND...: nothing is changed, and one line says what to do
    local before after
    before=$(files)
    ! "${@:3}" >/dev/null 2>/run/words || failed "no refusal: $1"
    grep -q "$2" /run/words || failed "$1: $(cat /run/words)"
    (($(wc -l </run/words) == 1)) || failed "$1: more than one line: $(cat /run/words)"
    after=$(files)
    [[ $before == "$after" ]] || failed "$1 changed $(diff <(printf '%s' "$before") <(printf '%s' "$after"))"
    ok "refused, and nothing changed: $1: $(cat /run/words)"
}

as_nobody() { runuser -u nobody -- "$@"; }

with_file() { # FILE TEXT COMMAND...: bound over FILE for the time of the command
    local code=0
    printf '%b' "$2" >/run/instead
    chmod 755 /run/instead
    mount --bind /run/instead "$1"
    "${@:3}" || code=$?
    umount "$1"
    return "$code"
}

with_little_disk() { # MIB COMMAND...
    local code=0
    mkdir -p /opt
    mount -t tmpfs -o "size=$1m" tmpfs /opt
    "${@:2}" || code=$?
    umount /opt
    return "$code"
}

# --- the checks, in the order in which they run ------------------------------------------------------------------

refuses_with_words() {
    local me=(/src/install.sh --offline /wheels)
    ! /src/install.sh --check --purge >/dev/null 2>/run/words || failed "two tasks at once are taken"
    grep -q -- '--check and --purge: one at a time' /run/words || failed "$(cat /run/words)"
    refuses "not root" 'only root can do that: sudo' as_nobody "${me[@]}"
    refuses "an unknown system" 'this is Plan 9: the service needs Debian' \
        with_file /usr/lib/os-release 'ID=plan9\nPRETTY_NAME="Plan 9"\n' "${me[@]}"
    refuses "a Python that is too old" '/usr/bin/python3 has to be 3.11 or newer' \
        with_file "$(realpath /usr/bin/python3)" '#!/bin/sh\nexit 1\n' "${me[@]}"
    refuses "another processor" 'no inference engine for riscv64' with_file /usr/bin/uname '#!/bin/sh\necho riscv64\n' "${me[@]}"
    refuses "the year 1970, and a network" 'it says 1970' with_file /usr/bin/date '#!/bin/sh\necho 1970\n' /src/install.sh
    refuses "no room" 'MB free, 600 are needed' with_little_disk 100 "${me[@]}"
    refuses "a folder that is not there" 'there is no folder /nowhere' /src/install.sh --offline /nowhere
    cp -r /wheels /run/half
    rm /run/half/numpy-*
    truncate -s 100 /run/half/msgspec-*
    refuses "half a wheel folder" 'missing or damaged in /run/half: msgspec.* numpy' /src/install.sh --offline /run/half
    rm /run/half/SHA256SUMS
    refuses_after_pip
    mkdir -p /usr/local/lib/python3/dist-packages/picamera2
    refuses "a copy of picamera2 from pip" 'hides apt' "${me[@]}"
    rm -r /usr/local/lib/python3
}

refuses_after_pip() { # no list of what has to be there: pip finds out
    local before
    before=$(files)
    ! /src/install.sh --offline /run/half >/run/words 2>&1 || failed "installed from half a folder"
    tail -n 1 /run/words | grep -q 'failed at "installing what the program needs"; nothing was changed.*mend that' || failed "$(cat /run/words)"
    diff <(printf '%s\n' "$before") <(files) || failed "half a folder left something"
    rm -r /run/half
    ok "pip's refusal leaves nothing behind: $(tail -n 1 /run/words)"
}

looks_without_writing() {
    local before
    before=$(files)
    /src/install.sh --check >/run/words || failed "--check: $(cat /run/words)"
    grep -q '^ok *python' /run/words || failed "--check does not tell: $(cat /run/words)"
    upgrade --dry-run || failed "--dry-run: $(cat /run/words)"
    (($(grep -c '^would: ' /run/words) >= 5)) || failed "--dry-run names too little: $(cat /run/words)"
    /src/install.sh --purge --dry-run >/run/words || failed "--purge --dry-run"
    diff <(printf '%s\n' "$before") <(files) || failed "it wrote something"
    ok "--check and --dry-run write nothing"
}

install_until() { # STEP: kill -9 before that step
    # shellcheck disable=SC2016  # for the inner shell
    bash -c 'source /src/install.sh
        eval "$(declare -f act | sed "1s/act/really/")"
        step=$1 n=0
        act() { ((++n != step)) || { echo "$1" >/run/reached; kill -KILL $$; }; really "$@"; }
        main --offline /wheels' installer "$1" >/run/words 2>&1
}

finishes_after_a_kill_at_each_step() { # of what a first installation does, or an upgrade
    local step=1 what=$1
    rm -f /run/reached
    while ! install_until $step; do
        [[ -e /run/reached ]] || failed "$what, killed before step $((step - 1)), then: $(cat /run/words)"
        rm /run/reached
        step=$((step + 1))
    done
    ((step > 3)) || failed "only $step steps"
    [[ $(property ActiveState) == active && ! -e /opt/eyespot/trial ]] || failed "not whole after $step kills"
    ok "$what killed before each of its $((step - 1)) steps: the next run goes on, the last one finishes"
}

install_without_room_from() { # STEP: the disk is full from that step on
    # shellcheck disable=SC2016  # for the inner shell
    bash -c 'source /src/install.sh
        eval "$(declare -f act | sed "1s/act/really/")"
        step=$1 n=0
        act() { ((++n != step)) || { touch /run/reached; cat /dev/zero >/opt/filler 2>/dev/null || true; }; really "$@"; }
        main --offline /wheels' installer "$1" >/run/words 2>&1
}

stands_a_full_disk_at_each_step() { # of an upgrade
    local step=1
    systemctl stop eyespot.service eyespot-eye.service
    mkdir /run/small
    mount -t tmpfs -o size=1500m tmpfs /run/small
    cp -a /opt/. /run/small
    mount --bind /run/small /opt
    systemctl start eyespot.service
    source_of 1.5.0
    rm -f /run/reached
    while ! install_without_room_from $step; do
        [[ -e /run/reached ]] || failed "no room before step $((step - 1)), then: $(cat /run/words)"
        rm -f /run/reached /opt/filler
        [[ $(current) == 1.0.0 && ! -e /opt/eyespot/trial ]] || failed "no room at step $step: $(current): $(cat /run/words)"
        [[ $(eyespot --version) == "eyespot 1.0.0" ]] || failed "no room at step $step: nothing works"
        counts || failed "nothing is counted after a full disk at step $step"
        step=$((step + 1))
    done
    rm -f /opt/filler
    ((step > 3)) || failed "only $step steps"
    ok "a disk that is full from step 1 to $((step - 1)) of an upgrade on: the old release counts on: $(tail -n 1 /run/words)"
    /opt/eyespot/current/install.sh --rollback >/run/words 2>&1 || failed "--rollback: $(cat /run/words)"
    systemctl stop eyespot.service eyespot-eye.service
    umount /opt
    umount /run/small
    systemctl start eyespot.service
}

begins_to_count() {
    cp /checkout/tests/system/service/eyespot.toml $config
    systemctl reload eyespot.service
    counts || failed "nothing is counted"
    [[ $(eyespot --version) == "eyespot 1.0.0" ]] || failed "eyespot --version"
}

upgrades() {
    local before
    before=$(crossings)
    source_of 2.0.0
    finishes_after_a_kill_at_each_step "an upgrade"
    [[ $(current) == 2.0.0 && $(eyespot --version) == "eyespot 2.0.0" ]] || failed "current is $(current)"
    cmp --quiet /checkout/tests/system/service/eyespot.toml $config || failed "the configuration was overwritten"
    counts || failed "nothing is counted after the upgrade"
    (($(crossings) >= before)) || failed "counts were lost"
    upgrade || failed "the second time: $(cat /run/words)"
    grep -q '^nothing to do' /run/words || failed "the second time it did something: $(cat /run/words)"
    ok "upgraded; counts and configuration stayed"
}

flips_back() { # WHAT WORDS SED FILE
    local releases
    releases=$(ls /opt/eyespot/releases)
    source_of 3.0.0 "$3" "$4"
    ! upgrade || failed "a release that $1 was taken"
    grep -q "$2" /run/words || failed "nobody said why a release that $1 was not taken: $(cat /run/words)"
    [[ $(current) == 2.0.0 && ! -e /opt/eyespot/trial ]] || failed "current is $(current)"
    counts || failed "nothing is counted after going back from a release that $1"
    [[ $(eyespot --version) == "eyespot 2.0.0" ]] || failed "not the old program"
    [[ $(ls /opt/eyespot/releases) == "$releases" ]] || failed "left over: $(ls /opt/eyespot/releases)"
    ok "a release that $1 is not taken: $(tail -n 1 /run/words)"
}

goes_back_by_itself() {
    flips_back "crashes at its start" 'did not become ready' 's/^    with closing(open_database/    raise SystemExit(70)\n&/' daemon/eyespot/app/service.py
    flips_back "ends after READY" 'was ready, and ended' \
        's/self._pipeline.step(/(1 \/ 0)(/' daemon/eyespot/supervisor/vision_worker.py
    flips_back "finds more wrong than before" 'finds wrong what was not before: clock' \
        's/machine.clock,/lambda _: 1 \/ 0,/' daemon/eyespot/app/selftest/__init__.py
}

goes_back_when_interrupted() {
    source_of 3.0.0
    setsid /src/install.sh --offline /wheels >/run/words 2>&1 &
    within 120 test -e /opt/eyespot/trial || failed "no trial"
    kill -TERM -- -$!
    ! wait $! || failed "not ended by a signal"
    grep -q 'It was interrupted: run it again' /run/words || failed "nobody said so: $(cat /run/words)"
    [[ $(current) == 2.0.0 && ! -e /opt/eyespot/trial ]] || failed "current is $(current)"
    counts || failed "nothing is counted"
    ok "interrupted in the middle of a trial, it goes back: $(tail -n 1 /run/words)"
}

does_not_end_what_could_not_start_again() {
    echo 'oops = = 3' >>$config
    ! upgrade || failed "upgraded with a broken configuration"
    grep -q 'could not start with this configuration; what is installed runs on' /run/words || failed "$(cat /run/words)"
    cp /checkout/tests/system/service/eyespot.toml $config
    [[ $(current) == 2.0.0 && ! -e /opt/eyespot/trial ]] || failed "current is $(current)"
    counts || failed "nothing is counted"
    ok "an upgrade with a broken configuration is refused: $(tail -n 1 /run/words)"
}

goes_back_after_a_power_cut() { # the unit that runs at boot finds an upgrade that was never proven
    source_of 3.0.0 's/^    with closing(open_database/    raise SystemExit(70)\n&/' daemon/eyespot/app/service.py
    # shellcheck disable=SC2016  # for the inner shell
    ! bash -c 'source /src/install.sh; try_out() { kill -KILL $$; }; main --offline /wheels' installer \
        >/dev/null 2>&1 || failed "not killed"
    [[ -e /opt/eyespot/trial && $(current) == 3.0.0 ]] || failed "killed too early"
    systemctl start eyespot-release.service || failed "$(journalctl -u eyespot-release --no-pager -o cat)"
    [[ $(current) == 2.0.0 && ! -e /opt/eyespot/trial ]] || failed "current is $(current)"
    systemctl restart eyespot.service
    counts || failed "nothing is counted"
    ok "a boot in the middle of a trial goes back to the release of before"
}

rolls_back() {
    /opt/eyespot/current/install.sh --rollback >/run/words 2>&1 || failed "--rollback: $(cat /run/words)"
    [[ $(current) == 1.0.0 ]] || failed "current is $(current)"
    counts || failed "nothing is counted after --rollback"
    /opt/eyespot/current/install.sh --rollback >/run/words 2>&1 || failed "--rollback: $(cat /run/words)"
    [[ $(current) == 2.0.0 ]] || failed "current is $(current)"
    ok "rolled back, and back again"
}

keeps_two() {
    source_of 4.0.0
    upgrade || failed "$(cat /run/words)"
    (($(find /opt/eyespot/releases -mindepth 1 -maxdepth 1 | wc -l) == 2)) || failed "$(ls /opt/eyespot/releases)"
    ok "the last two releases are kept: $(ls -m /opt/eyespot/releases)"
}

leaves_alone_what_is_off() {
    systemctl stop eyespot.service eyespot-eye.service
    source_of 5.0.0
    upgrade || failed "$(cat /run/words)"
    [[ $(property ActiveState) == inactive && $(current) == 5.0.0 ]] || failed "stopped, then upgraded: $(property ActiveState)"
    systemctl start eyespot.service
    ok "an upgrade of a service that was stopped leaves it stopped"
}

says_that_its_python_is_gone() {
    local python
    python=$(readlink -f /opt/eyespot/current/venv/bin/python)
    mv "$python" "$python.away"
    ! eyespot --version 2>/run/words || failed "runs without its Python"
    mv "$python.away" "$python"
    grep -q "is gone: sudo /opt/eyespot/releases/.*install.sh makes it anew" /run/words || failed "$(cat /run/words)"
    ok "without its Python: $(cat /run/words)"
}

goes_away() { # FILES of before the first installation
    printf 'mine\n' >/etc/systemd/system/mine.service
    install -D -m 644 /src/systemd/eyespot-local-broker.conf /etc/systemd/system/eyespot.service.d/mine.conf
    /opt/eyespot/current/install.sh --uninstall >/dev/null || failed "--uninstall"
    diff <(printf '%s\n' "$1" | cut -d ' ' -f 1) <(files | cut -d ' ' -f 1) >/run/left || true
    ! grep -vE '^([0-9,acd]+|---|> (/etc/(systemd/system/(mine|eyespot).service.*|eyespot.*)|/var/lib/eyespot.*))$' /run/left ||
        failed "--uninstall leaves more than configuration and state: $(cat /run/left)"
    [[ -e /etc/systemd/system/eyespot.service.d/mine.conf && -e /etc/eyespot/eyespot.toml && -e /var/lib/eyespot/eyespot.db ]] || failed "--uninstall removed too much"
    /src/install.sh --purge >/dev/null || failed "--purge"
    rm /etc/systemd/system/mine.service
    diff <(printf '%s\n' "$1") <(files) || failed "--purge leaves a difference"
    ok "--uninstall leaves configuration and state, --purge leaves nothing"
}

within 30 systemctl is-active --quiet mosquitto.service || failed "no mosquitto in the container"
source_of 1.0.0
untouched=$(files)
refuses_with_words
looks_without_writing
finishes_after_a_kill_at_each_step "an installation"
begins_to_count
stands_a_full_disk_at_each_step
upgrades
goes_back_by_itself
goes_back_when_interrupted
does_not_end_what_could_not_start_again
goes_back_after_a_power_cut
rolls_back
keeps_two
leaves_alone_what_is_off
says_that_its_python_is_gone
goes_away "$untouched"
