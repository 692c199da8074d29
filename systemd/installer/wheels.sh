# shellcheck shell=bash
# A folder of wheels: filled where there is a network, installed from where there is none. Sourced by install.sh.

wheel_dir='' # of --offline

fill_wheels() { # DIR [ARCH]: what this machine needs, or one of ARCH with the same Python
    local dir=$1 arch=${2:-$(uname -m)} venv=$cache/wheels-venv wanted platforms=()
    python_for_venv "$venv"
    mapfile -t wanted < <(requirements "${service_extras[@]}")
    for tag in 2014 _2_17 _2_27 _2_28 _2_31 _2_34; do platforms+=(--platform "manylinux${tag}_$arch"); done
    mkdir -p "$dir"
    "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --dest "$dir" --only-binary :all: \
        "${platforms[@]}" --python-version "$(python_version "$venv/bin/python")" "${wanted[@]}" pip ||
        refuse "pip could not fetch all wheels: its words are above; nothing else was changed"
    (cd "$dir" && sha256sum -- *.whl >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)
    say "$dir holds $(grep -c . "$dir/SHA256SUMS") wheels for $arch and Python $(python_version "$venv/bin/python")"
    say "take it and this checkout to the device: sudo ./install.sh --offline $(basename "$dir")"
}

python_for_venv() { make_venv "$1" "$(find_python)"; }

check_wheels() { # says what is wrong with the folder of --offline
    local advice="fill it with ./install.sh --wheels DIR where there is a network" bad
    [[ -d $wheel_dir ]] || { say "there is no folder $wheel_dir: $advice" && return 1; }
    compgen -G "$wheel_dir/*.whl" >/dev/null || { say "no wheel is in $wheel_dir: $advice" && return 1; }
    [[ -e $wheel_dir/SHA256SUMS ]] || return 0
    bad=$(cd "$wheel_dir" && sha256sum --check --quiet SHA256SUMS 2>/dev/null | sed -n 's/: FAILED.*//p' | paste -sd ' ')
    [[ -z $bad ]] || { say "missing or damaged in $wheel_dir: $bad; copy it again, or $advice" && return 1; }
}
