"""The public page as data: what the template shows and ``/api/v1/status`` answers, made of folded incidents and names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from libs.common.events.base import Window
from libs.common.events.directory import ProviderHealth
from libs.common.events.incidents import Incident, Update
from services.statuspage.domain import words
from services.statuspage.domain.days import Day, concerns_service, fold_days, outages_of, percent, share_up
from services.statuspage.domain.fold import concerns_tenant, is_open
from services.statuspage.domain.promise import Promise, promise
from services.statuspage.domain.sentence import Headline, Level, Names, headline, is_planned, level_of, sentence, worst

STATE_WORDS: Final[Mapping[Level, str]] = {
    "ok": "Works",
    "maintenance": "In maintenance",
    "degraded": "Has problems",
    "down": "Does not work",
}
PUBLIC_AUDIENCES: Final = frozenset({"tenant", "client"})
MONTHS: Final = 3
"""Months of history on the page itself; earlier ones have pages of their own."""


@dataclass(frozen=True)
class Component:
    """A service as the directory knows it; ``since`` is when it was first heard of."""

    id: str
    name: str
    group: str
    description: str
    position: int
    since: datetime


@dataclass(frozen=True)
class Tenant:
    """A tenant's page: whom it is for and which services it shows (empty: all)."""

    id: str
    name: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProviderState:
    """How a provider stands as its own status page tells; ``slug`` is how incidents name it."""

    slug: str
    name: str
    health: ProviderHealth
    since: datetime


@dataclass(frozen=True)
class Folded:
    """What was read from the store to make a page."""

    incidents: tuple[Incident, ...]
    updates: Mapping[UUID, tuple[Update, ...]]
    """Updates for tenants or clients by incident, the newest first."""
    components: tuple[Component, ...]
    names: Names
    providers: tuple[ProviderState, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One incident on the page."""

    number: int
    level: Level
    text: str
    incident: Incident
    updates: tuple[Update, ...]
    promise: Promise | None
    service: str | None = None
    """The service, where the public knows it."""
    services: tuple[str, ...] = ()
    """All that the public knows, where there are several."""

    @property
    def anchor(self) -> str:
        """The fragment of its address."""
        return f"incident-{self.number}"

    @property
    def acknowledged(self) -> bool:
        """Whether somebody works on it."""
        return self.incident.acknowledged_at is not None

    @property
    def window(self) -> Window | None:
        """When the maintenance is."""
        return self.incident.window


@dataclass(frozen=True)
class Row:
    """One component with its present state and its ninety days."""

    component: Component
    level: Level
    days: tuple[Day, ...]
    uptime: str

    @property
    def word(self) -> str:
        """The state in words."""
        return STATE_WORDS[self.level]

    @property
    def notable(self) -> tuple[Day, ...]:
        """The days that were not all right, the newest first."""
        return tuple(day for day in reversed(self.days) if day.level not in {None, "ok"})

    @property
    def summary(self) -> str:
        """The ninety days in one sentence."""
        count = len(self.notable)
        if not count:
            return f"The last {len(self.days)} days: no problems"
        return f"The last {len(self.days)} days: {words.counted(count, 'day')} with problems or maintenance"


@dataclass(frozen=True)
class Group:
    """Components under one heading; the empty name has none."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Provider:
    """Somebody upstream, as far as incidents and its own status page tell; ``plain``: nobody knows."""

    name: str
    level: Level | Literal["plain"]
    text: str


@dataclass(frozen=True)
class Month:
    """What is over, by the month in which it began."""

    first: date
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """``May 2025``."""
        return f"{self.first:%B %Y}"

    @property
    def slug(self) -> str:
        """``2025-05``."""
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True)
class PublicPage:
    """Everything that a page of the system, or of one tenant, says."""

    now: datetime
    tenant: Tenant | None
    headline: Headline
    promise: Promise | None
    quiet: str
    """Where all is well: since when."""
    open: tuple[Entry, ...]
    running: tuple[Entry, ...]
    planned: tuple[Entry, ...]
    groups: tuple[Group, ...]
    providers: tuple[Provider, ...]
    months: tuple[Month, ...]


def public_page(folded: Folded, now: datetime, tenant: Tenant | None = None) -> PublicPage:
    """The page at ``now``; a tenant's shows only what concerns it."""
    incidents = concerning(folded.incidents, tenant)
    alive = [incident for incident in incidents if is_open(incident)]
    entries = [entry_of(incident, folded, now, tenant) for incident in alive]
    troubles = [entry for entry in entries if entry.incident.category != "maintenance"]
    maintained = [entry for entry in entries if entry.incident.category == "maintenance"]
    started = [incident for incident in alive if not is_planned(incident, now)]
    return PublicPage(
        now=now,
        tenant=tenant,
        headline=headline(alive, folded.names, now, tenant=tenant.id if tenant else None),
        promise=promise(started, now),
        quiet=_quiet(incidents, now),
        open=tuple(sorted(troubles, key=_newest_word, reverse=True)),
        running=tuple(entry for entry in maintained if not is_planned(entry.incident, now)),
        planned=tuple(sorted((e for e in maintained if is_planned(e.incident, now)), key=_begins)),
        groups=_groups(folded.components, incidents, now, tenant),
        providers=providers_of(incidents, folded.providers, now),
        months=tuple(month_of(folded, first, now, tenant) for first in months_back(now, MONTHS)),
    )


def concerning(incidents: Sequence[Incident], tenant: Tenant | None) -> list[Incident]:
    """What a page may show at all: no false positives, and of a tenant's only what concerns it."""
    return [
        incident
        for incident in incidents
        if incident.verdict != "false_positive"
        and (tenant is None or concerns_tenant(incident, tenant.id, tenant.services))
    ]


def entry_of(incident: Incident, folded: Folded, now: datetime, tenant: Tenant | None) -> Entry:
    """An incident with its public words and its promise."""
    started = is_open(incident) and not is_planned(incident, now)
    return Entry(
        number=incident.number,
        level=level_of(incident),
        text=sentence(incident, folded.names, now, tenant=tenant.id if tenant else None),
        incident=incident,
        updates=folded.updates.get(incident.id, ()),
        promise=promise([incident], now) if started else None,
        service=incident.service if folded.names.public_service(incident.service) else None,
        services=tuple(each for each in incident.services if folded.names.public_service(each)),
    )


def month_of(folded: Folded, first: date, now: datetime, tenant: Tenant | None) -> Month:
    """What began in one month and is over, the newest first."""
    over = [
        incident
        for incident in concerning(folded.incidents, tenant)
        if incident.state == "resolved" and incident.opened_at.astimezone(UTC).date().replace(day=1) == first
    ]
    over.sort(key=lambda incident: incident.opened_at, reverse=True)
    return Month(first, tuple(entry_of(incident, folded, now, tenant) for incident in over))


def months_back(now: datetime, count: int) -> tuple[date, ...]:
    """The first days of this month and of those before it, the newest first."""
    first = now.astimezone(UTC).date().replace(day=1)
    months = [first]
    for _ in range(count - 1):
        first = previous_month(first)
        months.append(first)
    return tuple(months)


def previous_month(first: date) -> date:
    """The first day of the month before."""
    return (first - timedelta(days=1)).replace(day=1)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first + timedelta(days=31)).replace(day=1)


def _newest_word(entry: Entry) -> datetime:
    return max((update.at for update in entry.updates), default=entry.incident.opened_at)


def _begins(entry: Entry) -> datetime:
    return entry.window.starts_at if entry.window else entry.incident.opened_at


def _quiet(incidents: Sequence[Incident], now: datetime) -> str:
    """When something was wrong last."""
    ends = [
        incident.resolved_at for incident in incidents if incident.resolved_at and incident.category != "maintenance"
    ]
    return f"The last incident ended {words.relative(max(ends), now)}" if ends else "No incident has been recorded"


def _groups(
    components: Sequence[Component], incidents: Sequence[Incident], now: datetime, tenant: Tenant | None
) -> tuple[Group, ...]:
    """The components by their groups, each in the order of their positions."""
    shown = [c for c in components if tenant is None or not tenant.services or c.id in tenant.services]
    shown.sort(key=lambda component: (component.position, component.name))
    groups: dict[str, list[Row]] = {}
    for component in shown:
        groups.setdefault(component.group, []).append(_row(component, incidents, now))
    return tuple(Group(name, tuple(rows)) for name, rows in groups.items())


def _row(component: Component, incidents: Sequence[Incident], now: datetime) -> Row:
    """One component's state and days. What happened before it was heard of counts from there."""
    outages = outages_of(incidents, component.id, now)
    known = min([component.since, *(outage.starts_at for outage in outages)]).astimezone(UTC).date()
    alive = [
        level_of(incident)
        for incident in incidents
        if is_open(incident) and concerns_service(incident, component.id) and not is_planned(incident, now)
    ]
    return Row(component, worst(alive), fold_days(outages, now, known), percent(share_up(outages, now, known)))


def providers_of(incidents: Sequence[Incident], states: Sequence[ProviderState], now: datetime) -> tuple[Provider, ...]:
    """Every provider that an incident named or whose page is shown, and how it is now. An incident that lasts says it best."""
    found: dict[str, Provider] = {}
    for incident in sorted(incidents, key=lambda incident: incident.opened_at):
        if incident.provider is None:
            continue
        name = words.from_slug(incident.provider)
        if is_open(incident):
            found[incident.provider] = Provider(
                name, "degraded", f"Unavailable since {words.moment(incident.opened_at, now)}"
            )
        elif incident.resolved_at and (incident.provider not in found or found[incident.provider].level == "ok"):
            text = f"No known problem; the last one ended {words.relative(incident.resolved_at, now)}"
            found[incident.provider] = Provider(name, "ok", text)
    for state in sorted(states, key=lambda state: state.name.casefold()):
        key = state.slug if state.slug in found else _named(found, state.name) or state.slug
        known = found.get(key)
        told = Provider(state.name, *_told_by_itself(state, now))
        lasts = known is not None and known.level == "degraded"
        if known is not None and (lasts or state.health == "operational"):
            told = replace(known, name=state.name)
        found[key] = told
    return tuple(found.values())


def _named(found: Mapping[str, Provider], name: str) -> str | None:
    """As incidents name a provider of this name, where nobody has said so."""
    return next((slug for slug, one in found.items() if name.casefold() in (slug, one.name.casefold())), None)


def _told_by_itself(state: ProviderState, now: datetime) -> tuple[Level | Literal["plain"], str]:
    """How a provider stands by its own status page. That nothing is said is not that all is well."""
    since = words.moment(state.since, now)
    match state.health:
        case "operational":
            return "ok", "No known problem"
        case "disrupted":
            return "degraded", f"Reports a problem since {since}"
        case "quiet":
            return "plain", "Reports no problem"
        case "unknown":
            return "plain", f"Not known since {since}: its status page cannot be read"
