"""Who would be told: references resolved without telling anybody, for the console and for simulations."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.common.auth import Operator, Principal
from libs.common.errors import FieldProblem, Forbidden, Invalid
from libs.common.events.base import Instant, RoleRef
from libs.common.events.incidents import Purpose
from libs.common.events.notifications import Recipient, Skipped
from services.oncall.api.edge import Now, Work, sees_contacts, within
from services.oncall.domain.reach import AT_ONCE, MANNERS
from services.oncall.domain.resolve import Context, resolve
from services.oncall.store.amendments import directory_at, directory_during

router = APIRouter(prefix="/v1", tags=["resolution"])

LONGEST: Final = timedelta(days=40)
"""How far apart the moments of one question may lie."""

Text = Annotated[str, Field(max_length=200)]


class IncidentContext(BaseModel):
    """What of an incident decides who is responsible."""

    model_config = ConfigDict(extra="forbid")

    service: Text | None = None
    tool: Text | None = None
    tenants: list[Text] = Field(default=[], max_length=200, description="Empty means every tenant.")
    assigned_team: Text | None = None
    first: list[RoleRef] = Field(default=[], max_length=50)


class Question(BaseModel):
    """Who do these references mean at this moment?"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"refs": ["on-shift", "service-responsible"], "context": {"service": "invoicing"}}]
        },
    )

    refs: list[RoleRef] = Field(min_length=1, max_length=50)
    context: IncidentContext = IncidentContext()
    at: AwareDatetime | None = Field(None, description="Now, where it is not given.")


class Moment(BaseModel):
    """References that are to be resolved at one moment."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    refs: list[RoleRef] = Field(max_length=50)
    purpose: Purpose = Field(
        "page",
        description="What it is for: that decides in which order people are reached, and what can wait in quiet hours.",
    )


class Questions(BaseModel):
    """Who do references mean, moment by moment, for one incident?"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "context": {"service": "invoicing", "first": ["on-shift"]},
                    "moments": [
                        {"at": "2026-11-29T23:50:00Z", "refs": ["first"]},
                        {"at": "2026-11-29T23:55:00Z", "refs": ["service-responsible"]},
                    ],
                }
            ]
        },
    )

    context: IncidentContext = IncidentContext()
    moments: list[Moment] = Field(min_length=1, max_length=1000)


class Answer(BaseModel):
    """Who would be told, who would not, and why."""

    at: Instant
    recipients: list[Recipient]
    skipped: list[Skipped]


@router.post("/resolve", summary="Who would be told")
async def resolve_references(question: Question, principal: Operator, work: Work, now: Now) -> Answer:
    """Resolve references at a moment. Nobody is told anything."""
    at = within(question.at or now, "at")
    context = _context(question.context, principal)
    _only_own_contacts(principal, (*question.refs, *context.first))
    async with work.read() as session:
        directory = await directory_at(session, at)
    found = resolve(directory, question.refs, context, at)
    return Answer(at=at, recipients=[_shown(principal, one) for one in found.recipients], skipped=list(found.skipped))


class Answers(BaseModel):
    """The answers, in the order of the moments."""

    answers: list[Answer]


@router.post("/resolve/batch", summary="Who would be told, moment by moment")
async def resolve_moments(questions: Questions, principal: Operator, work: Work) -> Answers:
    """Resolve references at many moments of one incident: for simulations. Nobody is told anything."""
    context = _context(questions.context, principal)
    moments = [within(one.at, "at") for one in questions.moments]
    start, end = min(moments), max(moments)
    if end - start > LONGEST:
        raise Invalid(
            f"The moments must lie within {LONGEST.days} days.",
            problems=[FieldProblem("#/moments", f"the last is {end - start} after the first")],
        )
    for one in questions.moments:
        _only_own_contacts(principal, (*one.refs, *context.first))
    async with work.read() as session:
        directory = await directory_during(session, start, end + timedelta(seconds=1))

    def found(one: Moment, at: datetime) -> Answer:
        answer = resolve(directory, one.refs, context, at, MANNERS.get(one.purpose, AT_ONCE))
        shown = [_shown(principal, recipient) for recipient in answer.recipients]
        return Answer(at=at, recipients=shown, skipped=list(answer.skipped))

    def every() -> list[Answer]:
        return [found(one, at) for one, at in zip(questions.moments, moments, strict=True)]

    return Answers(answers=await asyncio.to_thread(every))


def _context(said: IncidentContext, principal: Principal) -> Context:
    return Context(
        service=said.service,
        tool=said.tool,
        tenants=_tenants(principal, tuple(said.tenants)),
        assigned_team=said.assigned_team,
        first=tuple(said.first),
    )


def _tenants(principal: Principal, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The tenants that the question is about: never others than the principal's own."""
    if principal.tenants is None:
        return asked
    foreign = set(asked) - set(principal.tenants)
    if foreign or not principal.tenants:
        raise Forbidden(
            f"{principal.name} may only ask about the tenants {', '.join(principal.tenants) or 'of nobody'}."
        )
    return asked or principal.tenants


def _only_own_contacts(principal: Principal, refs: tuple[str, ...]) -> None:
    for ref in refs:
        kind, _, address = ref.partition(":")
        if kind == "contact" and principal.tenants is not None and address.partition("/")[0] not in principal.tenants:
            raise Forbidden(f"{principal.name} may only ask about the tenants {', '.join(principal.tenants)}.")


def _shown(principal: Principal, recipient: Recipient) -> Recipient:
    """The recipient; without addresses of the house for whoever is bound to tenants."""
    own = recipient.ref.startswith("contact:")
    return recipient if own or sees_contacts(principal) else recipient.model_copy(update={"contacts": ()})
