"""Messages as they lie in the database: deflated, as they are all alike (RFC 1950).

A week of one event a second has to wait in 256 MB, and what is smaller wears the card less.
"""

import zlib

_ZLIB = b"\x78"  # a stream begins with it, and no JSON does
# What is usual in an event. It has to stay as it is: what waits on a disk was deflated with it.
_DICTIONARY = (
    b'{"schema":"eyespot.model_event/1","t":"2026-01-01T00:00:00.000Z","clock":"unsynced","boot_id":"",'
    b'"seq":1,"kind":"rolled_back","bundle":null,"rollout":null,"code":null,"reason":""}'
    b'{"schema":"eyespot.changed/1","t":"2026-01-01T00:00:00.000Z","clock":"synced","boot_id":"","seq":1,'
    b'"rule":"","model":"","kind":"changed","before":"","after":""}'
    b'{"schema":"eyespot.crossed/1","t":"2027-01-01T00:00:00.000Z","clock":"synced","boot_id":"","seq":1,'
    b'"rule":"door","model":"people@1.0.0-","kind":"crossed","direction":"out","class":"person","track":1}'
    b'{"schema":"eyespot.crossed/1","t":"2026-01-01T00:00:00.000Z","clock":"synced","boot_id":"","seq":1,'
    b'"rule":"door","model":"@1.0.0-","kind":"crossed","direction":"in","class":"person","track":1}'
)


def packed(payload: bytes, *, small: bool = True) -> bytes:
    """Return what is to be kept of a payload."""
    if not (small or payload.startswith(_ZLIB)):
        return payload
    deflate = zlib.compressobj(zdict=_DICTIONARY)
    smaller = deflate.compress(payload) + deflate.flush()
    return smaller if len(smaller) < len(payload) or payload.startswith(_ZLIB) else payload


def unpacked(kept: bytes, most_bytes: int) -> bytes:
    """Return the payload of what was kept, at most so many bytes of it; what is damaged stays as it is."""
    if not kept.startswith(_ZLIB):
        return kept[:most_bytes]
    try:
        return zlib.decompressobj(zdict=_DICTIONARY).decompress(kept, most_bytes)
    except zlib.error:
        return kept
