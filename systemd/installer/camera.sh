# shellcheck shell=bash
# What apt has for cameras, and the AI camera's factory model. Sourced by install.sh.

sensor_models=/usr/share/imx500-models
sensor_network=$sensor_models/imx500_network_ssd_mobilenetv2_fpnlite_320x320_pp.rpk
camera_packages=(python3-picamera2 imx500-firmware imx500-models)

want_packages() { # [--camera]: picamera2, libcamera and systemd's module are the system's; pip's break at its next upgrade
    local wanted=(python3-systemd) package missing=()
    [[ -z $1 ]] || wanted+=("${camera_packages[@]}")
    command -v apt-get >/dev/null || return 0
    for package in "${wanted[@]}"; do
        installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} == 0)) || act "installing with apt: ${missing[*]}" apt_install "${missing[@]}"
}

installed() { dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

apt_install() { # PACKAGE...: what apt does not know, or cannot fetch, is done without, and named
    local package known=()
    apt-get update >/dev/null 2>&1 || true
    for package in "$@"; do
        if [[ -n $(LC_ALL=C apt-cache policy "$package" 2>/dev/null | sed -n '/Candidate: (none)/d; /Candidate:/p') ]]; then
            known+=("$package")
        else
            say "apt knows no $package here: what needs it does not work; all else does"
        fi
    done
    ((${#known[@]} > 0)) || return 0
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${known[@]}" >/dev/null 2>&1 ||
        warn "apt could not install all; going on without: apt-get install ${known[*]}"
}

has_sensor_network() { # ID: or there is none to have
    [[ ! -e $sensor_network ]] || cmp --quiet "$sensor_network" "$prefix/releases/$1/models/factory-imx500/network.rpk"
}

place_sensor_network() { # ID: the network is not ours to ship; Raspberry Pi's package has it
    local from=$sensor_network words
    local folder=$prefix/releases/$1/models/factory-imx500
    if [[ ! -e $from ]]; then
        say "no $from (apt package imx500-models):"
        say 'the source "imx500" needs it, or a bundle of your own; all else works'
        return
    fi
    install -m 644 "$from" "$folder/network.rpk"
    if words=$("$prefix/releases/$1/bin/eyespot" models show "$folder" 2>&1 >/dev/null); then
        say "the AI camera's factory bundle is complete"
    else
        say "the AI camera's factory bundle cannot be used: $words"
    fi
}
