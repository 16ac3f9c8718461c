"""Before a body is taken: is it the sender's, by what would it be known again, and do not too many come at once?"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from libs.common.config import SecretRef
from libs.common.errors import Misconfigured, Throttled, Unauthenticated, Unavailable
from services.intake.domain.integration import Integration
from services.intake.domain.look import moment_of
from services.intake.domain.signatures import SCHEMES, Signed, is_genuine
from services.intake.domain.verify import Verify
from services.intake.sources.base import Source
from services.intake.store.signed import digest_of

REMEMBERED: Final = 100_000
"""Keys whose use is counted; the one that was used longest ago is forgotten first."""


class Busy(Unavailable):
    """More bodies come with this key than are taken at once; the sender comes back when it is told to."""

    slug = "throttled"
    title = "Too many requests"


class SecretMissing(Unavailable):
    """The integration's bodies are signed, and the secret is not there: nothing can be taken until it is."""

    slug = "secret-missing"
    title = "Secret missing"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class Guard:
    """Counts in memory how often each key is used, in each replica for itself (docs/adr/0016)."""

    def __init__(self, environ: Mapping[str, str], per_minute: int) -> None:
        self._environ = environ
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def admit(self, source: Source[Any], integration: Integration[Any], key: str, now: datetime) -> None:
        """Let the request in, or say when to come back, as this sender understands it.

        Raises :class:`Throttled` for senders that come back after 429, and :class:`Busy` for those that come back only after 503.
        """
        per_minute = integration.options.rate_limit or self._per_minute
        bucket = self._buckets.pop(key, None) or _Bucket(per_minute, now)
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.tokens = min(per_minute, bucket.tokens + passed * per_minute / 60)
        bucket.at = now
        self._buckets[key] = bucket
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return
        wait = timedelta(seconds=max(1.0, 60 / per_minute))
        sentence = f"More than {per_minute} bodies a minute came with this key; nothing of this one was accepted."
        raise (Throttled if source.throttled == Throttled.status else Busy)(sentence, retry_after=wait)

    def verify(self, integration: Integration[Any], signed: Signed, now: datetime) -> None:
        """Take only what the sender signed. Raises :class:`Unauthenticated` and :class:`SecretMissing`."""
        wanted: Verify | None = integration.options.verify
        if wanted is None:
            return
        secrets = self._secrets(wanted)
        if not secrets:
            raise SecretMissing(f"No secret of the integration {integration.id} is set; see its option verify.")
        signed = _as_wanted(signed, wanted)
        if not is_genuine(wanted.scheme, signed, secrets):
            raise Unauthenticated(
                f"The body is not signed as {wanted.scheme} signs, with a secret of this integration."
            )
        stamp = SCHEMES[wanted.scheme].stamp(signed)
        if not stamp:
            return
        at = moment_of(stamp)
        if at is None or abs(now - at) > timedelta(seconds=wanted.window_seconds):
            sentence = f"The signed time {stamp[:40]!r} lies more than {wanted.window_seconds:g} seconds from ours."
            raise Unauthenticated(sentence)

    @staticmethod
    def once(integration: Integration[Any], signed: Signed, named: str = "") -> str:
        """By what a delivery is known when it comes again: hashed, since senders choose how long it is; empty where it is by nothing.

        What the sender calls the delivery by its scheme, else the signed time with all that was signed, else what the body is
        ``named`` in it.
        """
        parts = _signed_once(integration.options.verify, signed) or ([b"named", _bytes(named)] if named else [])
        return digest_of(parts) if parts else ""

    def _secrets(self, wanted: Verify) -> list[str]:
        found = []
        for reference in wanted.secrets:
            try:
                secret = SecretRef(env=reference.env, file=reference.file).resolve(self._environ)
            except Misconfigured as error:
                raise SecretMissing(error.detail) from error
            if secret:
                found.append(secret)
        return found


def _as_wanted(signed: Signed, wanted: Verify) -> Signed:
    """The delivery, with the headers that the integration says its administrator chose."""
    return Signed(signed.headers, signed.body, signed.url, wanted.header, wanted.timestamp_header)


def _signed_once(wanted: Verify | None, signed: Signed) -> list[bytes]:
    """What is the same only in a delivery that is sent again, by the scheme of its signature."""
    if wanted is None:
        return []
    signed, scheme = _as_wanted(signed, wanted), SCHEMES[wanted.scheme]
    name, stamp = scheme.once(signed), scheme.stamp(signed)
    if name:
        return [_bytes(wanted.scheme), _bytes(name)]
    return [_bytes(wanted.scheme), _bytes(stamp), signed.body] if stamp else []


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
