# shellcheck shell=bash
# What stands outside $prefix: units, users, folders, one command. Sourced by install.sh.

units_dir=/etc/systemd/system
switched_on=(eyespot.service eyespot-release.service eyespot-provision.service
    eyespot-config.path eyespot-update.path eyespot-update.timer)
catalog=/usr/local/lib/systemd/catalog/eyespot.catalog # what journalctl -x says
command_link=/usr/local/bin/eyespot

place() { # ID: what this release has; drop-ins and the configuration are the operator's
    local from=$prefix/releases/$1 unit new=()
    install -D -m 644 "$from/systemd/eyespot.sysusers.conf" /etc/sysusers.d/eyespot.conf
    install -D -m 644 "$from/systemd/eyespot.tmpfiles.conf" /etc/tmpfiles.d/eyespot.conf
    systemd-sysusers /etc/sysusers.d/eyespot.conf
    systemd-tmpfiles --create /etc/tmpfiles.d/eyespot.conf
    atomically "$from/config/schema.json" /etc/eyespot/schema.json
    place_catalog "$from/systemd/eyespot.catalog"
    for unit in "$units_dir"/eyespot*.{service,path,timer}; do
        [[ ! -f $unit || -e $from/systemd/${unit##*/} ]] || take_away "${unit##*/}"
    done
    for unit in $(units_of "$from"); do
        [[ -e $units_dir/$unit || " ${switched_on[*]} " != *" $unit "* ]] || new+=("$unit")
        atomically "$from/systemd/$unit" "$units_dir/$unit"
    done
    [[ -e $command_link && ! -L $command_link ]] || ln -sfn "$prefix/current/bin/eyespot" "$command_link"
    systemctl daemon-reload
    # what the operator has switched off stays off
    ((${#new[@]} == 0)) || systemctl enable --quiet "${new[@]}"
    for unit in "${new[@]}"; do
        [[ $unit == *.service ]] || systemctl start "$unit"
    done
}

place_catalog() { # FILE
    cmp --quiet "$1" "$catalog" && return
    install -D -m 644 "$1" "$catalog"
    journalctl --update-catalog || warn "journalctl -x lacks the words on Eyespot's entries; all else works"
}

take_away() { # UNIT that this release does not have
    systemctl disable --quiet --now "$1" 2>/dev/null || true
    rm -f "$units_dir/$1"
}

atomically() { # FROM TO
    cmp --quiet "$1" "$2" && return
    install -m 644 "$1" "$2.new" && sync -- "$2.new" || # before it has the name: an empty unit is a masked one
        { rm -f "$2.new" && return 1; }
    mv "$2.new" "$2"
    durably "$2"
}

units_of() { # DIR
    (cd "$1/systemd" && compgen -G 'eyespot*.service' && compgen -G 'eyespot*.path' && compgen -G 'eyespot*.timer')
}
