#!/usr/bin/env bash
# Runs inside the container, as root: what the journal tells.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

entries() { journalctl --no-pager --output json "$@"; } # MATCH...: entries of the journal, one JSON object a line

logged() { [[ -n $(entries "$@") ]]; } # MATCH...

has_a_quiet_day() { # call it when all is well; stops and starts both
    local since said
    since=@$(date +%s)
    systemctl restart eyespot.service eyespot-eye.service
    next 60 rule/middle/event >/dev/null || failed "no counting after a restart"
    systemctl stop eyespot.service eyespot-eye.service
    # what C libraries print comes with priority info (6); ours from notice (5) on
    said=$(journalctl --since "$since" --identifier eyespot --priority notice --output cat --no-pager)
    systemctl start eyespot.service
    # the restart's own "stopping" of both, then ready and stopping of both
    [[ $(grep -vc '^\(ready\|stopping\): ' <<<"$said") == 0 ]] || failed "an ordinary day says more: $said"
    ok "an ordinary day is two lines of each service"
}

logs_what_can_be_found() { # the broker goes and comes
    local over=71385912a66f43d3a6fd8c346590e0ca ready=01fdd4fa0bb446cbb86f02da33a45e17 since
    since=@$(date +%s)
    systemctl stop mosquitto.service
    within 20 logged --since "$since" EYESPOT_STATE=broker_unreachable || failed "no entry says broker_unreachable"
    systemctl start mosquitto.service
    within 60 logged --since "$since" MESSAGE_ID=$over EYESPOT_STATE=broker_unreachable || failed "no entry says that it is over"
    entries MESSAGE_ID=$ready _SYSTEMD_UNIT=eyespot.service | tail -n 1 | python3 -c '
import json, sys
entry = json.load(sys.stdin)
assert entry["EYESPOT_DEVICE"] == "gate" and "@" in entry["EYESPOT_MODEL"], entry
assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"], entry["_TRANSPORT"]) == ("5", "eyespot", "journal"), entry
assert entry["CODE_FILE"].endswith("supervisor.py"), entry' || failed "the entry lacks fields"
    entries _SYSTEMD_UNIT=eyespot-eye.service | grep '"ready: ' | tail -n 1 | grep -q '"PRIORITY":"5"' ||
        failed "the eye's lines have no priority"
    journalctl -x --no-pager --lines 1 MESSAGE_ID=$over | grep -q 'Subject: No longer wrong: broker_unreachable' ||
        failed "journalctl -x does not explain it"
    ok "the journal tells by fields and ids what was wrong, and since when"
}

fill_the_journal() { # what it does not read waits in its queue, until that is full; one sender alone may not fill it
    python3 -c '
import socket
full, senders = False, []
while not full:
    senders.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    senders[-1].setblocking(False)
    senders[-1].connect("/run/systemd/journal/socket")
    full = True
    try:
        while True:
            senders[-1].send(b"MESSAGE=filled\n")
            full = False
    except BlockingIOError:
        pass'
}

goes_on_while_the_journal_hangs() { # in the middle of it nothing that waits for journald: no logger, no systemctl
    local journald body lost=ea0ae5b21fe24068bfdb6268ed15ea8f
    journald=$(property MainPID systemd-journald)
    body=$(property MainPID)
    kill -STOP "$journald"
    fill_the_journal
    for _ in 1 2 3; do # each is told in two lines
        kill -HUP "$body"
        sleep 1
    done
    sleep 32 # longer than the body's watchdog
    next 60 rule/middle/event >/dev/null || failed "nothing is counted while journald hangs"
    kill -CONT "$journald"
    systemctl reload eyespot.service
    within 20 logged MESSAGE_ID=$lost || failed "nobody says that lines were lost"
    [[ $(property MainPID) == "$body" ]] || failed "restarted as journald hung"
    ok "it counts on while journald hangs, and says how many lines that cost"
}
# --- the checks, in the order in which they run ------------------------------------------------------------------

begins
has_a_quiet_day
logs_what_can_be_found
goes_on_while_the_journal_hangs
