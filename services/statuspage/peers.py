"""The other services, asked over HTTP with the operator's own key: what they refuse comes back as a sentence."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from libs.common.errors import TocsinError
from libs.common.events.base import Instant
from libs.common.events.incidents import Incident

Action = Literal["acknowledge", "verdict", "updates", "escalate", "resolve"]
TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)


class PeerRefused(TocsinError):
    """Another service did not do what was asked, or could not be asked. ``status`` is what the page answers with."""

    slug = "peer-refused"
    title = "Not done"

    def __init__(self, detail: str, http_status: int) -> None:
        super().__init__(detail)
        self.http_status = http_status


class _Lenient(BaseModel):
    """What another service says; what is new in it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Somebody(_Lenient):
    """A person by name."""

    name: str


class Shift(_Lenient):
    """Who has the shift, and until when; nobody, where the turn is vacant."""

    person: Somebody | None
    since: Instant
    until: Instant


class OnCall(_Lenient):
    """Who is on call now: the shift, who else, who stands in, and who comes next."""

    primary: Shift | None
    also: tuple[Shift, ...] = ()
    backups: tuple[Somebody, ...] = ()
    next: Shift | None = None


class Peers:
    """Escalator, oncall and notifier. Calls carry the operator's key, so that these services decide what is allowed."""

    def __init__(self, client: httpx.AsyncClient, escalator_url: str, oncall_url: str, notifier_url: str) -> None:
        self._client = client
        self._escalator = escalator_url
        self._oncall = oncall_url
        self._notifier = notifier_url

    async def act(self, key: str, incident: UUID, action: Action, body: Mapping[str, Any]) -> Incident:
        """Act on an incident; returns it as it is then. Raises :class:`PeerRefused`."""
        url = f"{self._escalator}/v1/incidents/{incident}/{action}"
        answer = await self._ask("escalator", "POST", url, key, body)
        try:
            return Incident.model_validate(answer)
        except ValidationError as error:
            raise PeerRefused("The escalator answered with something that is no incident.", 502) from error

    async def reply(self, key: str, message: str, command: Literal["ACK", "RESOLVE"]) -> str:
        """Answer a message of the local outbox as its recipient would by SMS; what they get back. Raises :class:`PeerRefused`."""
        url = f"{self._notifier}/v1/outbox/{message}/reply"
        answer = await self._ask("notifier", "POST", url, key, {"text": command})
        return str(answer.get("answer", "")) if isinstance(answer, dict) else ""

    async def on_call(self, key: str) -> OnCall:
        """What oncall says of the default rota now. Raises :class:`PeerRefused`."""
        answer = await self._ask("oncall service", "GET", f"{self._oncall}/v1/schedules/default/on-call", key)
        try:
            return OnCall.model_validate(answer)
        except ValidationError as error:
            raise PeerRefused("The oncall service answered with something that is no shift.", 502) from error

    async def _ask(self, who: str, method: str, url: str, key: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            response = await self._client.request(
                method, url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT
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


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
