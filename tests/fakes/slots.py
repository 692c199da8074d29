"""Model slots with bundles in them: the factory's model under other versions."""

from functools import partial

from eyespot.trust.slots import Staged, stage
from eyespot.update.slots import Slots
from fakes.bundles import FACTORY, write_bundle

NETWORK = b"\x1c\x00\x00\x00TFL3" + bytes(100)  # as good as any, until somebody loads it
LABELS = (FACTORY / "labels.txt").read_bytes()


def install(slots: Slots, version: str, network: bytes = NETWORK, /, **changes: object) -> str:
    """Install a bundle like the factory's but for its version, network and more; return its id."""
    with slots.staging() as folder:
        return slots.install(write_bundle(folder, network, LABELS, version=version, **changes))


def offer(slots: Slots, version: str, network: bytes = NETWORK, /, **changes: object) -> str:
    """Install a bundle, and stage it as the update worker does."""
    bundle = install(slots, version, network, **changes)
    slots.change(partial(stage, staged=Staged(bundle=bundle, rollout="r1")))
    return bundle


def factory_network() -> bytes:
    """Return the factory's network, which every engine can run."""
    return (FACTORY / "model.tflite").read_bytes()
