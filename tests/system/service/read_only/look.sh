#!/usr/bin/env bash
# Runs inside the next boot of that root, which is read-only now, with an empty /var in memory.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../words.sh
source /checkout/tests/system/service/words.sh

counts_on_a_read_only_root() {
    ! touch /x /opt/eyespot/x /etc/eyespot/x 2>/dev/null || failed "the root is not read-only"
    within 30 systemctl is-active --quiet eyespot.service || failed "not ready on a read-only root"
    next 60 rule/middle/event | grep -q crossed || failed "does not count on a read-only root"
    within 10 troubled_by state_volatile || failed "health does not say state_volatile: $(next 5 health)"
    (($(journal | grep -c '^state_volatile: ') == 1)) || failed "not warned once: $(journal | grep state_volatile)"
    systemctl reload eyespot.service
    next 60 rule/middle/event >/dev/null || failed "does not count after a reload"
    ok "counts on a read-only root with an empty /var, and warns of it once"
}

counts_on_a_read_only_root
