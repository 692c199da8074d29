# shellcheck shell=bash
# Releases: each a folder of its own under $prefix/releases, one of them `current`, one `previous`. Sourced by install.sh.

shipped=(CHANGELOG.md LICENSE README.md config daemon install.sh models pyproject.toml systemd)
service_extras=(litert video provision update)
building=''

release_id() { # version, what is in it, and for which Python
    local version sum
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$checkout/daemon/eyespot/__init__.py")
    sum=$(pack | sha256sum | cut -c1-8)
    say "$version-$sum-py$(python_version /usr/bin/python3)"
}

pack() { # the source tree as tar, the same bytes for the same files
    tar --create --file - --directory "$checkout" --sort name --mtime @0 --owner 0 --group 0 --numeric-owner \
        --mode 'u=rwX,go=rX' --exclude __pycache__ --exclude '*.pyc' --exclude network.rpk "${shipped[@]}"
}

release_of() { # current|previous: its id; nothing where there is none
    local target
    target=$(readlink "$prefix/$1") && [[ -d $prefix/$target ]] && say "${target#releases/}"
}

complete() { [[ -e $prefix/releases/$1/.complete ]]; } # ID

build() { # ID: all that can fail for want of network or disk is done here, beside what runs
    local dir=$prefix/releases/$1 version
    [[ -n $dry ]] || building=$dir
    version=$(python_version /usr/bin/python3)
    act "copying the program to $dir" copy_source "$dir"
    act "making a virtual environment (Python $version)" make_venv "$dir/venv" "/usr/bin/python$version" --system-site-packages
    act "installing what the program needs" install_requirements "$dir"
    act "finishing $dir" finish "$dir"
    building=''
}

copy_source() { # DIR
    rm -rf "$1"
    mkdir -p "$1"
    pack | tar --extract --file - --directory "$1" --no-same-owner
}

install_requirements() { # DIR
    local options=() wanted=("${service_extras[@]}")
    [[ -z $wheel_dir ]] || options=(--no-index --find-links "$wheel_dir")
    [[ $(getconf LONG_BIT) == 64 ]] || wanted=("${wanted[@]/litert/tflite}")
    requirements "${wanted[@]}" >"$1/requirements.txt"
    pip_install "$1/venv" --only-binary :all: "${options[@]}" --requirement "$1/requirements.txt"
}

finish() { # DIR: python finds the program, people find a command, and all of it is on disk
    local site
    site=$("$1/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    say "$1/daemon" >"$site/eyespot.pth"
    mkdir "$1/bin"
    launcher "$1" >"$1/bin/eyespot"
    chmod 755 "$1/bin/eyespot"
    # nothing is compiled at run time: the service cannot write here
    "$1/venv/bin/python" -m compileall -q "$1/daemon"
    "$1/bin/eyespot" --version >/dev/null
    sync --file-system "$1"
    touch "$1/.complete"
    durably "$1/.complete"
}

launcher() { # DIR
    cat <<TEXT
#!/bin/sh
# Made by install.sh.
if [ ! -x "$1/venv/bin/python" ]; then
    echo "the Python that eyespot was installed for is gone: sudo $1/install.sh makes it anew" >&2
    exit 78
fi
exec "$1/venv/bin/python" -m eyespot "\$@"
TEXT
}

point() { # LINK ID: at once or not at all
    ln --symbolic --force --no-dereference "releases/$2" "$prefix/.$1.new"
    mv --no-target-directory "$prefix/.$1.new" "$prefix/$1"
    durably "$prefix/$1"
}

prune() { # [ID]: the last two are kept, and that one
    local dir current previous
    current=$(release_of current) || return 0
    previous=$(release_of previous) || previous=''
    for dir in "$prefix"/releases/*/; do
        dir=$(basename "$dir")
        [[ $dir == "$current" || $dir == "$previous" || $dir == "${1:-}" || ! -d $prefix/releases/$dir ]] ||
            act "removing the release $dir" rm -rf "$prefix/releases/$dir"
    done
}
