"""The envelope of Amazon SNS: what it signs, how that is verified, and which addresses of it may be asked for.

Two sources come in it: alarms of CloudWatch, and events of AWS Health that EventBridge hands to a topic.
"""

import base64
import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final, TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from libs.common.errors import Forbidden
from services.intake.domain.look import Look
from services.intake.domain.trigger import Ignored
from services.intake.sources.base import Arrival, CannotRead, Network, json_of
from services.intake.sources.common import CommonOptions, ignored, needed, refused

HOST: Final = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
OLDEST: Final = timedelta(hours=1)
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - SNS's version 1


class SnsOptions(CommonOptions):
    """Whom to believe."""

    topics: tuple[str, ...] = ()
    """The ARNs of the topics that may send and whose subscription is confirmed; ``*`` stands for anything."""
    signature: bool = True
    """Whether SNS's signature is asked for."""


SnsT = TypeVar("SnsT", bound=SnsOptions)

TOPICS: Final = (
    "`topics`: the topics that may send; `*` stands for anything. `signature`: `false` takes unsigned messages."
)
"""The sentences about :class:`SnsOptions` for the sources' pages."""


def is_envelope(look: Look) -> bool:
    """Whether this is a message of SNS, and not one that came without its envelope."""
    return bool(look.text("Type") and look.text("TopicArn"))


def step_of(look: Look, arrival: Arrival[SnsT]) -> Ignored | None:
    """The step of a handshake that a message is, if it is one. Raises :class:`CannotRead` where the topic may not send."""
    kind, topic = look.text("Type"), needed(look, "TopicArn")
    options = arrival.integration.options
    subscribing = kind == "SubscriptionConfirmation"
    if (subscribing or options.topics) and not is_allowed(topic, options.topics):
        raise refused("invalid-field", f"The option topics does not name {topic}.", look.at("TopicArn"))
    if subscribing:
        return ignored("handshake", f"The subscription to {topic} is confirmed.")
    if kind == "UnsubscribeConfirmation":
        return ignored("handshake", f"Tocsin was taken off {topic}; what it sends does not arrive any more.")
    return None


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


def once(arrival: Arrival[SnsT]) -> str:
    """The ``MessageId`` of a notification, which SNS may deliver more than once; of a handshake nothing, which may have failed."""
    try:
        envelope = Look(json_of(arrival.headers, arrival.body))
    except CannotRead:
        return ""
    return envelope.text("MessageId") if envelope.text("Type") == "Notification" else ""


async def check(arrival: Arrival[SnsT], network: Network) -> None:
    """Believe only what SNS signed, lately. Raises :class:`Forbidden`, and ``Unavailable`` where the certificate cannot be had."""
    if not arrival.integration.options.signature:
        return
    try:
        envelope = Look(json_of(arrival.headers, arrival.body))
    except CannotRead:
        return
    address = envelope.text("SigningCertURL", "SigningCertUrl")
    if not is_amazons(address, ".pem"):
        raise Forbidden("The message bears no signature of SNS: SigningCertURL is not one of Amazon's.")
    sent = envelope.moment("Timestamp")
    if sent is None or arrival.now - sent > OLDEST:
        raise Forbidden("The message is older than an hour; SNS does not try for that long.")
    if not is_signed(envelope, await network.get(address, keep=True)):
        raise Forbidden("The signature of the message is not that of SNS.")


async def confirm(arrival: Arrival[SnsT], network: Network) -> None:
    """Confirm a subscription that the option ``topics`` names, by the address that SNS itself gave."""
    try:
        envelope = Look(json_of(arrival.headers, arrival.body))
    except CannotRead:
        return
    address = envelope.text("SubscribeURL")
    allowed = is_allowed(envelope.text("TopicArn"), arrival.integration.options.topics)
    if envelope.text("Type") == "SubscriptionConfirmation" and allowed and is_amazons(address):
        await network.get(address)
