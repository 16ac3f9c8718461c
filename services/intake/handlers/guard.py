"""Before a body is taken: is it the sender's, was it taken already, and do not too many come at once?"""

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

REMEMBERED: Final = 100_000
"""Deliveries and keys that are remembered; the oldest are forgotten first."""

REMEMBERED_FOR: Final = timedelta(hours=24)


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
    """Keeps in memory what came lately: each replica for itself."""

    def __init__(self, environ: Mapping[str, str], per_minute: int) -> None:
        self._environ = environ
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._seen: OrderedDict[tuple[str, str], datetime] = OrderedDict()

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
        signed = Signed(signed.headers, signed.body, signed.url, wanted.header, wanted.timestamp_header)
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

    def is_repeated(self, integration: Integration[Any], signed: Signed, now: datetime) -> bool:
        """Whether a delivery with this signed id was taken already."""
        mark = self._mark(integration, signed)
        at = None if mark is None else self._seen.get(mark)
        return at is not None and now - at <= REMEMBERED_FOR

    def taken(self, integration: Integration[Any], signed: Signed, now: datetime) -> None:
        """Note that a delivery is committed."""
        mark = self._mark(integration, signed)
        if mark is None:
            return
        self._seen[mark] = now
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    @staticmethod
    def _mark(integration: Integration[Any], signed: Signed) -> tuple[str, str] | None:
        wanted: Verify | None = integration.options.verify
        once = "" if wanted is None else SCHEMES[wanted.scheme].once(signed)
        return (integration.id, once) if once else None

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
