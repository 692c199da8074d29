# shellcheck shell=bash
# Removing it: --uninstall keeps configuration and counts, --purge keeps nothing. Sourced by install.sh.

uninstall() {
    act "stopping the service" stop_all
    act "removing units, command and $prefix" remove_program
    [[ -z $dry ]] || return 0
    say "Eyespot is removed. Kept: /etc/eyespot and drop-ins (configuration), /var/lib/eyespot (counts), /var/lib/eyespot-models, its users, apt's packages."
    say "./install.sh installs it anew and goes on counting; --purge removes these, too."
}

purge() {
    act "stopping the service" stop_all
    act "removing units, command and $prefix" remove_program
    act "removing configuration, counts and models" remove_what_is_kept
    act "removing its users" remove_users
    [[ -z $dry ]] || return 0
    say "Nothing of Eyespot is left. apt's packages stay: sudo apt-get autoremove"
}

stop_all() {
    local units
    mapfile -t units < <(cd "$units_dir" && for kind in path timer service; do compgen -G "eyespot*.$kind" || true; done)
    ((${#units[@]} == 0)) || systemctl disable --quiet --now "${units[@]}" 2>/dev/null || true
}

remove_program() {
    rm -f "$units_dir"/eyespot*.{service,path,timer}
    rm -f /etc/sysusers.d/eyespot.conf /etc/tmpfiles.d/eyespot.conf
    [[ ! -L $command_link || $(readlink "$command_link") != "$prefix"/* ]] || rm "$command_link"
    [[ ! -e $catalog ]] || { rm "$catalog" && journalctl --update-catalog; }
    remove_empty "${catalog%/*}" "${catalog%/*/*}" /etc/sysusers.d /etc/tmpfiles.d
    rm -rf /run/eyespot /etc/eyespot/schema.json "$prefix"
    systemctl daemon-reload
}

remove_what_is_kept() { # a mount point itself is the operator's
    local dir
    for dir in /etc/eyespot /var/lib/eyespot /var/lib/eyespot-models; do
        if mountpoint --quiet "$dir"; then find "$dir" -mindepth 1 -delete; else rm -rf "$dir"; fi
    done
    rm -rf /run/eyespot* "$units_dir"/eyespot*.{service,path,timer}.d /etc/systemd/system.conf.d/eyespot-*.conf
    remove_empty /etc/systemd/system.conf.d
    systemctl daemon-reload
}

remove_empty() { # DIR...: unless a package has it
    local dir
    for dir in "$@"; do
        dpkg-query --search "$dir" >/dev/null 2>&1 || rmdir "$dir" 2>/dev/null || true
    done
}

remove_users() {
    local user
    for user in eyespot-eye eyespot-update eyespot; do
        ! getent passwd "$user" >/dev/null || userdel "$user" >/dev/null 2>&1
        ! getent group "$user" >/dev/null || groupdel "$user"
    done
    ! getent group eyespot-models >/dev/null || groupdel eyespot-models
}
