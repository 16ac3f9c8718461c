"""The state of things as one sentence, without a click: "Invoicing does not work for two clients since 09:15 UTC".

Nothing of an alert's own wording reaches the public: the sentence is made of category, service, tenants and time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from libs.common.events.base import Severity
from libs.common.events.incidents import Incident
from services.statuspage.domain import words

Level = Literal["ok", "maintenance", "degraded", "down"]
"""From the mildest to the worst."""

LEVELS: Final[tuple[Level, ...]] = ("ok", "maintenance", "degraded", "down")
MILD: Final[frozenset[Severity]] = frozenset({"warning", "info"})


@dataclass(frozen=True)
class Names:
    """What things are called. For operators a missing name is made of the id; the public hears only of what the directory shows."""

    services: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    tenants: Mapping[str, str] = field(default_factory=dict)
    internal: frozenset[str] = frozenset()
    """Services that the directory keeps from the public."""

    def service(self, slug: str) -> str:
        """The service's name."""
        return self.services.get(slug) or words.from_slug(slug)

    def public_service(self, slug: str | None) -> str | None:
        """The service's name, where the public may hear it: an id of the inside that an alert carries is none."""
        return None if slug is None or slug in self.internal else self.services.get(slug)

    def tool(self, slug: str) -> str:
        """The tool's name."""
        return self.tools.get(slug) or words.from_slug(slug)

    def tenant(self, slug: str) -> str:
        """The tenant's name."""
        return self.tenants.get(slug) or words.from_slug(slug)


@dataclass(frozen=True)
class Headline:
    """The first line of a page."""

    level: Level
    text: str


@dataclass(frozen=True)
class Verb:
    """What a subject does, in the forms that a sentence needs."""

    one: str
    many: str
    past: str


DOES_NOT_WORK: Final = Verb("does not work", "do not work", "did not work")
HAS_PROBLEMS: Final = Verb("has problems", "have problems", "had problems")
IS_DOWN: Final = Verb("is down", "are down", "was down")
IS_UNAVAILABLE: Final = Verb("is unavailable", "are unavailable", "was unavailable")
IS_BLOCKED: Final = Verb("cannot be completed", "cannot be completed", "could not be completed")
IS_MAINTAINED: Final = Verb("is in maintenance", "are in maintenance", "was in maintenance")

UNNAMED: Final = "a part of the system"
"""What the public hears of a thing whose name is not for it."""

ALL_WELL: Final = "Everything works"


def level_of(incident: Incident) -> Level:
    """How bad an incident is for those who use the system."""
    if incident.category == "maintenance":
        return "maintenance"
    if incident.category == "system_down" or (incident.category == "service_down" and incident.severity not in MILD):
        return "down"
    return "degraded"


def worst(levels: Sequence[Level]) -> Level:
    """The worst of several; none is ``ok``."""
    return max(levels, key=LEVELS.index, default="ok")


def sentence(incident: Incident, names: Names, now: datetime, *, tenant: str | None = None, named: bool = False) -> str:
    """One incident as a sentence. For a ``tenant``'s own page nobody is counted; ``named`` names the clients (for operators)."""
    subject, verb = words.capital(_subject(incident, names, named=named)), _verb(incident)
    whom = "" if tenant else _whom(incident.tenants, names, named=named)
    starts_at = incident.opened_at
    many = incident.category == "maintenance" and len(maintained(incident, names, named=named)) > 1
    if incident.category == "maintenance" and incident.window:
        starts_at = incident.window.starts_at
        if incident.state != "resolved":
            return f"{subject} {_maintenance(incident, now, many=many)}{whom}"
        if incident.maintenance and incident.maintenance.state == "cancelled":
            return f"The maintenance of {_subject(incident, names, named=named)}{whom} was called off"
    if incident.state == "resolved" and incident.resolved_at:
        ended = max(starts_at, incident.resolved_at)
        past = verb.past.replace("was ", "were ", 1) if many else verb.past
        return f"{subject} {past}{whom} for {words.span(ended - starts_at)}"
    return f"{subject} {verb.one}{whom} since {words.moment(starts_at, now)}"


def headline(incidents: Sequence[Incident], names: Names, now: datetime, *, tenant: str | None = None) -> Headline:
    """All open incidents as one sentence: the worst first, the rest counted. Maintenance that is only planned says nothing."""
    running = [incident for incident in incidents if not is_planned(incident, now)]
    troubles = sorted(
        (incident for incident in running if incident.category != "maintenance"),
        key=lambda incident: (-LEVELS.index(level_of(incident)), incident.opened_at),
    )
    if not troubles:
        return _calm(running, names, now, tenant)
    first = troubles[0]
    alike = [incident for incident in troubles if _verb(incident) == _verb(first)]
    text = sentence(first, names, now, tenant=tenant) if len(alike) == 1 else _together(alike, names, now, tenant)
    if rest := len(troubles) - len(alike):
        text += f", and {words.counted(rest, 'more problem')} {'is' if rest == 1 else 'are'} open"
    return Headline(level_of(first), text)


def maintained(incident: Incident, names: Names, *, named: bool = False) -> list[str]:
    """What is in maintenance, as it stands in the middle of a sentence; what the public does not know is told once, and last."""
    services = incident.services or ((incident.service,) if incident.service else ())
    if not services:
        return ["the system"]
    if named:
        return [names.service(service) for service in services]
    told = [names.public_service(service) or UNNAMED for service in services]
    return sorted(dict.fromkeys(told), key=lambda name: name == UNNAMED)


def is_planned(incident: Incident, now: datetime) -> bool:
    """Whether this is maintenance that has not begun."""
    return incident.category == "maintenance" and incident.window is not None and incident.window.starts_at > now


def _calm(running: Sequence[Incident], names: Names, now: datetime, tenant: str | None) -> Headline:
    """No trouble: maintenance, or nothing at all."""
    if not running:
        return Headline("ok", ALL_WELL)
    if len(running) == 1:
        return Headline("maintenance", sentence(running[0], names, now, tenant=tenant))
    subjects = words.listed(list(dict.fromkeys(each for incident in running for each in maintained(incident, names))))
    return Headline("maintenance", f"{words.capital(subjects)} {IS_MAINTAINED.many}")


def _together(alike: Sequence[Incident], names: Names, now: datetime, tenant: str | None) -> str:
    """Several incidents of one verb: their subjects joined, their clients united, the earliest time."""
    subjects = list(dict.fromkeys(_subject(incident, names, named=False) for incident in alike))
    subjects.sort(key=lambda subject: subject == UNNAMED)
    everybody = any(not incident.tenants for incident in alike)
    tenants = () if everybody else tuple(dict.fromkeys(t for incident in alike for t in incident.tenants))
    whom = "" if tenant else _whom(tenants, names, named=False)
    verb = _verb(alike[0])
    since = min(incident.opened_at for incident in alike)
    return f"{words.capital(words.listed(subjects))} {verb.one if len(subjects) == 1 else verb.many}{whom} since {words.moment(since, now)}"


def _verb(incident: Incident) -> Verb:
    """What the incident's subject does."""
    match incident.category:
        case "system_down":
            return IS_DOWN
        case "service_down":
            return HAS_PROBLEMS if incident.severity in MILD else DOES_NOT_WORK
        case "process_blocked":
            return IS_BLOCKED
        case "maintenance":
            return IS_MAINTAINED
        case "provider_unavailable" | "tool_unavailable":
            return IS_UNAVAILABLE


def _subject(incident: Incident, names: Names, *, named: bool) -> str:
    """What does not work, as it stands in the middle of a sentence. Only operators (``named``) hear names of the inside."""
    service = names.public_service(incident.service)
    if named and incident.service:
        service = names.service(incident.service)
    match incident.category:
        case "system_down":
            return "the system"
        case "process_blocked":
            return f"some work in {service}" if service else "some work"
        case "provider_unavailable":
            return f"our provider {words.from_slug(incident.provider)}" if incident.provider else "a provider of ours"
        case "tool_unavailable":
            known = incident.tool is not None and (named or incident.tool in names.tools)
            return names.tool(incident.tool) if incident.tool and known else "an integrated tool"
        case "maintenance":
            return words.listed(maintained(incident, names, named=named))
        case "service_down":
            return service or UNNAMED


def _whom(tenants: Sequence[str], names: Names, *, named: bool) -> str:
    """``for two clients``; nothing where it concerns everybody."""
    if not tenants:
        return ""
    if named and len(tenants) <= 3:
        return f" for {words.listed([names.tenant(tenant) for tenant in tenants])}"
    return f" for {words.counted(len(tenants), 'client')}"


def _maintenance(incident: Incident, now: datetime, *, many: bool) -> str:
    """``is in maintenance until 04:00 UTC``, ``will be in maintenance from … to …``."""
    window, verb = incident.window, IS_MAINTAINED.many if many else IS_MAINTAINED.one
    if window is None:
        return f"{verb} since {words.moment(incident.opened_at, now)}"
    end = words.moment(window.ends_at, now) if window.ends_at else None
    if window.starts_at > now:
        return f"will be in maintenance {words.stretch(window.starts_at, window.ends_at, now)}"
    if end and window.ends_at and window.ends_at <= now:
        return f"{verb}, which should have ended at {end}"
    return f"{verb} until {end}" if end else f"{verb} since {words.moment(window.starts_at, now)}"
