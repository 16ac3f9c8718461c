"""The ways in beside the hook of a source: what the address of each says of a body that comes by it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from libs.common.events.base import TriggerKind
from services.intake.domain.form import Field
from services.intake.domain.opsgenie import ROOT, Place, place_of
from services.intake.domain.opsgenie_heartbeat import ROOT as HEARTBEATS
from services.intake.domain.opsgenie_heartbeat import heartbeat_place_of

PostedMail = Literal["sendgrid", "mailgun"]

KINDS: Final[dict[str, TriggerKind]] = {"tickets": "ticket", "notices": "tool", "maintenance": "maintenance"}
"""From an address of Tocsin's own format to the one kind that it takes."""

ADDRESSES: Final[dict[str, str]] = {
    "native": "/v1/triggers, /v1/tickets, /v1/notices, /v1/maintenance, and DELETE /v1/maintenance/<id>",
    "mail": "/v1/mail/sendgrid and /v1/mail/mailgun",
    "pagerduty": "/v2/enqueue, /v2/change/enqueue and /generic/2010-04-15/create_event.json",
    "opsgenie": "/v2/alerts, what is below it, and /v2/heartbeats/<name>/ping",
}
"""What else than its hook leads to a source."""

_OWN: Final = re.compile(r"/v1/(triggers|tickets|notices|maintenance)")
_CANCELLED: Final = re.compile(r"/v1/maintenance/(.+)")
_MAIL: Final = re.compile(r"/v1/mail/(sendgrid|mailgun)(?:/.*)?")
_EVENTS: Final = re.compile(r"/v2/(?:change/)?enqueue|/generic/2010-04-15/create_event\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What an address says of a body that comes by it. Nothing of the kind: it comes by the hook of its source."""

    kind: TriggerKind | None = None
    """The one kind that is taken there."""
    called_off: str = ""
    """The maintenance that is called off."""
    mail: PostedMail | None = None
    """The mail service that posts there."""
    change: bool = False
    """Whether change events are posted there."""
    place: Place | None = None
    """The alert of a drop-in API, and what is done to it."""
    how: str = "id"
    """As what :attr:`place` names the alert."""
    said: Mapping[str, str] | None = None
    """What a call without a body says in its address."""
    heartbeat: str = ""
    """The heartbeat that is pinged."""
    polled: bool = False
    """Whether the body is what the page answers that is asked."""


def way_of(source: str, integration_id: str, method: str, address: str) -> Way | None:
    """The way to an integration of ``source`` that ``address`` leads; ``None`` where it leads somewhere else."""
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets of an address that is none
        return None
    path = parts.path.rstrip("/")
    if not path or (path == f"/v1/hooks/{source}" or path.startswith(f"/v1/hooks/{source}/")):
        return Way(heartbeat=integration_id if source == "heartbeat" else "")
    if path == f"/v1/pollers/{integration_id}/poll":
        return Way(polled=True)
    found = _WAYS.get(source, _nowhere)(method, path)
    if found is None or found.place is None:
        return found
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    said = query if method == "DELETE" else None
    return Way(place=found.place, how=query.get("identifierType", "id").lower(), said=said)


def _native(method: str, path: str) -> Way | None:
    if method == "DELETE":
        found = _CANCELLED.fullmatch(path)
        return Way(kind="maintenance", called_off=unquote(found[1])) if found else None
    found = _OWN.fullmatch(path)
    return Way(kind=KINDS.get(found[1])) if found and method == "POST" else None


def _mail(method: str, path: str) -> Way | None:
    found = _MAIL.fullmatch(path)
    if found is None or method != "POST":
        return None
    return Way(mail="sendgrid" if found[1] == "sendgrid" else "mailgun")


def _pagerduty(method: str, path: str) -> Way | None:
    return Way(change="/change/" in path) if method == "POST" and _EVENTS.fullmatch(path) else None


def _opsgenie(method: str, path: str) -> Way | None:
    if path.startswith(HEARTBEATS):
        beat = heartbeat_place_of(method, path)
        return Way(heartbeat=beat.name) if beat and beat.action == "ping" else None
    if path == ROOT:
        return Way(place=Place("", "create")) if method == "POST" else None
    place = place_of(method, path) if path.startswith(f"{ROOT}/") else None
    return Way(place=place) if place and place.action else None


def _nowhere(_: str, __: str) -> None:
    return None


_WAYS: Final[dict[str, Callable[[str, str], Way | None]]] = {
    "native": _native,
    "mail": _mail,
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
}


def mail_service_of(fields: Mapping[str, Field]) -> PostedMail:
    """Whose form it is, by fields that only SendGrid's has."""
    return "sendgrid" if fields.keys() & {"email", "envelope", "headers", "charsets"} else "mailgun"
