"""What the sources of providers' status share: which of a provider's parts are ours to care about, and what is told of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from libs.common.durations import Duration
from libs.common.events.base import Severity, Slug, TriggerKind, Window
from libs.common.events.triggers import MaintenanceEnding, TriggerGroup
from services.intake.domain.dedup import bounded
from services.intake.domain.mapping import NAME_LIMIT, SIBLINGS_LIMIT, clean
from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading, Refusal, Remark
from services.intake.sources.base import Arrival, CannotRead
from services.intake.sources.common import COMMON, CommonOptions, Told, trigger_of

SERVICES_LIMIT: Final = 20
"""Of a provider's parts that nobody has mapped, so many are named as services."""


class Part(BaseModel):
    """What depends on a part of a provider: a service of ours, and the tenants that feel it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: Slug
    tenants: tuple[Slug, ...] = ()
    """None named: every tenant that uses the service."""


class WatchedOptions(CommonOptions):
    """Which parts of the provider concern us, and as whose trouble."""

    components: dict[str, Part] = Field(default_factory=dict)
    """From the provider's name of a component, product or region to ours; what is not listed opens nothing. Empty: everything does."""
    provider: str = ""
    """The provider, as links and routing name it; else as it names itself."""
    team: str = ""
    """The team assigned to the provider's scheduled maintenance; without one that is news of the provider like any other."""


class PolledOptions(WatchedOptions):
    """Where the provider's page is, and how often it is asked."""

    url: str | None = Field(None, pattern=r"^https?://[^/@\s]+(/\S*)?$", max_length=2000)
    """The page that is asked; without one only what is posted counts."""
    public: str = Field("", max_length=100)
    """Under which name clients see on the status page how the provider stands; without one they do not."""
    every: Duration = Field(timedelta(minutes=2), ge=timedelta(seconds=15))
    unknown_after: int = Field(5, ge=1, le=1000)
    """After how many polls in a row that fail somebody is told that nobody knows how the provider stands."""


WatchedT = TypeVar("WatchedT", bound=WatchedOptions)

WATCHED: Final = f"""
`components`: which parts of the provider are ours to care about. With it, what concerns none of them is `ignored` (`not-mapped`) and opens nothing.

```yaml
    options:
      components:
        "Virtual Machines":  {{service: workflow}}
        "API + eu-*":         {{service: proofing, tenants: [lumen]}}
```

A name is that of a component, product or region, or its id, in whatever case, with `*` and `?` for what may differ; where several are joined by ` + `, all of
them must be concerned. `tenants`: who feels it; where none are named, everybody who uses the service. `provider`: the provider, as links and routing
name it. `team`: the team assigned to the provider's scheduled maintenance; without one such maintenance is news of the provider and DevOps hears of it first.

{COMMON.strip()}
"""
"""The paragraph about :class:`WatchedOptions` for the sources' pages."""


POLLED: Final = """
`url`: the page that is asked. `public`: the name under which clients see on our status page how the provider stands, such as `Microsoft Azure`; without one they
see nothing of it. `every`: how often, 2m unless this is set, a little earlier or later each time. `unknown_after`: after how many polls in a row that
fail a person is told that nobody knows how the provider stands, 5 unless this is set.
"""
"""The paragraph about :class:`PolledOptions` for the sources' pages."""

ASKING: Final = """
## How it is asked

`POST /v1/integrations/<id>/preview` with `{"path": "/v1/pollers/<id>/poll"}` asks the page and shows what of it would be news, and remembers nothing; with a
`body`, that is read in the page's place.

Only whether it has changed is asked (`ETag`, `Last-Modified`), by one replica at a time. What is new comes in like a body that is posted: each incident of the
provider is one incident of ours, its follow-ups join that, its end resolves it. What was over before the page was asked for the first time opens nothing, and
what is merely gone from the page is not taken for over: that is noted on the incident.

No answer, an error, a web page, an empty body or anything else that is not what it should be makes the state *unknown*, never fine, and ends nothing. After
`unknown_after` of them a person is told, once. `GET /v1/pollers` shows how each provider stands and why; `POST /v1/pollers/<id>/poll` asks at once.

HTTPS is spoken, to public addresses alone, also where a page leads on; `TOCSIN_INTAKE_POLL_HOSTS` names hosts that may be inside our own network or speak plain
HTTP. A page may take 20 seconds and have 16 MiB.
"""
"""The paragraph about polling for the sources' pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a provider says of one incident or one maintenance of its own, in its own words."""

    key: str
    firing: bool
    title: str
    description: str = ""
    severity: Severity | None = None
    provider: str = ""
    parts: Sequence[str] = ()
    """Names that stand for the provider's parts where nothing is mapped."""
    names: Sequence[str] = ()
    """Every name and id that a mapping may go by, the parts' own included."""
    siblings: Sequence[str] = ()
    """The keys under which the same trouble may have been told already."""
    maintenance: bool = False
    window: Window | None = None
    ending: MaintenanceEnding = "completed"
    """How a maintenance ended, once it is over."""
    follow_up: str = ""
    """What is new of it, where it was told of before."""
    link: str = ""
    labels: dict[str, str] | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    passed_over: str = ""
    """Why it opens nothing although it would concern us, where that is so."""
    partless: bool = False
    """Whether bodies of its kind name no part of the provider: a note on what was told before, which decided whom it concerns."""


def reading_of(notices: Iterable[Notice], arrival: Arrival[WatchedT], refusals: Iterable[Refusal] = ()) -> Reading:
    """What becomes of the notices of one body."""
    triggers: list[ParsedTrigger] = []
    passed: list[Ignored] = []
    remarks: list[Remark] = []
    refused = list(refusals)
    for notice in notices:
        try:
            trigger = _trigger(notice, arrival)
        except CannotRead as error:
            refused.append(error.refusal)
            continue
        options = arrival.integration.options
        concerned = matching(options.components, (*notice.names, *notice.parts))
        if options.components and notice.partless:
            if not notice.firing:
                triggers.append(replace(trigger, service=None, services=()))
            elif notice.follow_up.strip():
                remarks.append(_follow_up(notice, trigger))
        elif options.components and not concerned:
            told = ", ".join(notice.parts) or "none of its parts"
            passed.append(
                Ignored("not-mapped", clean(f"It concerns {told}; no component is mapped to it.", 300), "#", trigger)
            )
        elif notice.passed_over:
            passed.append(Ignored("no-news", clean(notice.passed_over, 300), "#", trigger))
        else:
            triggers.append(ours(trigger, concerned))
            if notice.firing and notice.follow_up.strip():
                remarks.append(_follow_up(notice, trigger))
    return Reading(tuple(triggers), tuple(refused), tuple(passed), tuple(remarks))


def _follow_up(notice: Notice, trigger: ParsedTrigger) -> Remark:
    return Remark("noted", trigger.dedup_key, trigger.provider or "", clean(notice.follow_up))


def matching(components: dict[str, Part], names: Iterable[str]) -> tuple[Part, ...]:
    """The parts whose name in the mapping is met by ``names``."""
    told = {name.strip().casefold() for name in names if name.strip()}

    def met(pattern: str) -> bool:
        return any(name == pattern or fnmatchcase(name, pattern) for name in told)

    return tuple(
        part for name, part in components.items() if all(met(one.strip()) for one in name.casefold().split(" + "))
    )


def _trigger(notice: Notice, arrival: Arrival[WatchedT]) -> ParsedTrigger:
    options = arrival.integration.options
    trigger = trigger_of(
        Told(
            key=notice.key,
            firing=notice.firing,
            title=notice.title,
            description=notice.description,
            services=tuple(notice.parts)[:SERVICES_LIMIT],
            provider=options.provider or notice.provider,
            category="maintenance" if notice.maintenance else None,
            window=notice.window,
            links=[(notice.link, "The provider's page")],
            labels={**(notice.labels or {}), "components": ", ".join(notice.parts)},
            started_at=notice.started_at,
            ended_at=notice.ended_at,
        ),
        arrival,
    )
    kind: TriggerKind = arrival.integration.kind or "provider"
    if notice.maintenance and options.team:
        kind = "maintenance"
    siblings = (trigger.dedup_key, *(bounded(clean(key)) for key in notice.siblings))
    return replace(
        trigger,
        kind=kind,
        ending=notice.ending if notice.maintenance and not notice.firing else None,
        severity=notice.severity or options.default_severity,
        assigned_team=clean(options.team, NAME_LIMIT) or None if notice.maintenance else None,
        group=TriggerGroup(key=trigger.dedup_key, siblings=siblings[:SIBLINGS_LIMIT]) if notice.siblings else None,
    )


def ours(trigger: ParsedTrigger, concerned: Sequence[Part]) -> ParsedTrigger:
    """The trigger with the services and tenants that the mapping gives."""
    if not concerned:
        return trigger
    services = tuple(dict.fromkeys(part.service for part in concerned))
    everybody = any(not part.tenants for part in concerned)
    tenants = () if everybody else tuple(dict.fromkeys(tenant for part in concerned for tenant in part.tenants))
    return replace(trigger, service=services[0], services=services, tenants=tenants)


def window_of(starts_at: datetime | None, ends_at: datetime | None) -> Window | None:
    """From when until when, where the beginning is known; an end that does not lie after it is none."""
    if starts_at is None:
        return None
    return Window(starts_at=starts_at, ends_at=ends_at if ends_at is not None and ends_at > starts_at else None)
