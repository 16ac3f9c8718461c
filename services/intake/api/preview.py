"""Trying a body out: what would become of it, with nothing stored and nobody paged."""

import base64
import json
from dataclasses import asdict
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from libs.common.auth import Operator
from libs.common.errors import FieldProblem, Invalid
from services.intake.api.schemas import Told
from services.intake.api.state import Here
from services.intake.domain.facts import received
from services.intake.domain.trigger import Ignored, ParsedTrigger, Refusal
from services.intake.handlers.trial import Door, Posted, tried

router = APIRouter(tags=["integrations"])

NOBODY = UUID(int=0)
"""In place of the ids that a trigger gets only when it is kept."""


class Trial(BaseModel):
    """A request as the sender would make it."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    path: str = ""
    """The address, where it is another than the integration's hook: ``/v1/notices``, ``/v2/alerts/<id>/close?identifierType=alias``. What page
    a provider would answer with goes to ``/v1/pollers/<id>/poll``; without a body, the page is asked."""
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    """A text is posted as it is; any other JSON value as the document that it is."""
    body_base64: str | None = None
    """In place of ``body``, for bytes that are no text."""
    received_at: AwareDatetime | None = None
    """When it would arrive; left away, now."""


class PassedOver(Told):
    """A part that opens nothing, with what it would have been where that can be said."""

    trigger: dict[str, Any] | None = None


class Said(BaseModel):
    """What the sender says of an alert beside that it fires or ends."""

    kind: str
    dedup_key: str
    by: str
    note: str


class Preview(BaseModel):
    """What would become of the body. Without triggers, ``ignored`` and ``problems`` give the reason; both empty: it holds no alert."""

    triggers: list[dict[str, Any]]
    remarks: list[Said] = Field(default_factory=list)
    ignored: list[PassedOver]
    problems: list[Told]
    quarantined: bool
    """Whether the body would be kept for a person to look at."""
    turned_away: str | None = None
    """Why the body would not be let in, whatever is in it: it is not signed as the integration wants it, or is not its sender's."""


@router.post("/v1/integrations/{integration_id}/preview")
async def preview(_: Operator, here: Here, integration_id: str, trial: Trial) -> Preview:
    """The triggers that a body would become, or the reason why none. Nothing is stored, nobody is paged."""
    now = trial.received_at or here.uow.clock.now()
    headers = {_written(name).lower(): _written(value) for name, value in trial.headers.items()}
    posted = Posted(trial.method, _written(trial.path), headers, _bytes(trial))
    door = Door(here.guard, here.network, here.public_url)
    found = await tried(here.uow, here.watcher, door, integration_id, posted, now)
    reading, integration = found.reading, found.integration

    def shown(trigger: ParsedTrigger) -> dict[str, Any]:
        event = received(trigger, integration, NOBODY, NOBODY, now)
        return event.model_dump(mode="json", exclude={"trigger_id", "delivery_id"})

    return Preview(
        triggers=[shown(trigger) for trigger in reading.triggers],
        remarks=[Said(**asdict(remark)) for remark in reading.remarks],
        ignored=[
            PassedOver(**_told(part), trigger=None if part.trigger is None else shown(part.trigger))
            for part in reading.ignored
        ],
        problems=[Told(**_told(part)) for part in reading.refusals],
        quarantined=bool(reading.refusals),
        turned_away=found.turned_away or None,
    )


def _bytes(trial: Trial) -> bytes | None:
    if trial.body_base64 is not None:
        try:
            return base64.b64decode(trial.body_base64, validate=True)
        except ValueError as error:
            problem = FieldProblem("#/body_base64", "should be base64")
            raise Invalid("The body is no base64.", problems=[problem]) from error
    if trial.body is None:
        return None
    if isinstance(trial.body, str):
        return trial.body.encode("utf-8", "surrogatepass")
    try:
        return json.dumps(trial.body).encode()
    except RecursionError as error:
        problem = FieldProblem("#/body", "is nested too deeply; send it as a text")
        raise Invalid("The body is nested too deeply for a document.", problems=[problem]) from error


def _written(text: str) -> str:
    """A text without what UTF-8 cannot hold: halves of characters, which JSON can write."""
    return text.encode("utf-8", "replace").decode()


def _told(part: Refusal | Ignored) -> dict[str, str]:
    return {"pointer": part.pointer, "reason": part.reason, "detail": part.detail}
