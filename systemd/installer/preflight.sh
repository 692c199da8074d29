# shellcheck shell=bash
# Is this a machine for the service? Writes nothing. Each look prints "ok|warn|fail NAME WORDS". Sourced by install.sh.

needed_mb=600

preflight() { # what is refused is refused before anything is changed
    local verdict words
    while read -r verdict _ words; do
        [[ $verdict != warn ]] || warn "$words"
        [[ $verdict != fail ]] || refuse "$words"
    done <<<"$(looks)"
}

check() { # all of it, for people
    local verdict name words failed=0
    while read -r verdict name words; do
        printf '%-4s  %-10s  %s\n' "$verdict" "$name" "$words"
        [[ $verdict != fail ]] || failed=1
    done <<<"$(looks)"
    ((failed == 0)) || refuse "this machine cannot take the service yet: see what fails above"
    say "this machine can take the service"
}

looks() {
    look_who
    look_system
    look_systemd
    look_python
    look_engine
    look_clock
    look_disk
    look_wheels
    look_shadows
    look_camera
}

look_who() {
    if [[ $(id -u) == 0 ]]; then
        say "ok root you are root"
    else
        say "fail root only root can do that: sudo $0 (the demo needs no root: ./install.sh demo)"
    fi
}

look_system() {
    local pretty
    pretty=$(release_field PRETTY_NAME)
    case $(release_field ID)/$(release_field VERSION_CODENAME) in
        debian/bookworm | debian/trixie | raspbian/bookworm | raspbian/trixie) say "ok system $pretty" ;;
        *) say "fail system this is ${pretty:-an unknown system}: the service needs Debian or Raspberry Pi OS," \
            "Bookworm or Trixie (the demo runs on any Linux: ./install.sh demo)" ;;
    esac
}

release_field() { sed -n "s/^$1=\"\\?\\([^\"]*\\)\"\\?\$/\\1/p" /etc/os-release 2>/dev/null | head -n 1; }

look_systemd() {
    if [[ -d /run/systemd/system ]]; then
        say "ok systemd it runs here"
    else
        say "fail systemd no systemd runs here; try ./install.sh demo"
    fi
}

look_python() { # apt's modules are for this one
    if fits /usr/bin/python3; then
        say "ok python /usr/bin/python3 is $(python_version /usr/bin/python3)"
    else
        say "fail python /usr/bin/python3 has to be 3.11 or newer: upgrade to Debian 12 or later"
    fi
}

look_engine() {
    case $(uname -m) in
        x86_64 | aarch64) ;;
        armv7l | armv6l)
            say "$(old_arm) engine for $(uname -m) there is tflite-runtime alone, for Python 3.11 (Bookworm) alone;" \
                "a 64-bit system is the better choice"
            return
            ;;
        *)
            say "fail engine there is no inference engine for $(uname -m): use a 64-bit Raspberry Pi OS or Debian"
            return
            ;;
    esac
    if [[ $(getconf LONG_BIT) == 64 ]]; then
        say "ok engine LiteRT, for $(uname -m)"
    else
        say "$(old_arm) engine the kernel is 64-bit, all else 32-bit: install a 64-bit Raspberry Pi OS"
    fi
}

old_arm() { if [[ $(python_version /usr/bin/python3) == 3.11 ]]; then say warn; else say fail; fi; }

look_clock() { # certificates are not valid yet in 1970
    local year
    year=$(date +%Y)
    if ((year >= 2026)); then
        say "ok clock $(date -u +%FT%TZ)"
    elif [[ -n $wheel_dir ]]; then
        say "warn clock it says $year: events will be marked unsynced until it is set"
    else
        say "fail clock it says $year, so nothing can be fetched: set it (sudo timedatectl set-time ...), or wait for NTP"
    fi
}

look_disk() {
    local place free_mb
    place=$prefix
    while [[ ! -d $place ]]; do place=$(dirname "$place"); done
    free_mb=$(df --output=avail -BM "$place" | tr -dc '0-9')
    if ((free_mb < needed_mb)); then
        say "fail disk $place has $free_mb MB free, $needed_mb are needed: make room"
    elif [[ -z $(find "$place" -maxdepth 0 -writable) ]] && [[ $(id -u) == 0 ]]; then
        say "fail disk $place is read-only: make it writable for the time of the installation"
    else
        say "ok disk $free_mb MB free for $prefix"
    fi
}

look_wheels() {
    [[ -n $wheel_dir ]] || return 0
    local words
    if words=$(check_wheels); then
        say "ok wheels $wheel_dir is whole"
    else
        say "fail wheels $words"
    fi
}

look_shadows() { # pip's copies of these break with the next apt upgrade
    local found
    found=$(find /usr/local/lib/python3*/dist-packages /root/.local/lib/python3*/site-packages \
        -maxdepth 1 \( -iname 'picamera2*' -o -iname 'libcamera*' -o -iname '*pykms*' \) 2>/dev/null | head -n 1) || true
    if [[ -n $found ]]; then
        say "fail shadows $found is pip's and hides apt's: sudo pip3 uninstall --break-system-packages" \
            "picamera2 rpi-libcamera rpi-kms"
    else
        say "ok shadows no copy of picamera2 or libcamera hides apt's"
    fi
}

look_camera() {
    if compgen -G '/dev/media*' >/dev/null && getent group video >/dev/null; then
        say "ok camera there are camera nodes; eyespot selftest tells more once it is installed"
    elif on_pi; then
        say "warn camera no /dev/media*: is the camera plugged in?"
    else
        say "ok camera none here; videos, recordings and the rendered scene work without"
    fi
}

on_pi() { [[ $(tr -d '\0' 2>/dev/null </proc/device-tree/model) == *"Raspberry Pi"* ]]; }
