#!/usr/bin/env bash
# Runs inside the container, as root: a folder on the boot partition is imported, or refused.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

provision_state() { systemctl show --property "$1" --value eyespot-provision.service; }

imports_a_folder_before_the_service_starts() {
    mkdir -p /boot/firmware && mount -t tmpfs none /boot/firmware
    mkdir /boot/firmware/eyespot
    cp $config /boot/firmware/eyespot/eyespot.toml
    printf 's3cret\r\n' >/boot/firmware/eyespot/mqtt-password
    systemctl start eyespot-provision.service || failed "$(journalctl -u eyespot-provision --no-pager -o cat)"
    [[ -d /boot/firmware/eyespot-imported && ! -e /boot/firmware/eyespot ]] || failed "the folder was not put aside"
    [[ ! -e /boot/firmware/eyespot-imported/mqtt-password ]] || failed "the password is still on the card"
    [[ $(stat -c '%a %U' /etc/eyespot/credentials/mqtt-password) == "600 root" ]] || failed "mode of the password"
    [[ $(stat -c '%a %U %G' $config) == "640 root eyespot" ]] || failed "mode of the configuration"
    grep -q $'^imported .*\r$' /boot/firmware/eyespot-report.txt || failed "no report"
    [[ $(systemctl show -P Before eyespot-provision) == *eyespot.service* ]] || failed "not ordered before the body"
    ok "a folder on the boot partition was imported"
}

refuses_a_bad_folder_and_goes_on() {
    mkdir /boot/firmware/eyespot
    { cat $config; echo 'nonsense = 1'; } >/boot/firmware/eyespot/eyespot.toml
    ! systemctl start eyespot-provision.service 2>/dev/null || failed "a broken configuration was imported"
    [[ $(provision_state ExecMainStatus) == 78 ]] || failed "exit code $(provision_state ExecMainStatus)"
    grep -q 'nonsense' /boot/firmware/eyespot-report.txt || failed "the report does not say why"
    [[ $(property ActiveState) == active ]] || failed "the service did not go on"
    rm -r /boot/firmware/eyespot
    ok "a bad folder is refused: $(sed -n 3p /boot/firmware/eyespot-report.txt)"
}

removes_what_a_power_cut_left() {
    touch /boot/firmware/eyespot-imported/client.key
    systemctl start eyespot-provision.service
    [[ ! -e /boot/firmware/eyespot-imported/client.key ]] || failed "a key is still on the card"
    systemctl start eyespot-provision.service
    [[ $(provision_state ConditionResult) == no ]] || failed "it runs with nothing to do"
    ok "secrets that a power cut has left are removed; then there is nothing to do"
}

imports_with_no_rights_but_two_folders() {
    local unit=/run/systemd/system/probe.service
    sed 's#^ExecStart=.*#ExecStart=/bin/sh -c "! touch /usr/x \&\& ! touch /etc/x \&\& ! touch /opt/x \&\& touch /etc/eyespot/x /boot/firmware/x \&\& rm /etc/eyespot/x /boot/firmware/x \&\& grep -q ^CapBnd:.*0000000000000000 /proc/self/status \&\& ! ls /var/lib/eyespot"#; /^Condition/d' \
        /etc/systemd/system/eyespot-provision.service >$unit
    systemctl daemon-reload
    systemctl start probe.service || failed "$(journalctl --unit probe.service --no-pager --output cat)"
    rm $unit
    ok "provisioning writes to two folders alone, without a capability"
}
# --- the checks, in the order in which they run ------------------------------------------------------------------

begins
imports_a_folder_before_the_service_starts
refuses_a_bad_folder_and_goes_on
removes_what_a_power_cut_left
imports_with_no_rights_but_two_folders
