"""The envelope of Amazon SNS: what it signs, how that is verified, and which addresses of it may be asked for."""

import base64
import re
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from services.intake.domain.look import Look

HOST: Final = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - SNS's version 1


def is_amazons(url: str, suffix: str = "") -> bool:
    """Whether ``url`` is one of SNS itself, over HTTPS at the usual port: nothing else is ever asked for."""
    try:
        parts = urlsplit(url)
        plain = parts.username is None and parts.password is None and parts.port in (None, 443)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" and plain and HOST.fullmatch(host) is not None and parts.path.endswith(suffix)


def is_allowed(topic: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of ``patterns`` names the topic."""
    return any(fnmatchcase(topic, pattern) for pattern in patterns)


def signed_text(envelope: Look) -> bytes:
    """The text that SNS signs: names and values, a line each, of what the type of the message has."""
    names = NOTIFICATION if envelope.text("Type") == "Notification" else CONFIRMATION
    present = [(name, envelope.at(name).value) for name in names]
    return "".join(f"{name}\n{value}\n" for name, value in present if isinstance(value, str)).encode("utf-8", "replace")


def is_signed(envelope: Look, certificate: bytes) -> bool:
    """Whether the message bears a signature that the certificate's key made over it."""
    algorithm = HASHES.get(envelope.text("SignatureVersion"))
    try:
        key = x509.load_pem_x509_certificate(certificate).public_key()
        signature = base64.b64decode(envelope.text("Signature"), validate=True)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if algorithm is None or not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, signed_text(envelope), padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True
