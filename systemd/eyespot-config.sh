#!/bin/sh
# Run by eyespot-config.service: starts eyespot.service again if it is down for its configuration (exit code 78) and
# something in /etc/eyespot has changed. One that runs, or that somebody stopped, is left alone.
set -eu

unit=eyespot.service
folder=/etc/eyespot
seen=$RUNTIME_DIRECTORY/seen # how the folder looked when the unit was last started from here

show() { systemctl show --property "$1" --value --timestamp=us+utc $unit; }

looks() { find $folder -printf '%p %i %s %T@ %C@\n' | sort | sha256sum; }

sleep 1 # whoever writes one file may be about to write another
systemctl --quiet is-enabled $unit || exit 0
systemctl --quiet is-failed $unit || exit 0
[ "$(show ExecMainStatus)" = 78 ] || exit 0
# It has failed this moment: only what was written while it started is news to it.
if [ -n "${MONITOR_UNIT:-}" ]; then
    [ -n "$(find $folder -newerct "$(show ExecMainStartTimestamp)" -print -quit)" ] || exit 0
fi
now=$(looks)
[ "$now" != "$(cat "$seen" 2>/dev/null)" ] || exit 0
printf '%s\n' "$now" >"$seen"
echo "$folder has changed: starting $unit"
systemctl --no-block start $unit
