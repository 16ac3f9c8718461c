"""What the sources of helpdesks share: only what the integration calls P1 opens an incident, and the end of a ticket always counts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from services.intake.domain.dedup import bounded
from services.intake.domain.mapping import NAME_LIMIT, clean, web_links
from services.intake.domain.trigger import TicketRead
from services.intake.sources.base import Arrival
from services.intake.sources.common import CommonOptions, Part, Told, ignored, trigger_of


class TicketOptions(CommonOptions):
    """Which tickets are P1."""

    p1: tuple[str, ...] = ("p1", "urgent", "highest", "blocker", "1", "1 - critical")
    """The priorities that open an incident, in the helpdesk's own words, in whatever case; without it :data:`MOST_URGENT` counts as well."""
    p1_tags: tuple[str, ...] = ()
    """Tags (Jira: labels) that make a ticket a P1 whatever its priority is."""


MOST_URGENT: Final = frozenset(
    {
        *("dringend", "sehr dringend", "höchste", "urgente", "le plus haut", "la plus haute", "la plus élevée"),
        *("más alta", "la más alta", "mais alta", "o mais alto", "massima", "più alta", "hoogste"),
        *("brådskande", "högsta", "haster", "høyeste", "højeste", "kiireellinen", "korkein"),
        *("pilne", "najwyższy", "najwyższa", "срочный", "срочно", "наивысший", "acil", "en yüksek"),
        *("緊急", "最高", "紧急", "긴급", "가장 높음"),
    }
)
"""The most urgent priority of helpdesks that are not set to English: templates fill in the word that their users see."""

ENDED: Final = frozenset(
    {
        *("gelöst", "geschlossen", "erledigt", "fertig", "abgebrochen", "storniert"),
        *("résolu", "résolue", "clos", "close", "fermé", "fermée", "terminé", "terminée", "annulé", "annulée"),
        *("resuelto", "resuelta", "cerrado", "cerrada", "finalizado", "finalizada", "cancelado", "cancelada"),
        *(
            "resolvido",
            "resolvida",
            "fechado",
            "fechada",
            "concluído",
            "concluída",
            "risolto",
            "risolta",
            "chiuso",
            "chiusa",
        ),
        *("opgelost", "gesloten", "löst", "stängd", "løst", "lukket", "ratkaistu", "suljettu"),
        *("rozwiązane", "zamknięte", "решено", "решен", "закрыт", "закрыто", "çözüldü", "kapatıldı"),
        *("解決済み", "解決", "クローズ", "完了", "已解决", "已关闭", "已解決", "已關閉", "해결됨", "종료됨"),
    }
)
"""As :data:`MOST_URGENT`, of what is solved or closed."""

NUMBERED: Final = re.compile(r"\s*(\d)\s*[-–:]\s*\S.*")
"""``1 - Kritisch``: a priority, or a state, by its number and a word in whatever language."""


def is_over(status: str, words: frozenset[str]) -> bool:
    """Whether a status, in whatever case and language, is one of ``words`` or means that the ticket is solved or closed."""
    said = status.strip().lower()
    return said in words or said in ENDED


def _is_urgent(priority: str, options: TicketOptions) -> bool:
    wanted = {word.lower() for word in options.p1}
    if "p1" in options.model_fields_set:
        return priority in wanted
    numbered = NUMBERED.fullmatch(priority)
    return priority in wanted or priority in MOST_URGENT or (numbered is not None and numbered[1] in wanted)


TICKETS: Final = """
`p1`: the priorities that open an incident, in the helpdesk's own words; without it `P1`, `Urgent`, `Highest`, `Blocker`, `1`, `1 - Critical`, and what these
are in a helpdesk that is set to one of twenty other languages. `p1_tags`: tags
that make a ticket a P1 whatever its priority is. `services`: from a tag or component to the id of a service.
"""
"""The paragraph about :class:`TicketOptions` for the sources' pages."""

ECHO: Final = (
    "Within three hours of an incident's end, a ticket that is still open and as urgent as before\n"
    "opens nothing either, unless the body says that it was filed, raised or opened again just now."
)
"""The sentence about what our own comments bring back, for the sources' pages."""


def goes_back(channel: str) -> str:
    """The paragraph about comments for the sources' pages; ``channel`` is the helpdesk's own part of its configuration."""
    return f"""## What goes back

That somebody has the incident, each update (those for the team alone as a note for agents) and its end stand on the ticket as comments, each once. The
notifier needs an account for that, in `channels.yaml`; `ticket:` is followed by the id of this integration:

```yaml
  - id: ticket:your-integration
    name: Comments on tickets
{channel.strip(chr(10))}
```

`public: false` makes every comment a note for agents. See [notifications](../notifications.md#comments-on-tickets).
"""


SEVERITIES: Final = {
    "urgent": "critical",
    "highest": "critical",
    "normal": "warning",
    "lowest": "info",
    "1": "critical",
    "2": "error",
    "3": "warning",
    "4": "info",
    "5": "info",
}
"""Words that helpdesks have for priorities and monitoring has not."""

TicketT = TypeVar("TicketT", bound=TicketOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket in the helpdesk's own words."""

    id: str
    number: str = ""
    """What people call it, where that is not its id."""
    title: str
    priority: str
    over: bool
    """Whether it was solved, closed, cancelled or deleted."""
    news: bool = True
    """Whether what happened can open an incident: not a comment, nor an assignment."""
    raised: bool = True
    """Whether the body says that it was filed, raised or opened again just now."""
    description: str = ""
    reporter: str = ""
    services: Iterable[str] = ()
    tags: tuple[str, ...] = ()
    url: str = ""
    status: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None


def ticket_of(ticket: Ticket, arrival: Arrival[TicketT]) -> Part:
    """The trigger of a ticket, or why it opens nothing."""
    options = arrival.integration.options
    name = clean(ticket.number or ticket.id, NAME_LIMIT)
    priority = ticket.priority.strip().lower()
    marked = {tag.lower() for tag in options.p1_tags}
    urgent = _is_urgent(priority, options) or not marked.isdisjoint(tag.lower() for tag in ticket.tags)
    if not ticket.over and not urgent:
        said = f"has priority {ticket.priority}" if ticket.priority else "has no priority"
        return ignored("not-p1", f"Ticket {name} {said}; only P1 opens an incident.")
    if not ticket.over and not ticket.news:
        return ignored("no-news", f"What happened to ticket {name} changes neither its state nor its priority.")
    named = [tag for tag in ticket.tags if tag in options.services]
    told = Told(
        key=ticket.id,
        firing=not ticket.over,
        title=ticket.title or f"Ticket {name}",
        description=ticket.description,
        severity="critical" if urgent else SEVERITIES.get(priority, priority),
        kind="ticket",
        services=named or [service for service in ticket.services if service],
        reporter=ticket.reporter,
        ticket=replace(
            ticket_read(ticket.id, name, ticket.url),
            status=clean(ticket.status, NAME_LIMIT),
            priority=clean(ticket.priority, NAME_LIMIT),
            raised=ticket.raised,
        ),
        links=[(ticket.url, f"Ticket {name}")],
        labels={
            "ticket": name,
            "priority": ticket.priority,
            "status": ticket.status,
            "tags": ", ".join(ticket.tags),
        },
        started_at=ticket.created_at,
        ended_at=ticket.ended_at,
    )
    return trigger_of(told, arrival)


def ticket_read(ticket_id: str, name: str, url: str) -> TicketRead:
    """How the helpdesk's API and its people call a ticket; its address only where a person may safely open it."""
    pages = web_links([(url, "")])
    return TicketRead(bounded(clean(ticket_id)), clean(name, NAME_LIMIT), pages[0].href if pages else "")
