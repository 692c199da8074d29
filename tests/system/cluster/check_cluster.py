"""Kills the node of a RabbitMQ cluster that the daemon is connected to, twice, and counts what is lost.

Run by `run` beside it, in namespaces of its own: ports are free, and what it leaves in the root goes with it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from check_disks import judged
from check_losses import write_street

from eyespot.broker.listener import Listener
from eyespot.domain.errors import BrokerError
from eyespot.domain.message import Heard
from fakes.daemon import Daemon, Ear, write_config
from fakes.waiting import until

NAMES = ("a", "b", "c")  # the subscriber is at the last one
START_S, STEADY_S = 60.0, 8.0
MOST_BACK_S = 5.0
EPMD = {"ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": "4399", "RABBITMQ_ERLANG_COOKIE": "eyespot"}


class Node:
    """One of the cluster.

    Args:
        root: of the Debian that has RabbitMQ.
        number: which one, from 0.
    """

    def __init__(self, root: Path, number: int) -> None:
        self.name = NAMES[number]
        self._root = root
        self._folder = Path("/tmp/cluster") / self.name
        self._dist_port = 25_670 + number
        self.port = 18_830 + number
        outside = self._outside
        outside.mkdir(parents=True)
        nodes = [
            f"cluster_formation.classic_config.nodes.{n} = {name}@localhost"
            for n, name in enumerate(NAMES, 1)
        ]
        lines = (
            f"listeners.tcp.local = 127.0.0.1:{5670 + number}",
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.port}",
            "mqtt.allow_anonymous = true",
            "anonymous_login_user = guest",
            "anonymous_login_pass = guest",
            "cluster_formation.peer_discovery_backend = classic_config",
            *nodes,
        )
        (outside / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (outside / "plugins").write_text("[rabbitmq_mqtt].\n")
        (outside / "advanced.config").write_text("[{kernel, [{inet_dist_use_interface, {127,0,0,1}}]}].\n")

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def _outside(self) -> Path:
        return self._root / self._folder.relative_to("/")

    def start(self) -> None:
        given = {
            **EPMD,
            "HOME": "/tmp",
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
        }
        program = f"{self._library()}/sbin/rabbitmq-server"
        command = ["chroot", self._root, "env", *(f"{key}={value}" for key, value in given.items()), program]
        with (self._outside / "said").open("ab") as said:
            subprocess.Popen(command, stdout=said, stderr=said)

    def wait(self) -> None:
        """Wait until it takes clients."""
        until(self._takes_clients, f"node {self.name} is up", START_S)

    def kill(self) -> None:
        """Kill it -9, as a power cut would."""
        os.kill(int((self._outside / "pid").read_text()), signal.SIGKILL)
        until(lambda: not self._takes_clients(), f"node {self.name} is gone")

    def _takes_clients(self) -> bool:
        with suppress(BrokerError), Listener(self.url, "probe", lambda _: None):
            return True
        return False

    def _library(self) -> Path:
        (library,) = (self._root / "usr/lib/rabbitmq/lib").iterdir()
        return Path("/") / library.relative_to(self._root)


class TimedEar(Ear):
    """Knows when each message came, too."""

    def __init__(self) -> None:
        super().__init__()
        self.came_s: list[float] = []

    def __call__(self, heard: Heard) -> None:
        super().__call__(heard)
        if heard.topic.endswith("/event"):
            self.came_s.append(time.monotonic())

    def longest_silence_s(self, since: float) -> float:
        """Return the longest wait for an event from then on."""
        came = [since, *(at for at in list(self.came_s) if at > since)]
        return max(late - early for early, late in pairwise(came))


def _says(daemon: Daemon, words: str) -> bool:
    return words in daemon.stderr


def kills(nodes: list[Node], ear: TimedEar, daemon: Daemon) -> Iterator[float]:
    """Kill each node but the last, once the daemon counts at it; yield for how long no event came."""
    for node in nodes[:-1]:
        time.sleep(STEADY_S)
        killed = time.monotonic()
        node.kill()
        lost = f"broker_unreachable: {node.url}"
        until(partial(_says, daemon, lost), "the daemon was connected there")
        time.sleep(STEADY_S)
        yield ear.longest_silence_s(killed)
        node.start()
        node.wait()


def main(root: Path) -> int:
    """Return an exit code."""
    nodes = [Node(root, number) for number in range(len(NAMES))]
    for node in nodes:
        node.start()
    for node in nodes:
        node.wait()
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder, ear = Path(name), TimedEar()
        stack.enter_context(Listener(nodes[-1].url, "#", ear))
        camera = {"source": "replay", "file": str(write_street(folder / "street.jsonl")), "loop": True}
        config = write_config(folder, camera=camera, url=[node.url for node in nodes])
        with Daemon(config) as daemon:
            until(daemon.ready, "READY=1")
            silent_s = list(kills(nodes, ear, daemon))
            daemon.signal(signal.SIGTERM)
            daemon.wait()
        until(lambda: ear.newest("/status").get("state") == "offline", "farewell")
        time.sleep(1)
        counts = ear.newest("/door/state")["counts"]
        found = judged(ear.on("/event"), sum(sum(ways.values()) for ways in counts.values()), "")
    row = f"{found.events} events, {len(silent_s)} kills: {found.lost} lost, {found.disorder} in disorder, "
    row += f"{found.copies} copies, longest silence {', '.join(f'{each:.2f}' for each in silent_s)} s\n"
    sys.stdout.write(row)
    return 1 if found.lost or found.disorder or max(silent_s) > MOST_BACK_S else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
