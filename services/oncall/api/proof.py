"""Proof that somebody can be reached in the coming days, and how the load is shared."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from libs.common.auth import Operator
from libs.common.errors import FieldProblem, Invalid
from libs.common.events.base import RoleRef
from services.oncall.api.edge import InstantText, Now, ScheduleId, Work, instant, refuse_bound
from services.oncall.domain import proof as domain
from services.oncall.domain.finding import Doubt
from services.oncall.domain.proof import REFERENCES
from services.oncall.handlers.amendments import rota_of
from services.oncall.store.amendments import directory_during

router = APIRouter(prefix="/v1", tags=["proof"])

LONGEST = timedelta(days=400)


class Finding(BaseModel):
    """One doubt, from when until when."""

    model_config = ConfigDict(from_attributes=True)

    doubt: Doubt
    subject: str
    """The rota as ``rota:ID``, or the reference that reaches nobody."""
    starts_at: datetime
    ends_at: datetime
    person: str | None
    text: str
    suggestion: str | None
    """Of a gap: the one of the rota who is farthest from their own shifts."""


class Proof(BaseModel):
    """Everything doubtful of the coming days. ``sound`` where there is nothing."""

    since: datetime
    until: datetime
    sound: bool
    findings: list[Finding]


class Load(BaseModel):
    """How much somebody carries of a rota as its primary."""

    model_config = ConfigDict(from_attributes=True)

    person: str
    shifts: int
    hours: float
    night_hours: float
    """Between 22:00 and 07:00 on their own clocks."""
    weekend_hours: float
    share: float
    """Of all hours of the rota's primaries."""
    balance: float
    """How much more than an equal share that is: 0.25 is a quarter more."""


class Fairness(BaseModel):
    """How evenly each is shared, by Jain's index: 1 where all carry the same, 1/n where one of n carries everything."""

    hours: float
    night_hours: float
    weekend_hours: float


class Loads(BaseModel):
    """How a rota's load is shared."""

    schedule: str
    since: datetime
    until: datetime
    fairness: Fairness
    loads: list[Load]


@router.get("/proof", summary="Whether somebody can be reached in the coming days")
async def prove(
    principal: Operator,
    work: Work,
    now: Now,
    days: Annotated[int, Query(ge=1, le=90)] = 14,
    ref: Annotated[
        list[RoleRef] | None, Query(description="References of the ladder beside those of every incident.")
    ] = None,
) -> Proof:
    """Gaps, shifts of nobody, missing contacts, absent people, no backup, one person on both ends, references that reach nobody."""
    refuse_bound(principal)
    until = now + timedelta(days=days)
    async with work.read() as session:
        directory = await directory_during(session, now, until)
    refs = tuple(dict.fromkeys([*REFERENCES, *(ref or ())]))
    found = await asyncio.to_thread(domain.findings, directory, now, days, refs)
    return Proof(since=now, until=until, sound=not found, findings=[Finding.model_validate(one) for one in found])


@router.get("/schedules/{schedule_id}/load", summary="How the load is shared")
async def share_load(
    schedule_id: ScheduleId,
    principal: Operator,
    work: Work,
    now: Now,
    since: Annotated[InstantText, Query(alias="from")] = None,
    until: Annotated[InstantText, Query(alias="to")] = None,
) -> Loads:
    """Shifts, hours, nights and weekends of each primary between ``from`` (now) and ``to`` (28 days later)."""
    refuse_bound(principal)
    start = instant(since, "from", now)
    end = instant(until, "to", start + timedelta(days=28))
    if not timedelta(0) < end - start <= LONGEST:
        detail = f"must lie after from, by at most {LONGEST.days} days"
        raise Invalid(f"to {detail}", problems=(FieldProblem("#query/to", detail),))
    async with work.read() as session:
        directory = await directory_during(session, start, end)
    found = domain.loads(directory, rota_of(directory, schedule_id), start, end)
    return Loads(
        schedule=schedule_id,
        since=start,
        until=end,
        fairness=Fairness(
            hours=domain.fairness([one.hours for one in found]),
            night_hours=domain.fairness([one.night_hours for one in found]),
            weekend_hours=domain.fairness([one.weekend_hours for one in found]),
        ),
        loads=[Load.model_validate(one) for one in found],
    )
