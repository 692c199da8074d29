# shellcheck shell=bash disable=SC2154  # checkout, tests_cache: of tests/run
# A Debian with its own kernel in qemu, without KVM: built once, booted from a disk that can lose its power.
# Sourced by the scripts beside this file, after tests/run.

machine_packages=systemd,systemd-sysv,dbus,udev,kmod,initramfs-tools,python3,python3-venv,python3-systemd
machine_packages+=,mosquitto,mosquitto-clients,procps
machine_tools=(mmdebstrap arch-test qemu-system-x86 qemu-system-arm qemu-utils qemu-user-static e2fsprogs)
# what the initial RAM disk needs to find the disk; with all that a PC may have, it takes a minute to boot
machine_modules="virtio_pci virtio_blk ext4 crc32c_generic"
qemu=    # process id of the machine that runs
scratch= # what only this run needs

machine_suite() { # the Debian whose Python is ours
    case $(python_version "$(find_python)") in
        3.11) say bookworm ;;
        3.13) say trixie ;;
        *) return 1 ;;
    esac
}

need_machine_tools() {
    [[ $(id -u) == 0 ]] || skip_all "only root can build one"
    has_all mmdebstrap qemu-system-x86_64 qemu-system-aarch64 qemu-img qemu-aarch64-static mke2fs && return
    command -v apt-get >/dev/null || skip_all "no apt-get to install ${machine_tools[*]} with"
    step "installing ${machine_tools[*]}"
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${machine_tools[@]}" >/dev/null ||
        skip_all "${machine_tools[*]} cannot be installed"
}

need_foreign_binaries() { # arm64 programs run here while the root is built
    local register=/proc/sys/fs/binfmt_misc
    [[ $(uname -m) != aarch64 && ! -e $register/qemu-aarch64 ]] || return 0
    [[ -e $register/register ]] || mount -t binfmt_misc binfmt_misc $register ||
        skip_all "this kernel cannot be told of foreign binaries (binfmt_misc)"
    cat /usr/lib/binfmt.d/qemu-aarch64.conf >$register/register || skip_all "arm64 programs cannot be run here"
}

machine_sum() { { say "$machine_packages $machine_modules" && declare -f need_machine furnish; } | sha256sum | cut -c1-8; }

machine_dir() { # ARCH SUITE: another one when what makes it changes
    say "$tests_cache/machine-$2-$1-$(machine_sum)"
}

need_machine() { # ARCH DIR SUITE: DIR/disk.ext4, DIR/vmlinuz, DIR/initrd, built once
    local arch=$1 dir=$2 root=$2/root mirror
    [[ ! -e $dir/complete ]] || return 0
    [[ $arch != arm64 ]] || need_foreign_binaries
    step "building a Debian $3 for $arch to boot (once; of a foreign architecture this takes up to half an hour)"
    rm -rf "$dir" && mkdir -p "$dir"
    mirror=$(mirror)
    mmdebstrap --quiet --architectures="$arch" --variant=minbase --include="$machine_packages,linux-image-$arch" \
        --essential-hook="mkdir -p \"\$1/etc/initramfs-tools/conf.d\"" \
        --essential-hook="echo MODULES=list >\"\$1/etc/initramfs-tools/conf.d/machine\"" \
        --essential-hook="printf '%s\n' $machine_modules >\"\$1/etc/initramfs-tools/modules\"" \
        "$3" "$root" ${mirror:+"$mirror"} || skip_all "mmdebstrap cannot build a Debian $3 for $arch"
    furnish "$root"
    cp "$root"/boot/vmlinuz-* "$dir/vmlinuz"
    cp "$root"/boot/initrd.img-* "$dir/initrd"
    truncate -s 6G "$dir/disk.ext4"
    mke2fs -q -t ext4 -d "$root" "$dir/disk.ext4"
    rm -rf "$root"
    touch "$dir/complete"
}

furnish() { # ROOT: two host folders come in by 9p, and a unit runs /checks/guest.sh
    : >"$1/etc/machine-id"
    echo "127.0.0.1 localhost" >"$1/etc/hosts"
    mkdir "$1/in" "$1/out"
    cat >"$1/etc/fstab" <<'TAB'
/dev/vda / ext4 defaults 0 1
in /in 9p trans=virtio,version=9p2000.L,msize=131072,cache=none,ro,nofail 0 0
out /out 9p trans=virtio,version=9p2000.L,msize=131072,cache=none,nofail 0 0
TAB
    cat >"$1/etc/systemd/system/errand.service" <<'UNIT'
[Unit]
RequiresMountsFor=/in /out
After=mosquitto.service

[Service]
Type=exec
Environment=LC_ALL=C.UTF-8
ExecStart=/bin/bash /in/errand
StandardOutput=append:/out/words
StandardError=append:/out/words
UNIT
    ln -s ../errand.service "$1/etc/systemd/system/multi-user.target.wants/"
    # else the broker itself remembers states, as of its last clean end
    sed -i 's/^persistence true/persistence false/' "$1/etc/mosquitto/mosquitto.conf"
    ln -sf /dev/null "$1/etc/systemd/system/apt-daily.timer"
    ln -sf /dev/null "$1/etc/systemd/system/apt-daily-upgrade.timer"
}

# --- running one -------------------------------------------------------------------------------------------------

new_disk() { # DISK BELOW: what is written goes to DISK, the one below stays as it is
    local format=qcow2
    [[ $2 != *.ext4 ]] || format=raw
    qemu-img create -q -f qcow2 -F $format -b "$2" "$1"
}

power_on() { # ARCH MACHINE DISK IN OUT
    local console=ttyS0 program=(qemu-system-x86_64 -M q35 -cpu max)
    [[ $1 != arm64 ]] || { console=ttyAMA0 && program=(qemu-system-aarch64 -M virt -cpu cortex-a76); }
    mkdir -p "$5"
    : >"$5/words"
    # cache=writeback: what the guest has flushed survives the death of qemu, what lies in its page cache does not
    "${program[@]}" -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -display none -no-reboot \
        -serial "file:$5/console" -kernel "$2/vmlinuz" -initrd "$2/initrd" \
        -append "root=/dev/vda ro console=$console panic=-1 net.ifnames=0 systemd.show_status=0" \
        -drive "file=$3,if=none,id=disk,cache=writeback" -device virtio-blk-pci,drive=disk -device virtio-rng-pci \
        -fsdev "local,id=in,path=$4,security_model=none,readonly=on" -device virtio-9p-pci,fsdev=in,mount_tag=in \
        -fsdev "local,id=out,path=$5,security_model=none" -device virtio-9p-pci,fsdev=out,mount_tag=out \
        </dev/null >"$5/qemu" 2>&1 &
    qemu=$!
}

cut_power() {
    kill -KILL "$qemu"
    wait "$qemu" 2>/dev/null || true
    qemu=
}

powers_off() { # SECONDS OUT: the machine does that by itself
    local deadline=$((SECONDS + $1))
    while runs; do
        in_order "$2" "$deadline" "its end"
        sleep 0.1
    done
    in_order "$2" "$deadline" "its end"
    qemu=
}

await() { # SECONDS OUT FILE REGEX: until OUT/FILE has it
    local deadline=$((SECONDS + $1))
    until grep -qsE "$4" "$2/$3"; do
        runs || refuse "the machine went off: $(last_words "$2")"
        in_order "$2" "$deadline" "$4"
        sleep 0.05
    done
}

at_end() { # for a trap
    local code=$?
    [[ -z $qemu ]] || cut_power
    [[ -z $scratch ]] || { ((code == 0)) && rm -rf "$scratch"; } || say "what it left is in $scratch"
}

in_order() { # OUT DEADLINE WHAT: or there is no use in waiting for it
    ! grep -q '^FAILED' "$1/words" || refuse "in the machine something failed: $(last_words "$1")"
    ((SECONDS < $2)) || refuse "waited for too long for $3: $(last_words "$1")"
}

runs() { [[ -n $qemu ]] && kill -0 "$qemu" 2>/dev/null; }

last_words() { tail -n 15 "$1/words" "$1/qemu" "$1/console"; }

# --- what it gets from outside -----------------------------------------------------------------------------------

need_wheels() { # ARCH TO: what pip will want inside; kept from run to run
    local kept=$tests_cache/machine-wheels-$1
    step "gathering wheels for $1"
    "$checkout/install.sh" --wheels "$kept" "$1" || skip_all "wheels for $1 cannot be fetched"
    mkdir -p "$(dirname "$2")"
    cp -a "$kept" "$2"
}

copy_checkout() { # TO: as a download has it
    mkdir -p "$1"
    tar --create --directory "$checkout" --exclude './.git' --exclude './.venv*' --exclude './.*_cache' --exclude __pycache__ . |
        tar --extract --directory "$1"
}
