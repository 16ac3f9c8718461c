"""Who would be told: references resolved without telling anybody, for the console and for simulations."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.common.auth import Operator, Principal
from libs.common.errors import Forbidden
from libs.common.events.base import Instant, RoleRef
from libs.common.events.notifications import Recipient, Skipped
from services.oncall.api.edge import Now, Work, sees_contacts, within
from services.oncall.domain.resolve import Context, resolve
from services.oncall.store.amendments import directory_at

router = APIRouter(prefix="/v1", tags=["resolution"])

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


class Answer(BaseModel):
    """Who would be told, who would not, and why."""

    at: Instant
    recipients: list[Recipient]
    skipped: list[Skipped]


@router.post("/resolve", summary="Who would be told")
async def resolve_references(question: Question, principal: Operator, work: Work, now: Now) -> Answer:
    """Resolve references at a moment. Nobody is told anything."""
    at = within(question.at or now, "at")
    context = Context(
        service=question.context.service,
        tool=question.context.tool,
        tenants=_tenants(principal, tuple(question.context.tenants)),
        assigned_team=question.context.assigned_team,
        first=tuple(question.context.first),
    )
    _only_own_contacts(principal, (*question.refs, *question.context.first))
    async with work.read() as session:
        directory = await directory_at(session, at)
    found = resolve(directory, question.refs, context, at)
    return Answer(at=at, recipients=[_shown(principal, one) for one in found.recipients], skipped=list(found.skipped))


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
