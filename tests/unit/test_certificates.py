"""Certificates are read, and judged by a clock that may be wrong."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eyespot.app.certificates import CertificateWatch, Now
from eyespot.app.selftest import way_out
from eyespot.app.selftest.world import World
from eyespot.app.verdict import judge
from eyespot.broker.lifetimes import lifetimes
from eyespot.broker.settings import MqttSettings
from eyespot.config import Loaded, parse
from eyespot.domain.errors import ConfigError, InputError
from eyespot.domain.instants import SECOND_NS
from eyespot.host.clock import ManualClock
from eyespot.trust.certificates import (
    belong_together,
    broken_link,
    lifetime_of_authorities,
    lifetime_of_chain,
    read_certificates,
    read_key,
)
from eyespot.trust.lifetime import Lifetime
from fakes.certificates import DAY, Authority
from fakes.troubles import Troubles

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SCENE = '[camera]\nsource = "scene"\n[mqtt]\nurl = "mqtts://broker"\n'  # what follows begins in line 5


@pytest.fixture(name="authority")
def an_authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours", "ours", NOW - DAY, NOW + 60 * DAY)


# --- who belongs to whom ------------------------------------------------------------------------------------


def test_a_certificate_belongs_to_its_key_alone(authority: Authority) -> None:
    (one, key_of_one), (_, key_of_another) = authority.sign("a"), authority.sign("b")
    (certificate,) = read_certificates(one.read_bytes())
    assert belong_together(certificate, read_key(key_of_one.read_bytes()))
    assert not belong_together(certificate, read_key(key_of_another.read_bytes()))


def test_a_key_with_a_passphrase_is_refused_with_the_way_out(authority: Authority) -> None:
    _, key = authority.sign("a", passphrase=b"secret")
    with pytest.raises(InputError, match="wants a passphrase; take it off: openssl pkey"):
        read_key(key.read_bytes())


@pytest.mark.parametrize(
    "damaged", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"]
)
def test_what_is_no_pem_is_refused(damaged: bytes) -> None:
    with pytest.raises(InputError, match="no certificate in PEM"):
        read_certificates(damaged)
    with pytest.raises(InputError, match="no private key in PEM"):
        read_key(damaged)


def test_an_authority_that_only_bears_the_name_is_found_out(tmp_path: Path, authority: Authority) -> None:
    chain = read_certificates(authority.sign("a")[0].read_bytes())
    namesake, stranger = (
        Authority(tmp_path / folder, name) for folder, name in (("b", "ours"), ("c", "another"))
    )
    ours, other, unknown = (
        read_certificates(one.certificate.read_bytes()) for one in (authority, namesake, stranger)
    )
    assert broken_link(chain, ours) == ""
    assert broken_link(chain, other + ours) == ""
    assert "its signature is another's" in broken_link(chain, other)
    assert broken_link(chain, unknown) == ""  # somebody else may vouch for us
    assert broken_link(chain + ours, ours) == ""
    assert "mend the order" in broken_link(chain + unknown, ())


# --- time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "clock_is_right", "verdict", "words"),
    [
        (-1, True, "fail", "is valid from 2026-06-01 on only"),
        (-1, False, "ok", "is valid until 2026-08-30"),  # a clock that stood still
        (1, True, "ok", "is valid until 2026-08-30"),
        (60.5, True, "warn", "expires in 29 days, on 2026-08-30"),
        (91, True, "fail", "has expired on 2026-08-30"),
        (91, False, "fail", "has expired on 2026-08-30"),
    ],
)
def test_only_a_right_clock_says_that_a_certificate_is_not_valid_yet(
    days: float, clock_is_right: bool, verdict: str, words: str
) -> None:
    age = Lifetime(NOW, NOW + 90 * DAY).at(NOW + timedelta(days=days), clock_is_right=clock_is_right)
    assert age.verdict == verdict
    assert age.words.startswith(words)


def test_a_chain_is_as_good_as_its_first_to_end_and_a_bundle_as_its_last(
    tmp_path: Path, authority: Authority
) -> None:
    other = Authority(tmp_path / "other", "other", NOW, NOW + 5 * DAY)
    both = b"".join(one.certificate.read_bytes() for one in (authority, other))
    certificates = read_certificates(both)
    assert lifetime_of_chain(certificates) == Lifetime(NOW, NOW + 5 * DAY)
    assert lifetime_of_authorities(certificates) == Lifetime(NOW - DAY, NOW + 60 * DAY)


@pytest.mark.parametrize("self_signed", [False, True])
def test_what_runs_reads_the_same_without_the_large_library(
    tmp_path: Path, authority: Authority, self_signed: bool
) -> None:
    issuer = Authority(tmp_path / "issuer", "issuer", NOW - 2 * DAY, NOW + 5 * DAY)
    leaf = issuer.sign("shop", begins=NOW - 3 * DAY, ends=NOW + 9 * DAY)[0].read_bytes()
    chain, trusted = tmp_path / "client.crt", tmp_path / "ca.crt"
    chain.write_bytes(leaf + issuer.certificate.read_bytes())
    both = authority.certificate.read_bytes() + issuer.certificate.read_bytes()
    # a broker's own certificate may be what is trusted, though it is no authority
    trusted.write_bytes(leaf if self_signed else both)
    settings = MqttSettings(url="mqtts://b", cert_file=str(chain), ca_file=str(trusted))
    authorities = read_certificates(trusted.read_bytes())
    assert lifetimes(settings) == {
        "cert_file": lifetime_of_chain(read_certificates(chain.read_bytes())),
        "ca_file": lifetime_of_authorities(authorities),
    }


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\nMIIB\n", None])
def test_what_cannot_be_read_as_a_certificate_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "client.crt"
    if content is not None:
        file.write_bytes(content)
    for key in ("cert_file", "ca_file"):
        with pytest.raises(InputError, match=r"in PEM from .*client\.crt"):
            lifetimes(MqttSettings(url="mqtts://b", **{key: str(file)}))


# --- while it runs ------------------------------------------------------------------------------------------


def test_a_certificate_that_ends_within_30_days_is_named_until_there_is_another(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "lasting", "lasting", NOW - DAY, NOW + 900 * DAY)
    certificate, _ = authority.sign("shop", begins=NOW - DAY, ends=NOW + 31 * DAY)
    settings = MqttSettings(url="mqtts://b", ca_file=str(authority.certificate), cert_file=str(certificate))
    clock, health = ManualClock(utc_at_zero_ns=round(NOW.timestamp()) * SECOND_NS), Troubles()
    watch = CertificateWatch(settings, health, clock)
    watch.tick()
    assert health.lasting == {}
    clock.sleep(2 * DAY.total_seconds())
    watch.tick()
    assert "shop.pem expires in 29 days, on 2026-07-02" in health.lasting["certificate_expiring"]
    clock.sleep(30 * DAY.total_seconds())
    watch.tick()
    assert "shop.pem has expired on 2026-07-02" in health.lasting["certificate_expiring"]
    certificate.write_bytes(b"half of ano")
    clock.sleep(60)
    watch.tick()
    assert health.lasting
    authority.sign("shop", begins=NOW - DAY, ends=NOW + 90 * DAY)
    clock.sleep(60)
    watch.tick()
    assert health.lasting == {}


# --- check and self-test ------------------------------------------------------------------------------------


def configured(authority: Authority, ends: datetime) -> Loaded:
    certificate, key = authority.sign("shop", begins=NOW - DAY, ends=ends)
    files = f'ca_file = "{authority.certificate}"\ncert_file = "{certificate}"\nkey_file = "{key}"\n'
    return parse(SCENE + files, "f")


def test_check_refuses_what_has_expired_and_warns_of_what_soon_will(authority: Authority) -> None:
    loaded = configured(authority, NOW + 10 * DAY)
    (warning,) = [line for line in judge(loaded, Now(NOW, synced=True), {}).warnings if "rules" not in line]
    assert warning.startswith("f:6: ")
    assert "shop.pem expires in 10 days" in warning
    with pytest.raises(ConfigError) as caught:
        judge(loaded, Now(NOW + 61 * DAY, synced=True), {})
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["f:6", "f:5"]


@pytest.mark.parametrize(("days", "verdict"), [(90, "ok"), (10, "warn"), (-1, "fail")])
def test_the_self_test_tells_of_the_worst(days: int, verdict: str, tmp_path: Path) -> None:
    today = datetime.now(UTC)
    lasting = Authority(tmp_path / "lasting", "lasting", today - 2 * DAY, today + 100 * DAY)
    certificate, key = lasting.sign("shop", begins=today - 2 * DAY, ends=today + days * DAY)
    files = f'ca_file = "{lasting.certificate}"\ncert_file = "{certificate}"\nkey_file = "{key}"\n'
    found = way_out.certificates(World(tmp_path, parse(SCENE + files, "f"), {}))
    assert found.verdict == verdict
    assert found.facts["ca_file"]["verdict"] == "ok"


def test_a_key_that_only_the_service_has_is_not_missed_by_others(authority: Authority) -> None:
    certificate, key = authority.sign("shop", begins=NOW - DAY, ends=NOW + 60 * DAY)
    loaded = parse(SCENE + f'cert_file = "{certificate}"\n', "f")
    with pytest.raises(ConfigError, match="has no key"):
        judge(loaded, Now(NOW, synced=True), {})
    key.rename(key.parent / "mqtt-key")
    judge(loaded, Now(NOW, synced=True), {"CREDENTIALS_DIRECTORY": str(key.parent)})


def test_the_clock_is_asked_once_for_both() -> None:
    assert Now.by(ManualClock(5, 10**18, synced=False)) == Now(
        datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC), synced=False
    )


def test_the_running_body_does_without_the_library() -> None:
    code = "import sys, eyespot.__main__; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
