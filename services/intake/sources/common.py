"""What most sources share: options, the reading of one thing or several, and the making of a clean trigger."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesParser
from email.policy import compat32
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import Field

from libs.common.events.base import Category, Severity, TriggerKind, Window
from libs.common.events.triggers import MaintenanceEnding
from services.intake.domain.dedup import bounded
from services.intake.domain.html import page_of
from services.intake.domain.integration import SourceOptions
from services.intake.domain.look import Look
from services.intake.domain.mapping import NAME_LIMIT, TITLE_LIMIT, clean, clean_labels, web_links
from services.intake.domain.severity import severity_of
from services.intake.domain.trigger import (
    Ignored,
    IgnoredReason,
    ParsedTrigger,
    Reading,
    Refusal,
    Remark,
    TicketRead,
)
from services.intake.sources.base import Arrival, CannotRead, json_of, plain_body, pointer_of

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MARKUP: Final = re.compile(
    r"</?(?:a|b|blockquote|br|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|span|strong|table|tbody|td|th|tr|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)
"""An element by which HTML is told from a text with an odd ``<`` in it."""


class CommonOptions(SourceOptions):
    """What an integration may say of what its sender leaves away."""

    service: str = ""
    """The service of every alert that names none."""
    services: dict[str, str] = Field(default_factory=dict)
    """From the sender's name of a service to the id of ours; what is not listed is taken as it is."""
    tenants: tuple[str, ...] = ()
    """The tenants of every alert that names none."""
    default_severity: Severity = "critical"
    """Where the sender says none, or one that nobody knows."""


COMMON: Final = """
`service`: the service of alerts that name none. `services`: from the sender's name of a service to the id of ours. `tenants`: those of alerts
that name none. `default_severity`: where the sender says none, critical unless this is set.
"""
"""The paragraph about :class:`CommonOptions` for the sources' pages."""

CommonT = TypeVar("CommonT", bound=CommonOptions)
Part = ParsedTrigger | Ignored | Remark
Parse = Callable[[Look, Arrival[CommonT]], Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert in the sender's own words, not yet cleaned, bounded or mapped."""

    key: str
    firing: bool
    title: str
    description: str = ""
    severity: str = ""
    """The sender's word; most are known."""
    services: Iterable[str] = ()
    tenants: Iterable[str] = ()
    tool: str = ""
    provider: str = ""
    kind: TriggerKind | None = None
    category: Category | None = None
    window: Window | None = None
    sequence: int | None = None
    """Which announcement of the same thing it is, where the sender counts them."""
    ending: MaintenanceEnding | None = None
    """How a maintenance ended, where it did and the sender says."""
    reporter: str = ""
    ticket: TicketRead | None = None
    links: Iterable[tuple[str, str]] = ()
    labels: Mapping[str, str] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def trigger_of(told: Told, arrival: Arrival[CommonT]) -> ParsedTrigger:
    """The trigger of an alert. Raises :class:`CannotRead` where nothing tells it from others."""
    options = arrival.integration.options
    key = bounded(clean(told.key))
    if not key:
        raise CannotRead(Refusal("missing-field", "Nothing in the body tells this alert from others."))
    named = [clean(name, NAME_LIMIT) for name in told.services]
    mine = [options.services.get(name, name) for name in named if name] or [options.service]
    services = tuple(dict.fromkeys(name for name in mine if name))
    tenants = [clean(name, NAME_LIMIT) for name in told.tenants] or options.tenants
    return ParsedTrigger(
        kind=arrival.integration.kind or told.kind or "telemetry",
        status="firing" if told.firing else "resolved",
        dedup_key=key,
        title=clean(told.title, TITLE_LIMIT) or clean(told.key, TITLE_LIMIT),
        description=clean(told.description),
        severity=severity_of(told.severity, options.default_severity),
        category=told.category,
        service=services[0] if services else None,
        services=services,
        tool=clean(told.tool, NAME_LIMIT) or None,
        provider=clean(told.provider, NAME_LIMIT) or None,
        tenants=tuple(dict.fromkeys(name for name in tenants if name)),
        window=told.window,
        sequence=told.sequence,
        ending=None if told.firing else told.ending,
        reporter=clean(told.reporter, NAME_LIMIT) or None,
        ticket=told.ticket,
        links=web_links(told.links),
        labels=clean_labels({name: value for name, value in (told.labels or {}).items() if value}),
        started_at=told.started_at,
        ended_at=None if told.firing else told.ended_at,
    )


def refused(
    reason: Literal["missing-field", "invalid-field", "wrong-shape"], detail: str, at: Look | None = None
) -> CannotRead:
    """An error to raise: this part of the body cannot be understood."""
    return CannotRead(Refusal(reason, clean(detail, TITLE_LIMIT), clean(pointer_of(*(at.path if at else ())))))


def needed(look: Look, *paths: str) -> str:
    """The first of ``paths`` that says something. Raises :class:`CannotRead`, which names the first."""
    found = look.text(*paths)
    if not found:
        raise refused("missing-field", f"The body needs {' or '.join(paths)}.", look.at(paths[0]))
    return found


def ignored(reason: IgnoredReason, detail: str, at: Look | None = None) -> Ignored:
    """Understood, and rightly opens nothing."""
    return Ignored(reason, clean(detail, TITLE_LIMIT), clean(pointer_of(*(at.path if at else ()))))


def acknowledged(key: str, by: str = "", note: str = "") -> Remark:
    """Somebody took notice of the alert ``key`` where it comes from."""
    return Remark("acknowledged", bounded(clean(key)), clean(by, NAME_LIMIT), clean(note))


def noted(key: str, by: str, note: str) -> Remark:
    """Somebody wrote a note on the alert ``key`` where it comes from."""
    return Remark("noted", bounded(clean(key)), clean(by, NAME_LIMIT), clean(note))


def plain(text: str) -> str:
    """The words of a text that may be HTML; one without markup stays as it is, with its lines."""
    return page_of(text).text if MARKUP.search(text) else text


def gathered(parts: Iterable[Look], parse: Parse[CommonT], arrival: Arrival[CommonT]) -> Reading:
    """The reading of several alerts, of which a broken one does not take the others along."""
    triggers: list[ParsedTrigger] = []
    passed: list[Ignored] = []
    remarks: list[Remark] = []
    refusals: list[Refusal] = []
    for part in parts:
        try:
            found = parse(part, arrival)
        except CannotRead as error:
            refusals.append(error.refusal)
            continue
        match found:
            case ParsedTrigger():
                triggers.append(found)
            case Remark():
                remarks.append(found)
            case Ignored():
                passed.append(found)
    return Reading(tuple(triggers), tuple(refusals), tuple(passed), tuple(remarks))


def value_of(arrival: Arrival[Any], *, form: bool = False) -> Look:
    """The JSON value of the body, or the fields of a form where ``form`` allows one. Raises :class:`CannotRead`."""
    content_type = arrival.headers.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if form and media == FORM:
        plainly = plain_body(arrival.headers, arrival.body)
        # curl and others call JSON a form unless they are told otherwise; a form has no bracket that is not escaped
        if plainly.lstrip()[:1] not in (b"{", b"["):
            return Look(dict(parse_qsl(plainly.decode("utf-8", "replace"), keep_blank_values=True)))
    if form and media == MULTIPART:
        return Look(_parts_of(content_type, plain_body(arrival.headers, arrival.body)))
    return Look(json_of(arrival.headers, arrival.body))


def _parts_of(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form with parts, as browsers and some senders post it; files count as texts."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "replace")
    fields: dict[str, str] = {}
    for part in BytesParser(policy=compat32).parsebytes(head + body).walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            fields[name] = value.decode("utf-8", "replace")
    return fields


def reads_one(parse: Parse[CommonT], *, form: bool = False) -> Callable[[Arrival[CommonT]], Reading]:
    """The ``read`` of a source whose bodies are one object, which is one alert."""

    def read(arrival: Arrival[CommonT]) -> Reading:
        try:
            look = value_of(arrival, form=form)
        except CannotRead as error:
            return Reading(refusals=(error.refusal,))
        if not look.is_object():
            return Reading(refusals=(Refusal("wrong-shape", "The body should be a JSON object."),))
        return gathered([look], parse, arrival)

    return read
