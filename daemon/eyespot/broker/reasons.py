"""Why a broker cannot be used, in words that say what to do."""

import socket
import ssl
from collections.abc import Mapping

from eyespot.domain.errors import one_line

KEEPALIVE_TIMEOUT = 0x8D
TAKEN_OVER = 0x8E
UNSUPPORTED_VERSION = 0x84

_DENIED = "login denied; check username and the password, and what the broker allows this device"

# MQTT 5, 2.4: reason codes of CONNACK and DISCONNECT; the others speak for themselves.
_ADVICE: Mapping[int, str] = {
    0x85: "it does not take our client id; give the device another [device] id",
    0x86: _DENIED,
    0x87: _DENIED,
    0x88: "it is not available just now",
    0x89: "it is busy",
    0x8A: "it has banned this device; ask who runs it",
    0x8B: "it shuts down",
    KEEPALIVE_TIMEOUT: "it heard nothing of us for too long",
    TAKEN_OVER: "another client uses our id; give each device its own [device] id",
    0x95: "a message is larger than it takes; raise its packet limit",
    0x9A: "it keeps no retained messages; use a broker that does",
    0x9B: "it does not take QoS 1; use a broker that does",
}

# Alerts by which a TLS server turns a client away (RFC 8446, 6.2), as OpenSSL spells them.
_NO_CERTIFICATE = ("CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN")
_OLD_TLS = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")
_BAD_CERTIFICATE = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "CERTIFICATE_REVOKED")
# OpenSSL's verdicts on a certificate: X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_IN_TIME: Mapping[int, str] = {
    9: "is not valid yet: this machine's clock is late, or somebody was early; see timedatectl",
    10: "has expired, or that of its authority has: renew it there, and ca_file here; is our clock right?",
}

_NO_WAY: Mapping[type[Exception], str] = {
    socket.gaierror: "there is no such host; check the url, the network and DNS",
    ConnectionRefusedError: "connection refused; is the broker running, and is the port right?",
    ConnectionResetError: "it closed the connection; is the port right, and does it speak TLS?",
    FileNotFoundError: "there is no such socket; is the broker running, and is the path right?",
    TimeoutError: "no answer; check the address, the network and firewalls",
}


def broker_said(code: int, name: str) -> str:
    """Return what a reason code of CONNACK or DISCONNECT means for us.

    Args:
        code: the reason code.
        name: its name in the standard, for those without advice.
    """
    return _ADVICE.get(code, f"it says: {name.lower()}")


def no_way(error: Exception) -> str:
    """Return why a connection did not come about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _IN_TIME:
            return f"its certificate {_IN_TIME[error.verify_code]}"
        why = error.verify_message.rstrip(".")
        return (
            f"its certificate is not trusted ({why}); check ca_file, the host name and this machine's clock"
        )
    if isinstance(error, ssl.SSLError):
        return tls_said(str(error)) or f"no TLS ({one_line(error)}); is it a TLS port?"
    return next((advice for kind, advice in _NO_WAY.items() if isinstance(error, kind)), one_line(error))


def tls_said(text: str) -> str | None:
    """Return why the server ended a TLS connection, None where the text does not tell."""
    if any(alert in text for alert in _NO_CERTIFICATE):
        return "it asks for a client certificate; set cert_file and key_file"
    if "CERTIFICATE_EXPIRED" in text:
        return "it says that our certificate has expired: put a new one into cert_file"
    if any(alert in text for alert in _BAD_CERTIFICATE):
        return "it does not accept our certificate; check cert_file, its end date and who signed it"
    if any(alert in text for alert in _OLD_TLS):
        return "it speaks an old TLS: want 1.2 or 1.3 there"
    if "HANDSHAKE_FAILURE" in text:
        return "no common TLS, or it asks for a client certificate; check cert_file and key_file"
    return None
