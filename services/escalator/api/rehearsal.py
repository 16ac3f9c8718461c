"""What would happen, without anything happening: the tester of the routing rules, and simulations."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from libs.common.auth import Viewer
from libs.common.clock import Clock
from libs.common.configuration import documents_of, refused
from libs.common.errors import FieldProblem, Invalid
from libs.common.events.incidents import CommunicationDue, EscalationDue, IncidentFact
from services.escalator.api.edge import Work
from services.escalator.api.policies import in_force
from services.escalator.api.trial import (
    LONGEST,
    Concerned,
    Simulation,
    SimulationShown,
    StepShown,
    Tested,
    Trial,
    route_shown,
    trigger_of,
)
from services.escalator.domain.effects import difference
from services.escalator.domain.incident import Report
from services.escalator.domain.policies import Policies
from services.escalator.domain.simulation import simulate
from services.escalator.handlers.config import FILES, proposed

router = APIRouter(prefix="/v1", tags=["rehearsal"])

EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
USUALLY: Final = timedelta(hours=6)
AFTERWARDS: Final = timedelta(hours=25)
"""How long an incident is played once it is over: the RCA is owed from then on."""


def _now(request: Request) -> datetime:
    clock: Clock = request.app.state.clock
    return clock.now()


Now = Annotated[datetime, Depends(_now)]
"""The service's own clock."""


@router.post("/routing/test", summary="Which routing rule matches, and why")
async def test_routing(trial: Trial, principal: Viewer, work: Work, now: Now) -> Tested:
    """Every rule in order with the answer to each of its questions, and where the one that decides leads. Nothing is opened."""
    at = _moment(trial.at or now)
    known = await in_force(principal, work)
    wanted = await _proposed(known, trial)
    return await asyncio.to_thread(_tested, known, wanted, trial, at)


@router.post("/simulations", summary="What would happen, rung by rung and clock by clock")
async def play_simulation(wanted: Simulation, principal: Viewer, work: Work, now: Now) -> SimulationShown:
    """Play an incident through, with the code that runs live. Nothing is opened, nothing is written, nobody is told.

    Whom the references mean is oncall's to say: ``POST /v1/resolve`` there takes them with their moments. Where that finds nobody for a rung,
    ask again with the rung's slot in ``unheard``: the next one comes at once then, as it does live.
    """
    at = _moment(wanted.at or now)
    known = await in_force(principal, work)
    policies = await _proposed(known, wanted) or known
    return await asyncio.to_thread(_played, policies, wanted, at)


def _moment(at: datetime) -> datetime:
    if not EARLIEST <= at.astimezone(UTC) < LATEST:
        detail = f"must lie between {EARLIEST.year} and {LATEST.year}"
        raise Invalid(f"at {detail}.", problems=[FieldProblem("#/at", detail)])
    return at.astimezone(UTC)


async def _proposed(known: Policies, trial: Trial) -> Policies | None:
    """What would be in force with the files that are sent; ``None`` without any. Raises :class:`Invalid`."""
    if not trial.files:
        return None
    documents = await asyncio.to_thread(documents_of, FILES, trial.files)
    with refused():
        return proposed(known, documents)


def _tested(known: Policies, wanted: Policies | None, trial: Trial, at: datetime) -> Tested:
    trigger = trigger_of(trial)
    now = route_shown(known, trigger, at)
    if wanted is None:
        return Tested(at=at, in_force=now)
    changed = difference(known, wanted, trigger, at)
    then = route_shown(wanted, trigger, at)
    return Tested(at=at, in_force=now, proposed=then, differences=[f"It {changed}."] if changed else [])


def _played(policies: Policies, wanted: Simulation, at: datetime) -> SimulationShown:
    report, category = wanted.asked()
    until = _until(wanted, report, at)
    played = simulate(policies, report, category, at, until, wanted.acts())
    return SimulationShown(
        at=at,
        until=until,
        cut=played.cut,
        route=route_shown(policies, trigger_of(wanted), at),
        context=Concerned.model_validate(played.opening.incident, from_attributes=True),
        steps=[_step(told, at) for told in played.told],
    )


def _until(wanted: Simulation, report: Report, at: datetime) -> datetime:
    """The end; of what is announced the usual time counts from the end of its window, where it is known."""
    if wanted.lasting is not None:
        return at + wanted.lasting
    if wanted.resolve_after is not None:
        return at + wanted.resolve_after + AFTERWARDS
    window = report.window
    return min(max(at, (window.ends_at or window.starts_at) if window else at), at + LONGEST) + USUALLY


def _step(told: IncidentFact, opened_at: datetime) -> StepShown:
    step = StepShown(at=told.at, after=told.at - opened_at, what=told.type, text=told.text, reason=told.reason)
    if isinstance(told, EscalationDue):
        rung = {"rung": told.rung, "rung_name": told.rung_name}
        return step.model_copy(update={"purpose": "page", "refs": told.roles, "slot": told.slot, **rung})
    if isinstance(told, CommunicationDue):
        names = ("purpose", "obligation", "slot", "due_at", "next_by")
        return step.model_copy(update={"refs": told.audience, **{name: getattr(told, name) for name in names}})
    return step
