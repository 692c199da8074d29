#!/usr/bin/env bash
# Runs inside the container, as root: a backup is taken while the service counts, and restored.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

is_backed_up_while_it_counts() {
    rm -f /root/gate.tar.gz
    eyespot backup /root/gate.tar.gz || failed "backup beside a running service"
    [[ $(stat -c '%a %U' /root/gate.tar.gz) == "600 root" ]] || failed "the backup is for others, too"
    [[ $(property ActiveState) == active ]] || failed "the backup stopped the service"
    ! find /var/lib/eyespot ! -user eyespot | grep -q . || failed "the backup left files of root's in the state folder"
    ok "backed up while it counts: $(eyespot restore --dry-run /root/gate.tar.gz | head -n 1)"
}

counted_at_least() { (($(crossings) >= $1)); } # NUMBER

is_restored_and_goes_on() {
    local before restarts
    before=$(eyespot restore --dry-run --json /root/gate.tar.gz | python3 -c 'import json, sys; print(json.load(sys.stdin)["seq"])')
    restarts=$(property NRestarts)
    printf '\n# changed since\n' >>$config
    eyespot restore /root/gate.tar.gz || failed "restore over a running service"
    [[ $(property ActiveState) == active ]] || failed "the service does not run again"
    [[ $(property NRestarts) -le $restarts ]] || failed "the service failed on the way"
    grep -q 'changed since' $config.before || failed "the configuration of before is not kept"
    ! grep -q 'changed since' $config || failed "the configuration is not that of the backup"
    [[ $(stat -c '%a %U %G' $config) == "640 root eyespot" ]] || failed "$(stat -c '%a %U %G' $config) on $config"
    [[ $(stat -c '%a %U' /etc/eyespot/credentials/mqtt-password) == "600 root" ]] || failed "mode of the password"
    ! find /var/lib/eyespot ! -user eyespot | grep -q . || failed "restore left files of root's in the state folder"
    [[ ! -e /run/eyespot-restore ]] || failed "the mark was left behind"
    ls /var/lib/eyespot/eyespot.db.before-1 >/dev/null || failed "the database of before is not kept"
    within 10 counted_at_least "$before" || failed "totals are smaller than in the backup"
    ok "restored; the service runs again and counts on from $before"
}

a_restore_that_is_killed_starts_the_service_when_run_again() { # systemctl stop has been called, nothing else
    touch /run/eyespot-restore && systemctl stop eyespot
    eyespot restore /root/gate.tar.gz >/dev/null 2>&1 || failed "restore after one that was killed"
    [[ $(property ActiveState) == active ]] || failed "the service does not run again"
    ok "a killed restore, run again, starts the service"
}

# --- the checks, in the order in which they run ------------------------------------------------------------------

begins
is_backed_up_while_it_counts
is_restored_and_goes_on
a_restore_that_is_killed_starts_the_service_when_run_again
