"""Whether a body is its sender's own: the signature schemes of those who sign, over the bytes as they came.

Each scheme says what was signed and where the signature stands. Several secrets may be good at once, so that one can be changed
without a gap. A comparison takes the same time whatever it finds.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SchemeName = Literal[
    "github",
    "grafana",
    "jira",
    "mailgun",
    "pagerduty",
    "sendgrid",
    "sentry",
    "slack",
    "standard-webhooks",
    "twilio",
    "zendesk",
]
SENDGRID: Final = "x-twilio-email-event-webhook-"
GRAFANA: Final = "x-grafana-alerting-signature"


@dataclass(frozen=True, slots=True)
class Signed:
    """A delivery as it came, before anything is read of it."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str = ""
    """The address that the sender called, as the configuration knows it: never as a header says."""
    signature_header: str = ""
    """Where the sender lets its administrator choose the header."""
    timestamp_header: str = ""

    def header(self, name: str) -> str:
        """A header, or an empty text."""
        return self.headers.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one sender signs."""

    genuine: Callable[[Signed, str], bool]
    """Whether the signature was made with this secret."""
    stamp: Callable[[Signed], str] = lambda _: ""
    """The time that was signed with it, as the sender wrote it; empty where none is."""
    once: Callable[[Signed], str] = lambda _: ""
    """What is the same only when a delivery is sent again; empty where the sender says nothing of the kind."""


def _mac(secret: str | bytes, text: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret.encode() if isinstance(secret, str) else secret, text, algorithm).digest()


def _same(given: Iterable[str], expected: str) -> bool:
    """Whether one of ``given`` is ``expected``. Looks at all of them, so that the time tells nothing."""
    found = [hmac.compare_digest(one.strip().encode("utf-8", "replace"), expected.encode()) for one in given]
    return any(found)


def _same_hex(given: Iterable[str], expected: str) -> bool:
    """As :func:`_same`, of hexadecimal digits, which mean the same in either case."""
    return _same((one.lower() for one in given), expected)


def _hex(header: str, prefix: str = "") -> Callable[[Signed, str], bool]:
    """Hexadecimal HMAC-SHA256 over the body, in a header that may hold several."""

    def genuine(signed: Signed, secret: str) -> bool:
        return _same_hex(signed.header(header).split(","), prefix + _mac(secret, signed.body).hex())

    return genuine


def _slack(signed: Signed, secret: str) -> bool:
    text = b"v0:" + signed.header("x-slack-request-timestamp").encode() + b":" + signed.body
    return _same_hex([signed.header("x-slack-signature")], "v0=" + _mac(secret, text).hex())


def _zendesk(signed: Signed, secret: str) -> bool:
    text = signed.header("x-zendesk-webhook-signature-timestamp").encode() + signed.body
    return _same([signed.header("x-zendesk-webhook-signature")], base64.b64encode(_mac(secret, text)).decode())


def _grafana_stamp(signed: Signed) -> str:
    return signed.header((signed.timestamp_header or f"{GRAFANA}-timestamp").lower())


def _grafana(signed: Signed, secret: str) -> bool:
    stamp = _grafana_stamp(signed)
    if signed.timestamp_header and not stamp:
        return False
    text = stamp.encode() + b":" + signed.body if stamp else signed.body
    return _same_hex([signed.header((signed.signature_header or GRAFANA).lower())], _mac(secret, text).hex())


def _standard(signed: Signed, secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    head = f"{signed.header('webhook-id')}.{signed.header('webhook-timestamp')}.".encode()
    expected = "v1," + base64.b64encode(_mac(key, head + signed.body)).decode()
    return _same(signed.header("webhook-signature").split(), expected)


def _mailgun_fields(signed: Signed) -> Mapping[str, Any]:
    """The fields of Mailgun's signature: of a form, or of the JSON of an event."""
    if signed.body.lstrip()[:1] == b"{":
        try:
            value = json.loads(signed.body)
        except (ValueError, RecursionError):
            return {}
        found = value.get("signature") if isinstance(value, dict) else None
        return found if isinstance(found, dict) else {}
    return dict(parse_qsl(signed.body.decode("utf-8", "replace"), keep_blank_values=True))


def _mailgun(signed: Signed, secret: str) -> bool:
    fields = _mailgun_fields(signed)
    text = f"{fields.get('timestamp', '')}{fields.get('token', '')}".encode("utf-8", "replace")
    return _same_hex([str(fields.get("signature", ""))], _mac(secret, text).hex())


def _sendgrid(signed: Signed, secret: str) -> bool:
    """``secret`` is the public key of SendGrid's console."""
    try:
        key = serialization.load_der_public_key(base64.b64decode(secret, validate=True))
        signature = base64.b64decode(signed.header(f"{SENDGRID}signature"), validate=True)
    except ValueError:
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        text = signed.header(f"{SENDGRID}timestamp").encode() + signed.body
        key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _twilio(signed: Signed, secret: str) -> bool:
    """Classic HMAC-SHA1, or HMAC-SHA256 with a shared key, over the address and the sorted parameters."""
    form = "json" not in signed.header("content-type").lower()
    claimed = parse_qs(urlsplit(signed.url).query).get("bodySHA256", [""])[0]
    if not form and not hmac.compare_digest(hashlib.sha256(signed.body).hexdigest(), claimed.lower()):
        return False
    settings = signed.header("x-twilio-webhooks-signature-settings").upper()
    algorithm = "sha256" if "HMAC_SHA256" in settings else "sha1"
    parameters = parse_qs(signed.body.decode("utf-8", "replace"), keep_blank_values=True) if form else {}
    told = "".join(name + value for name in sorted(parameters) for value in sorted(set(parameters[name])))
    expected = [
        base64.b64encode(_mac(secret, (url + told).encode("utf-8", "replace"), algorithm)).decode()
        for url in _with_and_without_port(signed.url)
    ]
    given = [signed.header("x-twilio-signature")]
    return any([_same(given, one) for one in expected])  # noqa: C419 - all are looked at


def _with_and_without_port(url: str) -> tuple[str, str]:
    """The address as Twilio may have called it: some of its products add the port, others take it away."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return urlunsplit(parts._replace(netloc=host)), urlunsplit(parts._replace(netloc=f"{host}:{port}"))


def _of(header: str) -> Callable[[Signed], str]:
    return lambda signed: signed.header(header)


SCHEMES: Final[Mapping[SchemeName, Scheme]] = {
    "github": Scheme(_hex("x-hub-signature-256", "sha256="), once=_of("x-github-delivery")),
    "grafana": Scheme(_grafana, stamp=_grafana_stamp),
    "jira": Scheme(_hex("x-hub-signature", "sha256="), once=_of("x-atlassian-webhook-identifier")),
    "mailgun": Scheme(
        _mailgun,
        stamp=lambda signed: str(_mailgun_fields(signed).get("timestamp", "")),
        once=lambda signed: str(_mailgun_fields(signed).get("token", "")),
    ),
    "pagerduty": Scheme(_hex("x-pagerduty-signature", "v1="), once=_of("x-webhook-id")),
    "sendgrid": Scheme(_sendgrid, stamp=_of(f"{SENDGRID}timestamp")),
    "sentry": Scheme(_hex("sentry-hook-signature"), once=_of("request-id")),
    "slack": Scheme(_slack, stamp=_of("x-slack-request-timestamp")),
    "standard-webhooks": Scheme(_standard, stamp=_of("webhook-timestamp"), once=_of("webhook-id")),
    "twilio": Scheme(_twilio, once=_of("i-twilio-idempotency-token")),
    "zendesk": Scheme(
        _zendesk,
        stamp=_of("x-zendesk-webhook-signature-timestamp"),
        once=_of("x-zendesk-webhook-invocation-id"),
    ),
}
"""Every scheme by its name."""


def is_genuine(scheme: SchemeName, signed: Signed, secrets: Iterable[str]) -> bool:
    """Whether one of ``secrets`` made the signature."""
    found = [SCHEMES[scheme].genuine(signed, secret) for secret in secrets]
    return any(found)
