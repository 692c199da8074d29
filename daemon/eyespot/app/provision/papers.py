"""The certificates and the key in the folder: good by themselves, and good together."""

from collections.abc import Generator, Iterator, Mapping

from eyespot.app.certificates import Now
from eyespot.app.provision.folder import AUTHORITY, CERTIFICATE, KEY
from eyespot.domain.errors import InputError
from eyespot.trust.certificates import (
    Certificate,
    belong_together,
    broken_link,
    lifetime_of_authorities,
    lifetime_of_chain,
    read_certificates,
    read_key,
)


def problems(files: Mapping[str, bytes], now: Now) -> Iterator[str]:
    """Yield what is wrong, one line each, with the name of the file in front.

    Args:
        files: name -> bytes.
        now: certificates are judged by it.
    """
    for name, data in files.items():
        if name in {CERTIFICATE, AUTHORITY} and b"PRIVATE KEY-----" in data:
            yield f"{name} has a private key in it, and anybody may read it: move the key to {KEY}"
    authorities = yield from _certificates(files, AUTHORITY)
    chain = yield from _certificates(files, CERTIFICATE)
    lifetimes = {
        AUTHORITY: lifetime_of_authorities(authorities) if authorities else None,
        CERTIFICATE: lifetime_of_chain(chain) if chain else None,
    }
    for name, lifetime in lifetimes.items():
        age = lifetime and lifetime.at(now.utc, clock_is_right=now.synced)
        if age and age.verdict == "fail":
            yield f"{name} {age.words}"
    if chain and (broken := broken_link(chain, authorities)):
        yield f"{CERTIFICATE} {broken}"
    if KEY in files:
        yield from _of_key(files[KEY], chain)


def _certificates(files: Mapping[str, bytes], name: str) -> Generator[str, None, tuple[Certificate, ...]]:
    try:
        return read_certificates(files[name]) if name in files else ()
    except InputError as error:
        yield f"{name}: {error}"
        return ()


def _of_key(data: bytes, chain: tuple[Certificate, ...]) -> Iterator[str]:
    try:
        key = read_key(data)
        if chain and not belong_together(chain[0], key):
            yield f"{KEY} is the key of another certificate than {CERTIFICATE}"
    except InputError as error:
        yield f"{KEY}: {error}"
