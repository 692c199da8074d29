# shellcheck shell=bash disable=SC2154  # checkout, tests_cache: of tests/run
# What makes this machine look like a Pi with an AI camera, for one command at a time. Sourced after tests/run.
#
#   need_rig                      builds it (once), or skips
#   rig_exec DIR COMMAND...       runs COMMAND in it; DIR says what the camera does, see README.md
#
# The parts: libcamera as Debian has it, with libcamera.patch (the virtual camera serves tensors), picamera2 as its
# makers publish it, kernel_shim.c (what ioctls would answer), namespace (what sysfs would tell).

camera_tests=$checkout/tests/system/camera
camera_venv=$checkout/.venv-tests-camera
# PyPI's picamera2 asks for libcap-dev and libarchive13, python3-dev has the headers of apt's Python
camera_packages=(gcc g++ libc6-dev pkg-config openssl patch python3-dev libyaml-dev libgnutls28-dev libudev-dev
    libjpeg-dev libyuv-dev libevent-dev libcap-dev libarchive13)

skip_rig() {
    skip "the camera path on the real libcamera: $*"
    exit 0
}

need_rig() {
    [[ $(id -u) == 0 ]] || skip_rig "only root can make a sysfs for it"
    unshare --mount --propagation private true 2>/dev/null || skip_rig "mount namespaces are not to be had"
    [[ -d /sys/kernel/debug ]] || skip_rig "the kernel has no /sys/kernel/debug to mount on"
    command -v apt-get >/dev/null || skip_rig "no apt-get to fetch libcamera's source with"
    need_camera_packages
    libcamera=$tests_cache/libcamera-$(libcamera_key)
    exec {lock}>"$tests_cache/libcamera.lock" # another checkout may be at it
    flock "$lock"
    need_libcamera
    need_shim
    exec {lock}>&-
    test_venv "$camera_venv" litert,video "picamera2>=0.3.38"
}

need_camera_packages() {
    local states # dpkg-query fails where one is unknown
    states=$(dpkg-query --show --showformat '${Status}\n' "${camera_packages[@]}" 2>&1 || true)
    ! grep -qv ' installed$' <<<"$states" || install_them
}

install_them() {
    step "installing what libcamera is built with"
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${camera_packages[@]}" >/dev/null ||
        skip_rig "what it is built with cannot be installed"
}

libcamera_key() { # of all that makes the build what it is; not the version: what was built once serves
    {
        declare -f fetch_libcamera build_libcamera
        cat "$camera_tests/libcamera.patch"
        python_version "$(find_python)"
    } | sha256sum | cut -c1-12
}

need_libcamera() {
    [[ ! -e $libcamera/.complete ]] || return 0
    step "building libcamera (once; a few minutes)"
    rm -rf "$libcamera"
    mkdir -p "$libcamera"
    fetch_libcamera "$libcamera" || skip_rig "Debian's source of libcamera (0.7 or later) cannot be fetched"
    build_libcamera "$libcamera" >"$libcamera/log" 2>&1 ||
        refuse "libcamera cannot be built; $libcamera/log tells why: $(tail -n 1 "$libcamera/log")"
    touch "$libcamera/.complete"
}

fetch_libcamera() { # DIR: sid's source as DIR/source, with package lists of its own
    local dir=$1 lists=$1/apt mirror options
    mirror=$(mirror)
    [[ -n $mirror ]] || return
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial" "$dir/source"
    echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$lists/sid.list"
    options="-o Dir::Etc::sourcelist=$lists/sid.list -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists=$lists/lists -o Dir::Cache=$lists/cache -o Acquire::Check-Valid-Until=false"
    apt_private "$options" update >/dev/null &&
        (cd "$dir" && apt_private "$options" source --download-only libcamera >/dev/null) &&
        tar -x --strip-components 1 -C "$dir/source" -f "$(echo "$dir"/libcamera_*.orig.tar.*)"
}

build_libcamera() { # DIR: only the virtual camera and the Python bindings
    local dir=$1 bindings
    "$(find_python)" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))' >"$dir/suffix" || return
    bindings=src/py/libcamera/_libcamera$(<"$dir/suffix")
    patch --directory "$dir/source" --strip 1 <"$camera_tests/libcamera.patch" || return
    make_venv "$dir/venv" "$(find_python)" || return
    # from pybind11 3 on, its list of cameras is no list
    pip_install "$dir/venv" meson ninja 'pybind11<3' jinja2 ply pyyaml || return
    PATH=$dir/venv/bin:$PATH meson setup "$dir/build" "$dir/source" -Doptimization=0 -Dwerror=false \
        -Dpipelines=virtual -Dipas= -Dpycamera=enabled -Dgstreamer=disabled -Dcam=disabled -Dqcam=disabled \
        -Ddocumentation=disabled -Dlc-compliance=disabled -Dv4l2=disabled -Dtest=false || return
    PATH=$dir/venv/bin:$PATH nice ninja -j2 -C "$dir/build" "$bindings" || return
    find "$dir/build" -name '*.o' -delete
    rm -rf "$dir/apt" "$dir/venv"
}

need_shim() {
    shim=$libcamera/kernel_shim.so
    [[ ! $shim -nt $camera_tests/kernel_shim.c ]] || return 0
    cc -Wall -Wextra -Werror -O1 -shared -fPIC -o "$shim.new" "$camera_tests/kernel_shim.c" -ldl
    mv "$shim.new" "$shim"
}

rig_exec() { # DIR COMMAND...: programs of the rig's Python come first
    mkdir -p "$1/networks"
    EYESPOT_CAMERA_RIG=$(realpath "$1") PATH=$camera_venv/bin:$PATH \
        PYTHONPATH=$libcamera/build/src/py:$camera_tests/stubs LIBCAMERA_LOG_LEVELS=${LIBCAMERA_LOG_LEVELS:-*:ERROR} \
        unshare --mount --propagation private "$camera_tests/namespace" "$shim" "${@:2}"
}
