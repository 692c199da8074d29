# shellcheck shell=bash
# Which Python, and virtual environments of it. Sourced by install.sh.

python_version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() { # the system's first: apt's modules belong to it
    local python
    for python in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if fits "$python"; then
            say "$python"
            return
        fi
    done
    refuse "needs Python 3.11 or newer: Debian 12, Raspberry Pi OS of 2023 or later have it"
}

make_venv() { # VENV PYTHON [OPTION...]: anew where it is missing, broken or of another Python
    local venv=$1 python=$2 wheel
    shift 2
    if [[ -e $venv/bin/pip && $(python_version "$venv/bin/python") == "$(python_version "$python")" ]]; then
        return
    fi
    rm -rf "$venv"
    if "$python" -m ensurepip --version >/dev/null 2>&1; then
        "$python" -m venv "$@" "$venv"
        return
    fi
    # Debian keeps ensurepip in python3-venv; its pip can be had without installing that.
    wheel=$(pip_wheel) || refuse "Python's venv is missing: apt-get install python3-venv"
    "$python" -m venv --without-pip "$@" "$venv"
    "$venv/bin/python" "$wheel/pip" install --quiet --no-index "$wheel"
}

pip_wheel() { # pip itself: from the folder of --offline, else from apt
    local wheel
    for wheel in ${wheel_dir:+"$wheel_dir"/pip-*.whl}; do
        [[ ! -e $wheel ]] || { say "$wheel" && return; }
    done
    [[ -z $wheel_dir ]] || return
    unpack_debs "$cache/pip" python3-pip-whl && echo "$cache"/pip/usr/share/python-wheels/pip-*.whl
}

pip_install() { # VENV ARGUMENT...
    local venv=$1
    shift
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input "$@"
}

install_project() { # VENV [pip OPTION...]: with the engine that has a wheel for this machine
    local venv=$1
    shift
    pip_install "$venv" "$@" "${checkout}[$demo_extras]" && return
    say "trying the other engine, tflite-runtime ..."
    pip_install "$venv" "$@" "${checkout}[${demo_extras/litert/tflite}]" ||
        refuse "pip could not install Eyespot: its words are above; mend that (network? disk?), then run this again"
}

requirements() { # EXTRA...: what pyproject.toml asks for, one a line
    "$(find_python)" - "$checkout/pyproject.toml" "$@" <<'PY'
import sys, tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
print(*project["dependencies"], sep="\n")
for extra in sys.argv[2:]:
    print(*project["optional-dependencies"][extra], sep="\n")
PY
}
