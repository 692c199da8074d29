#!/usr/bin/env bash
# Runs inside the container, as root: the update worker brings a model as far as the body can try it, and can do no more.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

models=/var/lib/eyespot-models

worker() { journalctl --unit eyespot-update.service --no-pager --output cat; }

says() { # FIELD of worker.json
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' $models/worker.json "$1" 2>/dev/null
}

is_in_state() { [[ $(says state) == "$1" ]]; }

looks_with() { grep -q "\"current\":\"$1" $models/state.json; }

nothing_waits() { [[ -z $(ls $models/requests/worker) ]]; }

leftovers() { find $models/requests/worker $models/parts $models/staging -mindepth 1; }

has_ended() { [[ $(property ActiveState eyespot-update) != activating ]]; }

let_it_end() { # what starts during a run joins it, and its end writes when it is time again
    within 30 has_ended || failed_update "the run before does not end"
}

start() {
    let_it_end
    systemctl start eyespot-update.service
}

is_due() {
    let_it_end
    echo 0 >$models/next
}

failed_update() {
    worker | tail -n 20
    cat $models/worker.json || true
    failed "$@"
}

# --- the checks, in the order in which they run ------------------------------------------------------------------

costs_nothing_without_a_repository() {
    systemctl is-active --quiet eyespot-update.timer eyespot-update.path || failed "timer or path unit is not active"
    start || failed_update "a start without a repository fails"
    [[ $(property ConditionResult eyespot-update) == no ]] || failed "it runs without a repository"
    [[ $(stat -c '%a %U %G' $models) == "2770 eyespot-update eyespot-models" ]] || failed "$(stat -c '%a %U %G' $models)"
    ok "without a repository nothing is started"
}

is_fenced_in() {
    local unit=/run/systemd/system/probe.service
    cp /checkout/tests/system/service/{eye_probe,update_probe}.py /opt/eyespot/
    echo secret >/etc/eyespot/credentials/mqtt-password
    touch /dev/video99 # stands for a camera that the machine has
    sed 's#^ExecStart=.*#ExecStart=/usr/bin/python3 /opt/eyespot/update_probe.py#; /^ExecCondition/d; /^ExecStopPost/d; /^Condition/d' \
        /etc/systemd/system/eyespot-update.service >$unit
    systemctl daemon-reload
    systemctl start probe.service || failed "$(journalctl --unit probe.service --no-pager --output cat)"
    systemd-analyze security --threshold=11 --no-pager eyespot-update.service >/dev/null || failed "exposure is above 1.1"
    rm $unit /opt/eyespot/*_probe.py /dev/video99
    : >/etc/eyespot/credentials/mqtt-password
    ok "the update worker has no camera, no password and nothing to write to but the models:" \
        "$(systemd-analyze security --no-pager eyespot-update.service | tail -n 1)"
}

has_a_repository() {
    mkdir /srv/update
    PYTHONPATH=/checkout/tests PYTHONDONTWRITEBYTECODE=1 /opt/eyespot/current/venv/bin/python \
        /checkout/tests/system/service/make_repository.py /srv/update /opt/eyespot/current
    install -m 644 /srv/update/root.json /etc/eyespot/root.json
    { cat /checkout/tests/system/service/eyespot.toml; printf '[update]\nurl = "file:///srv/update/repository"\nprobation_s = 10\n'; } >$config
    systemctl reload eyespot.service
}

takes_what_the_repository_offers() { # asked for by hand, through the path unit
    eyespot models check >/run/words || failed "models check: $(cat /run/words)"
    within 60 is_in_state staged || failed_update "nothing is staged"
    [[ $(says code) == None ]] || failed_update "it is not content"
    within 90 looks_with ssd-mobilenet-v2-oidv4@9.0.0 || failed_update "the body does not try it: $(cat $models/state.json)"
    within 60 grep -q '"trial":null' $models/state.json || failed "the trial does not end: $(cat $models/state.json)"
    looks_with ssd-mobilenet-v2-oidv4@9.0.0 || failed "it was rolled back: $(cat $models/state.json)"
    next 60 rule/middle/event | grep -q 'crossed' || failed "nothing is counted with the new model"
    eyespot models list >/run/words || failed "models list"
    grep -q '^current *ssd-mobilenet-v2-oidv4@9.0.0' /run/words || failed "models list: $(cat /run/words)"
    [[ -z $(leftovers) ]] || failed "left over: $(leftovers)"
    ok "what the repository offers is fetched, tried and kept: $(eyespot models list | head -n 1)"
}

looks_again_when_it_is_time() {
    local checked
    start || failed_update "a start that is not due fails"
    [[ $(property Result eyespot-update) == exec-condition ]] || failed "it looks though it is not time: $(property Result eyespot-update)"
    checked=$(says checked_s)
    sleep 1
    is_due
    start || failed_update "a start that is due fails"
    (($(says checked_s) > checked)) || failed "it did not look, though it was time"
    checked=$(says checked_s)
    sleep 1
    touch $config
    start || failed_update "a start after a change fails"
    (($(says checked_s) > checked)) || failed "it did not look, though the configuration has changed"
    ok "it looks when it is time, or the configuration has changed; else a shell says no"
}

takes_a_local_bundle_when_that_is_allowed() { # from a home, which the worker does not see
    cp -r /srv/update/bundle /root/bundle
    sed -i 's/"version": "9.0.0"/"version": "9.1.0"/' /root/bundle/manifest.json
    ! eyespot models install /root/bundle 2>/run/words || failed "an unsigned bundle is taken"
    grep -q 'allow_unsigned' /run/words || failed "nobody said why: $(cat /run/words)"
    sed -i 's/^probation_s/allow_unsigned = true\n&/' $config
    systemctl reload eyespot.service
    eyespot models install /root/bundle >/run/words || failed "models install: $(cat /run/words)"
    within 90 looks_with ssd-mobilenet-v2-oidv4@9.1.0 || failed_update "the local bundle is not tried"
    ok "a local bundle is taken where the configuration allows that"
}

a_killed_worker_is_not_started_for_ever() {
    local drop_in=/etc/systemd/system/eyespot-update.service.d/test.conf starts
    mkdir -p ${drop_in%/*}
    # shellcheck disable=SC2016  # for the inner shell
    printf '[Service]\nExecStart=\nExecStart=/bin/sh -c "echo killed; kill -KILL $$$$"\n' >$drop_in
    systemctl daemon-reload
    eyespot models check >/dev/null
    sleep 5
    starts=$(worker | grep -c '^killed')
    rm -r ${drop_in%/*}
    systemctl daemon-reload
    ((starts == 1)) || failed_update "started $starts times by one request that kills it"
    systemctl is-active --quiet eyespot-update.path || failed "the path unit has given up"
    eyespot models check >/dev/null
    within 30 nothing_waits || failed_update "requests are not taken any more"
    ok "a request that kills the worker starts it once"
}

a_broken_configuration_is_told_once() {
    cp $config /run/config
    echo 'oops = = 3' >>$config
    eyespot models check 2>/dev/null || true # it reads the configuration, too
    is_due
    ! start 2>/dev/null || failed "it runs with a broken configuration"
    [[ $(property ExecMainStatus eyespot-update) == 78 ]] || failed "exit code $(property ExecMainStatus eyespot-update)"
    [[ $(says code) == configuration ]] || failed_update "it does not say so"
    cp /run/config $config
    ok "a broken configuration is told: $(says reason)"
}

goes_away() {
    /checkout/install.sh --purge >/dev/null || failed "install.sh --purge"
    [[ ! -e $models ]] || failed "the models are still there"
    [[ -z $(find /etc /run -name '*eyespot*' 2>/dev/null) ]] || failed "left: $(find /etc /run -name '*eyespot*')"
    ! grep -q eyespot /etc/passwd /etc/group || failed "left: $(grep eyespot /etc/passwd /etc/group)"
    ok "purged, with models, user and group"
}

begins
costs_nothing_without_a_repository
is_fenced_in
has_a_repository
takes_what_the_repository_offers
looks_again_when_it_is_time
takes_a_local_bundle_when_that_is_allowed
a_killed_worker_is_not_started_for_ever
a_broken_configuration_is_told_once
goes_away
