#!/usr/bin/env bash
# Runs inside the container, as root: the drop-ins that an operator may choose.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

uses_a_local_broker() { # the opt-in of systemd/README.md, word for word
    local drop_in=/etc/systemd/system/eyespot.service.d/10-local-broker.conf
    local socket=/run/eyespot-broker/mqtt.sock body before
    install -D -m 644 /checkout/systemd/eyespot-local-broker.tmpfiles.conf /etc/tmpfiles.d/eyespot-local-broker.conf
    systemd-tmpfiles --create eyespot-local-broker.conf || failed "systemd-tmpfiles"
    install -m 644 /checkout/systemd/eyespot-local-broker.mosquitto.conf /etc/mosquitto/conf.d/eyespot.conf
    install -D -m 644 /checkout/systemd/eyespot-local-broker.conf $drop_in
    sed -i "s#^url = .*#url = \"unix://$socket\"#" $config
    systemctl daemon-reload
    systemctl restart mosquitto.service || failed "mosquitto: $(journalctl --unit mosquitto --no-pager --lines 10)"
    systemctl restart eyespot.service || failed "not ready with a local broker"
    [[ $(stat -c '%A %G' $socket) == "srwxrwx--- eyespot" ]] || failed "the socket: $(stat -c '%A %U %G' $socket)"
    ! runuser -u nobody -- mosquitto_pub --unix $socket -t x -m x 2>/dev/null || failed "anybody can use the socket"
    body=$(property MainPID)
    [[ $(readlink "/proc/$body/ns/net") != $(readlink /proc/1/ns/net) ]] || failed "the body is in the machine's network"
    within 20 local_events 1 || failed "no crossing reached the local broker"
    ! mosquitto_pub -h 127.0.0.1 -t x -m x 2>/dev/null || failed "mosquitto listens on a port, too"
    systemd-analyze security --threshold=2 --no-pager eyespot.service >/dev/null || failed "exposure is above 0.2"
    before=$(property NRestarts)
    systemctl restart mosquitto.service
    within 30 local_events 1 || failed "the body does not find the broker again after its restart"
    [[ $(property MainPID) == "$body" && $(property NRestarts) == "$before" ]] || failed "the body was restarted"
    systemctl restart eyespot.service
    within 60 local_events 1 || failed "the restarted body does not reach the broker"
    ok "a local broker on a socket, no network at all:" \
        "$(systemd-analyze security --no-pager eyespot.service | tail -n 1)"
    rm $drop_in /etc/mosquitto/conf.d/eyespot.conf /etc/tmpfiles.d/eyespot-local-broker.conf
    rmdir "${drop_in%/*}"
    cp /checkout/tests/system/service/eyespot.toml $config
    systemctl daemon-reload
    systemctl restart mosquitto.service eyespot.service
    next 60 rule/middle/event >/dev/null || failed "not back at the usual broker"
}

local_events() { # COUNT: whether so many come soon
    timeout 20 mosquitto_sub --unix /run/eyespot-broker/mqtt.sock -C "$1" -t "$topics/rule/middle/event" | grep -q crossed
}

keeps_the_hardware_watchdog() { # systemd takes the drop-in up; a container has no device
    local folder=/etc/systemd/system.conf.d
    install -D -m 644 /checkout/systemd/eyespot-hardware-watchdog.conf $folder/eyespot-hardware-watchdog.conf
    systemctl daemon-reexec
    [[ $(systemctl show --property RuntimeWatchdogUSec --value) == 10s ]] || failed "RuntimeWatchdogSec is not in force"
    [[ $(systemctl show --property RebootWatchdogUSec --value) == 15s ]] || failed "RebootWatchdogSec is not in force"
    rm $folder/eyespot-hardware-watchdog.conf
    systemctl daemon-reexec
    ok "the drop-in for the hardware watchdog is taken up"
}

# --- the checks, in the order in which they run ------------------------------------------------------------------

begins
uses_a_local_broker
keeps_the_hardware_watchdog
