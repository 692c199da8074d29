# shellcheck shell=bash
# `install.sh demo`: from the checkout, changing nothing on the system. Sourced by install.sh.

demo() {
    local venv=$checkout/.venv python stamp
    python=$(find_python)
    make_venv "$venv" "$python"
    stamp=$(sha256sum "$checkout/pyproject.toml")
    if [[ $(cat "$venv/.installed" 2>/dev/null) != "$stamp" ]]; then
        say "installing into .venv (Python $(python_version "$python")); the first time this takes a minute ..."
        install_project "$venv" --editable
        say "$stamp" >"$venv/.installed"
    fi
    find_mosquitto
    exec "$venv/bin/eyespot" demo "$@"
}

find_mosquitto() { # without one the demo uses its own small broker, and says so
    if PATH=$PATH:/usr/sbin command -v mosquitto >/dev/null; then
        return
    fi
    [[ -e $cache/mosquitto/.complete ]] || say "fetching the mosquitto broker into $cache ..."
    if private_tools "$cache/mosquitto" mosquitto; then
        export EYESPOT_MOSQUITTO=$cache/mosquitto/bin/mosquitto
    fi
}
