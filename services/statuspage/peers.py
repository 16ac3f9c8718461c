"""The other services, asked over HTTP with the operator's own key: what they refuse comes back as a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from libs.common.errors import TocsinError, Unavailable
from libs.common.events.base import Instant, Link
from libs.common.events.incidents import Incident
from services.statuspage.domain.climb import Candidate, Prospect

Action = Literal["acknowledge", "verdict", "updates", "escalate", "resolve", "rca"]
TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)
BRIEF: Final = httpx.Timeout(1.0)
"""For what a page is worth showing without."""


SERVICES: Final = ("intake", "escalator", "oncall", "notifier")
"""The other services."""

LONG: Final = httpx.Timeout(120.0, connect=2.0)
"""For a whole configuration, which is played through before it is answered."""

UNASKED: Final[Mapping[int, str]] = {
    503: "the oncall service cannot be reached.",
    504: "the oncall service did not answer in time.",
}
"""Why it is not known who would be told, where oncall did not answer."""


class PeerRefused(TocsinError):
    """Another service did not do what was asked, or could not be asked. ``status`` is what the page answers with."""

    slug = "peer-refused"
    title = "Not done"

    def __init__(self, detail: str, http_status: int) -> None:
        super().__init__(detail)
        self.http_status = http_status


class Lenient(BaseModel):
    """What another service says; what is new in it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Somebody(Lenient):
    """A person by name."""

    name: str


class Shift(Lenient):
    """Who has the shift, and until when; nobody, where the turn is vacant."""

    person: Somebody | None
    since: Instant
    until: Instant


class OnCall(Lenient):
    """Who is on call now: the shift, who else, who stands in, and who comes next."""

    primary: Shift | None
    also: tuple[Shift, ...] = ()
    backups: tuple[Somebody, ...] = ()
    next: Shift | None = None


class _Recipient(Lenient):
    name: str
    role: str
    backup_for: str | None = None


class _Resolved(Lenient):
    recipients: tuple[_Recipient, ...]


class _CheckLinks(Lenient):
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Addresses:
    """Where the other services are."""

    intake: str
    escalator: str
    oncall: str
    notifier: str


class Peers:
    """The other services. Calls carry the operator's key, so that these services decide what is allowed."""

    def __init__(self, client: httpx.AsyncClient, at: Addresses) -> None:
        self._client = client
        self.at = at

    async def open(self, key: str, body: Mapping[str, Any]) -> Incident:
        """Open an incident; returns it as it is then. Raises :class:`PeerRefused`."""
        return _incident(await self.ask("escalator", "POST", f"{self.at.escalator}/v1/incidents", key, body))

    async def act(self, key: str, incident: UUID, action: Action, body: Mapping[str, Any]) -> Incident:
        """Act on an incident; returns it as it is then. Raises :class:`PeerRefused`."""
        url = f"{self.at.escalator}/v1/incidents/{incident}/{action}"
        return _incident(await self.ask("escalator", "POST", url, key, body))

    async def who(self, key: str, incident: Incident, refs: Sequence[str]) -> Prospect:
        """Whom oncall would tell at this moment; where it cannot be asked the prospect says so, and nothing is raised."""
        context = {
            "service": incident.service,
            "tool": incident.tool,
            "tenants": list(incident.tenants),
            "assigned_team": incident.assigned_team,
            "first": list(incident.first),
        }
        body = {"refs": list(refs), "context": context}
        try:
            answer = await self.ask("oncall service", "POST", f"{self.at.oncall}/v1/resolve", key, body, BRIEF)
            found = _Resolved.model_validate(answer).recipients
        except PeerRefused as error:
            return Prospect(problem=UNASKED.get(error.http_status, error.detail))
        except ValidationError:
            return Prospect(problem="the oncall service answered with something else.")
        return Prospect(tuple(Candidate(one.name, one.role, one.backup_for) for one in found))

    async def check_links(self, key: str, incident: Incident) -> tuple[Link, ...]:
        """What the people who work on an incident look at, as the directory says now; nothing where oncall does not answer."""
        body = incident.model_dump(mode="json", include={"id", "number", "service", "tool", "provider", "tenants"})
        try:
            answer = await self.ask("oncall service", "POST", f"{self.at.oncall}/v1/check-links", key, body, BRIEF)
            return _CheckLinks.model_validate(answer).links
        except (PeerRefused, ValidationError):
            return ()

    async def reply(self, key: str, message: str, command: Literal["ACK", "RESOLVE"]) -> str:
        """Answer a message of the local outbox as its recipient would by SMS or phone call; what they get back. Raises :class:`PeerRefused`."""
        url = f"{self.at.notifier}/v1/outbox/{message}/reply"
        answer = await self.ask("notifier", "POST", url, key, {"text": command})
        return str(answer.get("answer", "")) if isinstance(answer, dict) else ""

    async def on_call(self, key: str) -> OnCall:
        """What oncall says of the default rota now. Raises :class:`PeerRefused`."""
        answer = await self.ask("oncall service", "GET", f"{self.at.oncall}/v1/schedules/default/on-call", key)
        try:
            return OnCall.model_validate(answer)
        except ValidationError as error:
            raise PeerRefused("The oncall service answered with something that is no shift.", 502) from error

    async def pass_on(self, service: str, method: str, path: str, authorization: str, body: bytes) -> httpx.Response:
        """What another service answers to a request that is none of this one's. Raises :class:`Unavailable`."""
        headers = {"Authorization": authorization, **({"Content-Type": "application/json"} if body else {})}
        url = f"{getattr(self.at, service)}{path}"
        try:
            return await self._client.request(method, url, content=body, headers=headers, timeout=LONG)
        except httpx.TimeoutException as error:
            raise Unavailable(f"The {service} did not answer in time.") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"The {service} cannot be reached at the moment.") from error

    async def ask(
        self,
        who: str,
        method: str,
        url: str,
        key: str,
        body: Mapping[str, Any] | None = None,
        patience: httpx.Timeout = TIMEOUT,
    ) -> Any:
        """The JSON value that another service answers with. Raises :class:`PeerRefused` with its sentence, or with ours."""
        try:
            response = await self._client.request(
                method, url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=patience
            )
        except httpx.TimeoutException as error:
            raise PeerRefused(
                f"The {who} did not answer in time; the timeline will show whether it was done.", 504
            ) from error
        except httpx.HTTPError as error:
            raise PeerRefused(
                f"The {who} cannot be reached at the moment; nothing was done. Try again soon.", 503
            ) from error
        if response.is_success:
            return _json(response)
        said = _json(response)
        detail = said.get("detail") if isinstance(said, dict) else None
        raise PeerRefused(str(detail or f"The {who} refused with status {response.status_code}."), response.status_code)


def _incident(answer: Any) -> Incident:
    try:
        return Incident.model_validate(answer)
    except ValidationError as error:
        raise PeerRefused("The escalator answered with something that is no incident.", 502) from error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
