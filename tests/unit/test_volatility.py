"""Where a power cut takes everything."""

from pathlib import Path, PurePosixPath

import pytest

from eyespot.host.volatility import volatility, why_volatile

STATE = PurePosixPath("/var/lib/eyespot")
PI = "console=serial0,115200 console=tty1 root=PARTUUID=4f2f9ca1-02 rootfstype=ext4 fsck.repair=yes rootwait"

# Raspberry Pi OS as it is
CARD = """\
22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
31 25 0:24 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=92588k,mode=755
67 28 179:1 / /boot/firmware rw,relatime shared:30 - vfat /dev/mmcblk0p1 rw,fmask=0022
71 28 0:40 / /tmp rw,nosuid,nodev shared:40 - tmpfs tmpfs rw
"""
# the same as the service sees it
SANDBOX = (
    CARD + "410 28 179:2 /var/lib/eyespot /var/lib/eyespot rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n"
)
# the package overlayroot, which raspi-config uses
OVERLAYROOT = """\
25 1 0:23 / / rw,relatime shared:1 - overlay overlayroot rw,lowerdir=/media/root-ro,\
upperdir=/media/root-rw/overlay,workdir=/media/root-rw/overlay-workdir/_
30 25 179:2 / /media/root-ro ro,relatime shared:2 - ext4 /dev/mmcblk0p2 ro
31 25 0:22 / /media/root-rw rw,relatime shared:3 - tmpfs tmpfs-root rw
"""
# an older raspi-config: what is beneath was mounted, and forgotten, before init
BOOT_OVERLAY = """\
23 1 0:20 / / rw,noatime shared:1 - overlay overlay rw,lowerdir=/lower,upperdir=/upper/data
"""
DOCKER = """\
580 400 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A,\
upperdir=/var/lib/docker/overlay2/f/diff,workdir=/var/lib/docker/overlay2/f/work
"""


def on(point: str, kind: str, options: str = "rw") -> str:
    return f"90 28 0:51 / {point} rw,relatime shared:50 master:1 - {kind} {kind} {options}\n"


@pytest.mark.parametrize(
    ("mounts", "command_line", "why"),
    [
        (CARD, PI, ""),
        (SANDBOX, PI, ""),
        (CARD + on("/var", "tmpfs"), PI, "/var is a tmpfs, which is memory"),
        (CARD + on("/var/lib/eyespot", "ramfs"), PI, "/var/lib/eyespot is a ramfs, which is memory"),
        (CARD + on("/var/lib/eye", "tmpfs"), PI, ""),
        (CARD + on("/var", "tmpfs") + on("/var/lib/eyespot", "ext4"), PI, ""),
        (CARD + on("/var", "tmpfs") + on("/var", "ext4"), PI, ""),
        (OVERLAYROOT, f"overlayroot=tmpfs {PI}", "/ is an overlay that writes to memory"),
        (OVERLAYROOT, PI, "/ is an overlay that writes to memory"),
        (OVERLAYROOT + on("/var/lib/eyespot", "ext4"), f"overlayroot=tmpfs:recurse=0 {PI}", ""),
        (
            OVERLAYROOT.replace("tmpfs tmpfs-root", "ext4 /dev/sda1"),
            f"overlayroot=device:dev=/dev/sda1 {PI}",
            "",
        ),
        (BOOT_OVERLAY, f"boot=overlay {PI}", "/ is an overlay that writes to memory"),
        (BOOT_OVERLAY, PI, ""),
        (DOCKER, PI, ""),
        (CARD + on("/var", "overlay", "ro,lowerdir=/a:/b"), f"boot=overlay {PI}", ""),
        ("", "", ""),
        ("cut off - \n1 2 3 / /var rw\n", PI, ""),
    ],
)
def test_a_folder_in_memory_is_told_from_one_on_a_disk(mounts: str, command_line: str, why: str) -> None:
    assert why_volatile(STATE, mounts, command_line) == why


def test_a_mount_point_with_a_space_in_it_is_understood() -> None:
    told = why_volatile(PurePosixPath("/a b/c"), CARD + on(r"/a\040b", "tmpfs"), PI)
    assert told == "/a b is a tmpfs, which is memory"


def test_this_machine_is_read_from_proc(tmp_path: Path) -> None:
    assert "tmpfs" in volatility(Path("/dev/shm/x")) or not Path("/dev/shm").is_mount()
    assert not volatility(Path("/nonexistent"), tmp_path)
