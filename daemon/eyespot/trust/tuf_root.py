"""The first `root.json` of a device: whether it can be one. Who signed it is for the update to see.

The Update Framework, specification 1.0.34, 4.3.
"""

from typing import Annotated, Any

import msgspec

from eyespot.domain.errors import InputError

_ROLES = ("root", "timestamp", "snapshot", "targets")


class _Role(msgspec.Struct):
    keyids: tuple[str, ...]
    threshold: Annotated[int, msgspec.Meta(ge=1)]


class _Signed(msgspec.Struct, tag_field="_type", tag="root"):
    spec_version: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    expires: str
    keys: dict[str, dict[str, Any]]
    roles: dict[str, _Role]


class _Root(msgspec.Struct):
    signed: _Signed
    signatures: list[dict[str, Any]]


def check_root(data: bytes) -> None:
    """Look whether a file can be the root of trust for updates.

    Raises:
        InputError: it cannot; the text says why.
    """
    try:
        root = msgspec.json.decode(data, type=_Root)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"no root of The Update Framework: {error}") from error
    for name in _ROLES:
        role = root.signed.roles.get(name)
        if role is None:
            raise InputError(f'no root of The Update Framework: it names nobody for "{name}"')
        known = set(role.keyids) & root.signed.keys.keys()
        if len(known) < role.threshold:
            raise InputError(f'"{name}" wants {role.threshold} keys, and has {len(known)}')
