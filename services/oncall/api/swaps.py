"""Swaps: somebody offers shifts, somebody else takes them, or not."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from libs.common.auth import Operator, Principal, Viewer
from libs.common.errors import FieldProblem, Forbidden, Invalid
from libs.common.events.base import Instant, Slug
from services.oncall.api import views
from services.oncall.api.amendments import check_range
from services.oncall.api.edge import Now, ScheduleId, Work, refuse_bound
from services.oncall.domain.amendments import Swap
from services.oncall.domain.shift import Role
from services.oncall.handlers import swaps as handlers
from services.oncall.handlers.amendments import rota_of
from services.oncall.store import amendments as store

router = APIRouter(prefix="/v1/schedules/{schedule_id}/swaps", tags=["changes"])


class Offer(BaseModel):
    """Shifts that somebody would like to give away."""

    model_config = ConfigDict(extra="forbid")

    of: Slug | None = Field(None, description="Whose shifts; your own where it is not given.")
    to: Slug | None = Field(None, description="Who is asked; whoever takes turns in the rota where it is not given.")
    starts_at: Instant
    ends_at: Instant
    role: Role = "primary"


class Answerer(BaseModel):
    """Who answers a swap."""

    model_config = ConfigDict(extra="forbid")

    person: Slug | None = Field(None, description="You, where it is not given. Admins answer for others.")


@router.post("", status_code=201, summary="Offer a swap")
async def offer(schedule_id: ScheduleId, offered: Offer, principal: Operator, work: Work) -> views.MadeChange:
    """Offer your shifts of a stretch. Whoever may take them is told, and reminded while nobody has."""
    refuse_bound(principal)
    of = _acting(principal, offered.of, "of")
    if offered.ends_at <= offered.starts_at:
        raise Invalid(
            "ends_at must lie after starts_at", problems=(FieldProblem("#/ends_at", "lies before starts_at"),)
        )
    swap = Swap(of=of, to=offered.to, role=offered.role, starts_at=offered.starts_at, ends_at=offered.ends_at)
    check_range(swap)
    async with work.begin() as tx:
        made = await handlers.offer(tx, schedule_id, swap, principal.id)
    return views.made(made.directory, made.stored, made.effect)


@router.get("", summary="List the swaps")
async def list_swaps(schedule_id: ScheduleId, principal: Viewer, work: Work, now: Now) -> views.Changes:
    """Those whose time is not over, whatever became of them."""
    refuse_bound(principal)
    async with work.read() as session:
        rota_of(await store.directory_at(session, now), schedule_id)
        found = await store.listed(session, kind="swap", rota=schedule_id, start=now)
    return views.Changes(changes=[views.change(one) for one in found])


@router.post("/{swap_id}/take", summary="Take a swap")
async def take(
    schedule_id: ScheduleId, swap_id: UUID, principal: Operator, work: Work, answer: Answerer | None = None
) -> views.MadeChange:
    """Take the shifts over. From now on you have them."""
    refuse_bound(principal)
    person = _acting(principal, answer.person if answer else None, "person")
    async with work.begin() as tx:
        made = await handlers.take(tx, schedule_id, swap_id, person, principal.id)
    return views.made(made.directory, made.stored, made.effect)


@router.post("/{swap_id}/decline", summary="Decline a swap")
async def decline(
    schedule_id: ScheduleId, swap_id: UUID, principal: Operator, work: Work, answer: Answerer | None = None
) -> views.Change:
    """Say no to a swap that was offered to you alone."""
    refuse_bound(principal)
    person = _acting(principal, answer.person if answer else None, "person")
    async with work.begin() as tx:
        settled = await handlers.decline(tx, schedule_id, swap_id, person, principal.id)
    return views.change(settled)


@router.delete("/{swap_id}", status_code=204, summary="Withdraw a swap")
async def withdraw(schedule_id: ScheduleId, swap_id: UUID, principal: Operator, work: Work) -> None:
    """Take the offer back; a swap that was taken is undone from now on."""
    refuse_bound(principal)
    async with work.begin() as tx:
        await handlers.withdraw(tx, schedule_id, swap_id, principal.id)


def _acting(principal: Principal, person: str | None, name: str) -> str:
    """For whom ``principal`` acts: for the person whom it stands for, or, as an admin or a program, for anybody it names."""
    own = principal.person
    if person is None and own is None:
        detail = "say for whom: this key stands for no person"
        raise Invalid(detail, problems=(FieldProblem(f"#/{name}", detail),))
    if person is not None and own is not None and person != own and not principal.may("admin"):
        raise Forbidden(f"{principal.name} answers for {own} alone; an admin may answer for others.")
    return person or own or ""
