"""Tocsin's own format: one trigger, or an array of them, each of one of the five kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, assert_never, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from libs.common.events.base import TriggerKind, Window
from libs.common.events.triggers import TriggerGroup
from services.intake.domain.dedup import bounded, hash_of_words
from services.intake.domain.integration import Integration, SourceOptions
from services.intake.domain.mapping import NAME_LIMIT, SIBLINGS_LIMIT, TITLE_LIMIT, clean, clean_labels, web_links
from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading, Refusal, TicketRead, refuse
from services.intake.sources.base import Arrival, CannotRead, Source, json_of, plain_body, pointer_of, refusals_of
from services.intake.sources.native_calendar import CalendarOptions, is_calendar, read_maintenances
from services.intake.sources.native_models import (
    AnyTrigger,
    MaintenanceTrigger,
    NativeTrigger,
    NativeWindow,
    ProviderTrigger,
    TelemetryTrigger,
    TicketTrigger,
    ToolTrigger,
)
from services.intake.sources.native_page import DOCS, EXAMPLES
from services.intake.sources.tickets import ticket_read

ADAPTER: Final[TypeAdapter[AnyTrigger]] = TypeAdapter(AnyTrigger)
KINDS: Final[tuple[TriggerKind, ...]] = get_args(TriggerKind)


class NativeOptions(SourceOptions):
    """What this integration may send, and which of its tickets open an incident."""

    only: tuple[TriggerKind, ...] = ()
    """The kinds; without it, all five."""
    p1: tuple[str, ...] = ("P1", "1")
    """The priorities of a ticket that open an incident, in whatever case."""
    calendar: CalendarOptions = CalendarOptions()
    """What calendars with maintenances leave away, and what their words mean."""


def narrowed(integration: Integration[Any], kind: TriggerKind) -> Integration[Any]:
    """The integration at an address that takes one kind alone, so that bodies need not say it."""
    options = integration.options.model_copy(update={"only": (kind,)})
    return replace(integration, kind=kind, options=options)


def called_off(maintenance_id: str) -> bytes:
    """The body that calls off a maintenance, for an address that says everything."""
    return to_json({"kind": "maintenance", "maintenance_id": maintenance_id, "status": "cancelled"})


def read(arrival: Arrival[NativeOptions]) -> Reading:
    """The triggers of a body: an object is one, an array as many as it has, a calendar one for each of its events."""
    try:
        if is_calendar(arrival.headers.get("content-type", ""), plain_body(arrival.headers, arrival.body)):
            return _calendar(arrival)
        value = json_of(arrival.headers, arrival.body)
    except CannotRead as error:
        return Reading(refusals=(error.refusal,))
    if not isinstance(value, dict | list):
        return refuse("wrong-shape", "The body should be a JSON object (one trigger) or an array of such objects.")
    items: list[Any] = value if isinstance(value, list) else [value]
    triggers: list[ParsedTrigger] = []
    refusals: list[Refusal] = []
    ignored: list[Ignored] = []
    for number, item in enumerate(items):
        at: tuple[int, ...] = (number,) if isinstance(value, list) else ()
        found = _one(item, at, arrival.integration)
        if isinstance(found, ParsedTrigger):
            triggers.append(found)
        elif isinstance(found, Ignored):
            ignored.append(found)
        else:
            refusals.extend(found)
    return Reading(_with_siblings(triggers), tuple(refusals), tuple(ignored))


def _calendar(arrival: Arrival[NativeOptions]) -> Reading:
    options = arrival.integration.options
    if options.only and "maintenance" not in options.only:
        return refuse("kind-not-allowed", _not_allowed(arrival.integration, "maintenance"))
    return read_maintenances(plain_body(arrival.headers, arrival.body), options.calendar, arrival.now)


def _not_allowed(integration: Integration[NativeOptions], kind: str) -> str:
    return f"The integration {integration.id} may send only {', '.join(integration.options.only)} here, not {kind}."


def _one(
    item: Any, at: tuple[int, ...], integration: Integration[NativeOptions]
) -> ParsedTrigger | Ignored | Sequence[Refusal]:
    if not isinstance(item, dict):
        return (Refusal("wrong-shape", "A trigger should be a JSON object.", pointer_of(*at)),)
    kind = item.get("kind") or integration.kind
    if kind not in KINDS:
        return (_unknown_kind(kind, at),)
    allowed = integration.options.only
    if allowed and kind not in allowed:
        return (Refusal("kind-not-allowed", _not_allowed(integration, kind), pointer_of(*at, "kind")),)
    try:
        trigger = ADAPTER.validate_python({**item, "kind": kind})
    except ValidationError as error:
        return _without_tag(refusals_of(error, at), at, str(kind))
    p1 = {word.lower() for word in integration.options.p1}
    if isinstance(trigger, TicketTrigger) and trigger.status == "firing" and trigger.priority.lower() not in p1:
        sentence = f"Ticket {trigger.ticket} has priority {trigger.priority}; only P1 opens an incident."
        return Ignored("not-p1", clean(sentence, TITLE_LIMIT), pointer_of(*at, "priority"))
    return _parsed(trigger)


def _unknown_kind(kind: Any, at: tuple[int, ...]) -> Refusal:
    if kind is None:
        return Refusal("missing-field", f"A trigger needs a kind: {', '.join(KINDS)}.", pointer_of(*at, "kind"))
    sentence = f"There is no kind {clean(str(kind), 40)!r}; there are {', '.join(KINDS)}."
    return Refusal("invalid-field", sentence, pointer_of(*at, "kind"))


def _without_tag(refusals: Sequence[Refusal], at: tuple[int, ...], kind: str) -> Sequence[Refusal]:
    """The refusals with pointers into the body: pydantic puts the kind of the union into them."""
    tagged, plain = pointer_of(*at, kind), pointer_of(*at)
    return tuple(
        Refusal(refusal.reason, refusal.detail, plain + refusal.pointer.removeprefix(tagged)) for refusal in refusals
    )


def _parsed(trigger: AnyTrigger) -> ParsedTrigger:
    services = tuple(dict.fromkeys(_name(name) for name in [trigger.service, *trigger.services] if name))
    links = [(link.href, link.text) for link in trigger.links]
    labels = dict(trigger.labels)
    key, tool, provider, team, window, sequence, ending = "", "", "", "", None, None, None
    ticket: TicketRead | None = None
    match trigger:
        case TelemetryTrigger():
            tool = trigger.tool
        case MaintenanceTrigger():
            key, team, window = trigger.maintenance_id, trigger.assigned_team, _window(trigger.window)
            sequence, ending = trigger.sequence, trigger.ending
        case TicketTrigger():
            key = trigger.ticket
            ticket = ticket_read(trigger.ticket, trigger.ticket, trigger.url)
            labels |= {"ticket": trigger.ticket, "priority": trigger.priority}
            links.append((trigger.url, f"Ticket {trigger.ticket}"))
        case ProviderTrigger():
            provider = trigger.provider
            key = f"{provider}:{trigger.incident_id}" if trigger.incident_id else ""
            labels |= {"region": trigger.region, "incident_id": trigger.incident_id}
            links.append((trigger.url, f"{provider}: the provider's page"))
        case ToolTrigger():
            key, tool, window = trigger.tool, trigger.tool, _window(trigger.window)
            labels["state"] = trigger.state
        case _:
            assert_never(trigger)
    key = trigger.dedup_key or key or _hash(trigger, services, tool, provider)
    return ParsedTrigger(
        kind=trigger.kind,
        status=trigger.status,
        dedup_key=bounded(clean(key)),
        title=clean(trigger.title, TITLE_LIMIT) or clean(key, TITLE_LIMIT),
        description=clean(trigger.description),
        severity=trigger.severity,
        category=trigger.category,
        service=services[0] if services else None,
        services=services,
        tool=_name(tool) or None,
        provider=_name(provider) or None,
        tenants=tuple(dict.fromkeys(map(_name, trigger.tenants))),
        ticket=ticket,
        assigned_team=_name(team) or None,
        window=window,
        sequence=sequence,
        ending=ending if trigger.status == "resolved" else None,
        reporter=_name(trigger.reporter) or None,
        links=web_links(links),
        labels=clean_labels({name: value for name, value in labels.items() if value}),
        group=TriggerGroup(key=bounded(clean(trigger.group))) if trigger.group else None,
        started_at=trigger.started_at,
        ended_at=trigger.ended_at,
    )


def _name(text: str) -> str:
    return clean(text, NAME_LIMIT)


def _window(window: NativeWindow | None) -> Window | None:
    return None if window is None else Window(starts_at=window.starts_at, ends_at=window.ends_at)


def _hash(trigger: NativeTrigger, services: Sequence[str], tool: str, provider: str) -> str:
    kind = str(getattr(trigger, "kind", ""))
    return hash_of_words(kind, [kind, *sorted(services), tool, provider, trigger.title])


def _with_siblings(triggers: Sequence[ParsedTrigger]) -> tuple[ParsedTrigger, ...]:
    """The triggers, each with the dedup keys of the firing ones of its group in the same body."""
    keys: dict[str, dict[str, None]] = {}
    for trigger in triggers:
        if trigger.group and trigger.status == "firing":
            keys.setdefault(trigger.group.key, {})[trigger.dedup_key] = None
    return tuple(_with_group(trigger, keys) for trigger in triggers)


def _with_group(trigger: ParsedTrigger, keys: Mapping[str, Mapping[str, None]]) -> ParsedTrigger:
    if trigger.group is None:
        return trigger
    siblings = tuple(keys.get(trigger.group.key, ()))
    if len(siblings) > SIBLINGS_LIMIT:
        own = (trigger.dedup_key,) if trigger.dedup_key in siblings[SIBLINGS_LIMIT - 1 :] else ()
        siblings = (*siblings[: SIBLINGS_LIMIT - len(own)], *own)
    return replace(trigger, group=TriggerGroup(key=trigger.group.key, siblings=siblings))


SOURCE: Final = Source(
    name="native",
    title="Tocsin's own format",
    kind=None,
    docs=DOCS,
    options=NativeOptions,
    example=EXAMPLES["telemetry"],
    read=read,
    throttled=429,
)
