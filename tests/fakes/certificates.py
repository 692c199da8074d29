"""Certificates made for one test, by openssl."""

import subprocess
from pathlib import Path


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir()
        self._folder = folder
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        self._make(self.certificate, self._key, name, "-x509")

    def sign(self, name: str, *, usage: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """Return certificate and key for a name."""
        request, key = self._folder / f"{name}.csr", self._folder / f"{name}.key"
        certificate, extra = self._folder / f"{name}.pem", self._folder / f"{name}.ext"
        self._make(request, key, name)
        extra.write_text(f"subjectAltName={usage}\n")
        _openssl(
            *("x509", "-req", "-days", "2", "-in", request, "-out", certificate, "-extfile", extra),
            *("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
        )
        return certificate, key

    def _make(self, out: Path, key: Path, name: str, *options: str) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        _openssl("req", *options, *curve, "-subj", f"/CN={name}", "-keyout", key, "-out", out)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
