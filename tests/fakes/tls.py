"""A broker's side of TLS, and the files of a device that somebody renews."""

import getpass
from pathlib import Path

from eyespot.broker.settings import MqttSettings
from fakes.certificates import Authority

ME = f"user {getpass.getuser()}"  # mosquitto would leave root's rights, and its files with them


def tls_lines(authority: Authority, *more: str) -> tuple[str, ...]:
    """Return lines of mosquitto's configuration that make its listener one with TLS, of this authority."""
    certificate, key = authority.sign("broker")
    files = (f"cafile {authority.certificate}", f"certfile {certificate}", f"keyfile {key}")
    return ("allow_anonymous true", *files, ME, *more)


class DeviceFiles:
    """Authority, certificate, key and password of a device, in one folder.

    Args:
        folder: where they are; it is there.
        authority: who signs.
        name: in the first certificate.
    """

    def __init__(self, folder: Path, authority: Authority, name: str = "shop-1") -> None:
        self.folder = folder
        self.authority = authority
        self.put("password", b"first")
        self.put("ca.crt", authority.certificate.read_bytes())
        self.put_pair(name)

    def settings(self, url: str, username: str | None = None) -> MqttSettings:
        """Return settings that name them all; the password only where there is a name to it."""
        return MqttSettings(
            url=url,
            username=username,
            password_file=str(self.folder / "password") if username else None,
            ca_file=str(self.folder / "ca.crt"),
            cert_file=str(self.folder / "client.crt"),
            key_file=str(self.folder / "client.key"),
        )

    def put(self, name: str, data: bytes) -> None:
        """Replace a file, as what renews certificates does."""
        beside = self.folder / f"{name}.new"
        beside.write_bytes(data)
        beside.replace(self.folder / name)

    def pair(self, name: str, authority: Authority | None = None) -> tuple[bytes, bytes]:
        """Return a new certificate, and its key."""
        certificate, key = (authority or self.authority).sign(name)
        return certificate.read_bytes(), key.read_bytes()

    def put_pair(self, name: str, authority: Authority | None = None) -> None:
        """Replace certificate and key."""
        certificate, key = self.pair(name, authority)
        self.put("client.crt", certificate)
        self.put("client.key", key)
