"""Trying a callback out: what it would be read as, whether its signature holds, and what would happen. Nothing is stored, nobody is told."""

import base64
from typing import Self
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common.auth import Operator, Principal, visible
from libs.common.db.work import UnitOfWork
from libs.common.errors import FieldProblem, Invalid, Malformed, NotFound, Unsupported
from services.notifier.channels.book import ChannelBook
from services.notifier.domain.callback import Callback, Decision, Signature
from services.notifier.handlers.callbacks import foresee
from services.notifier.sources.base import ROOT, Arrival, Source
from services.notifier.sources.registry import SOURCES
from services.notifier.store.tables import Attempt


class Trial(BaseModel):
    """A callback as the provider would post it."""

    path: str = Field(
        max_length=2000,
        examples=["/v1/callbacks/twilio/sms", "https://tocsin.example.com/v1/callbacks/twilio/status?attempt=…"],
    )
    """The path with its query, or the whole address that stands at the provider."""
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    """As it is posted: a form stays encoded."""
    body_base64: str | None = None
    """In place of ``body``, for bytes that are no text."""


class Read(BaseModel):
    """What it is read as; null is what it does not say."""

    kind: str
    """`reply`, `status`, `press`, `command`, `handshake`, or `other`, which asks nothing of us."""
    dedup_key: str
    action: str | None
    incident: int | None
    channel: str
    address: str | None
    words: str | None
    state: str | None
    """`taken`, `answered`, `arrived` or `lost`."""
    reported: str | None
    """The state in the provider's own word."""
    lost: str | None
    """Why it is lost."""
    detail: str | None
    link: str | None
    message: str | None
    """The provider's id of the message or call."""
    attempt: str | None
    place: str | None
    """In which of the provider's rooms it was said."""
    challenge: str | None
    """What a handshake is answered with."""
    why: str

    @classmethod
    def of(cls, callback: Callback) -> Self:
        """The reading."""
        return cls(
            kind=callback.kind,
            dedup_key=callback.key,
            action=callback.action,
            incident=callback.incident,
            channel=callback.channel,
            address=callback.address or None,
            words=callback.words or None,
            state=callback.state,
            reported=callback.reported or None,
            lost=callback.lost,
            detail=callback.detail or None,
            link=callback.link or None,
            message=callback.message or None,
            attempt=str(callback.attempt) if callback.attempt else None,
            place=callback.place or None,
            challenge=callback.challenge or None,
            why=callback.reason,
        )


class Signed(BaseModel):
    """Whether the signature holds, for which address it was computed here, and why; a callback without it gets 403."""

    holds: bool
    address: str
    why: str


class Follows(BaseModel):
    """What would happen, and to which attempt and incident."""

    reason: str
    sentence: str
    attempt: str | None = None
    incident: int | None = None


class Preview(BaseModel):
    """What would become of the callback. Where it cannot be read, ``problem`` says why and the rest is null."""

    read: Read | None = None
    signature: Signed | None = None
    would: Follows | None = None
    problem: str | None = None


def router(uow: UnitOfWork, book: ChannelBook, public_url: str) -> APIRouter:
    """The route; ``public_url`` is what providers call us by."""
    api = APIRouter(prefix="/v1/callbacks", tags=["providers"])

    @api.post("/preview")
    async def preview(principal: Operator, trial: Trial) -> Preview:
        """What a provider's callback would be read as and do, or the reason why nothing. Nothing is stored, nobody is told."""
        try:
            arrival = Arrival.of(trial.path, trial.headers, _bytes(trial))
        except Malformed as error:
            raise Invalid(error.detail, problems=[FieldProblem("#/path", "should be a path or an address")]) from error
        source = SOURCES.get(arrival.provider)
        if source is None:
            known = ", ".join(f"{ROOT}{name}/…" for name in SOURCES)
            raise NotFound(f"No provider calls back at {arrival.path}; there is {known}.")
        try:
            callback = source.read(arrival)
            signature = _signature(source, arrival, trial.path, book, uow, public_url)
        except (Malformed, Unsupported) as error:
            return Preview(problem=error.detail)
        async with uow.read() as session:
            decision, attempt = await foresee(session, callback)
        return Preview(
            read=Read.of(callback),
            signature=Signed(holds=signature.holds, address=signature.address, why=signature.reason),
            would=_follows(principal, decision, attempt, signature),
        )

    return api


def _signature(
    source: Source, arrival: Arrival, given: str, book: ChannelBook, uow: UnitOfWork, public_url: str
) -> Signature:
    """Whether the signature holds for the public address; else, for which other it would, since that is the usual mistake."""
    webhooks, now = book.webhooks(source.provider), uow.clock.now()
    signature = source.verify(arrival, f"{public_url}{arrival.target}", webhooks, now)
    if signature.holds or not webhooks:
        return signature
    for base in _bases(arrival, given):
        if source.verify(arrival, f"{base}{arrival.target}", webhooks, now).holds:
            reason = (
                f"It was signed for {base}, and Tocsin computes with {public_url}: "
                f"set TOCSIN_NOTIFIER_PUBLIC_URL={base}, or have the provider call {public_url}."
            )
            return Signature(signature.address, reason)
    return signature


def _bases(arrival: Arrival, given: str) -> list[str]:
    """Other addresses that the provider may have signed for: the one that was given, and those of the headers."""
    hosts = [arrival.headers.get(name, "").partition(",")[0].strip() for name in ("x-forwarded-host", "host")]
    hosts.append(urlsplit(given).netloc)
    paths = [urlsplit(given).path.partition(ROOT)[0], arrival.headers.get("x-forwarded-prefix", "").rstrip("/"), ""]
    return list(
        dict.fromkeys(
            f"{scheme}://{host}{path}"
            for host in hosts
            if host and not set(host) & set("/?#@ ")
            for path in paths
            for scheme in ("https", "http")
        )
    )


def _follows(principal: Principal, decision: Decision, attempt: Attempt | None, signature: Signature) -> Follows:
    if attempt is not None and attempt.tenants is not None and not visible(principal, attempt.tenants):
        return Follows(reason="hidden", sentence="It is about an incident that this key may not see.")
    sentence = decision.sentence
    if not signature.holds:
        sentence = (
            f"Nothing: it would be refused with 403, since its signature does not hold. With one that does: {sentence}"
        )
    return Follows(
        reason=decision.reason,
        sentence=sentence,
        attempt=str(attempt.id) if attempt else None,
        incident=attempt.incident_number if attempt else None,
    )


def _bytes(trial: Trial) -> bytes:
    if trial.body_base64 is None:
        return trial.body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(trial.body_base64, validate=True)
    except ValueError as error:
        problem = FieldProblem("#/body_base64", "should be base64")
        raise Invalid("The body is no base64.", problems=[problem]) from error
