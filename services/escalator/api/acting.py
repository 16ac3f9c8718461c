"""What operators do to incidents. Each answers with the incident as it is then; a repeat changes nothing and is no error."""

from typing import Any

from fastapi import APIRouter, Response

from libs.common.auth import Operator, Principal
from libs.common.events.incidents import Incident
from services.escalator.api.edge import Counts, Reference, Work, acting_on, own_tenants, shown
from services.escalator.api.schemas import Escalation, Judgement, NewIncident, NewUpdate, Rca, Remark
from services.escalator.domain.incident import Report
from services.escalator.handlers import actions, reporting
from services.escalator.handlers.case import Desk

router = APIRouter(prefix="/v1", tags=["incidents"])

REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such incident."},
    409: {"description": "Its state does not allow it."},
}
NOTHING = Remark()


@router.post(
    "/incidents",
    status_code=201,
    summary="Open an incident",
    responses={200: {"model": Incident, "description": "One of this `dedup_key` is open already: this is it."}},
)
async def open_incident(
    wanted: NewIncident, principal: Operator, work: Work, counts: Counts, response: Response
) -> Incident:
    """Open an incident by hand: whoever the routing rules name for its kind is paged at once."""
    report = _report(wanted, principal)
    actor = principal.actor()
    async with work.begin() as tx:
        opened = await reporting.report(Desk(tx, counts), report, wanted.category, actor, wanted.dedup_key)
    if not opened.new:
        response.status_code = 200
    return shown(opened.incident, principal)


@router.post("/incidents/{reference}/acknowledge", summary="Take an incident", responses=REFUSALS)
async def acknowledge(
    reference: Reference, principal: Operator, work: Work, counts: Counts, remark: Remark = NOTHING
) -> Incident:
    """Say that you are on it: the escalation stops, for everyone. 409 where somebody else has it."""
    async with acting_on(reference, principal, work, counts) as case:
        await actions.acknowledge(case, principal.actor(), remark.note)
    return shown(case.incident, principal)


@router.post("/incidents/{reference}/resolve", summary="End an incident", responses=REFUSALS)
async def resolve(
    reference: Reference, principal: Operator, work: Work, counts: Counts, remark: Remark = NOTHING
) -> Incident:
    """Say that it is over: nothing further fires, everyone who was reached gets the closing word, the RCA is owed."""
    async with acting_on(reference, principal, work, counts) as case:
        await actions.resolve(case, principal.actor(), remark.note)
    return shown(case.incident, principal)


@router.post(
    "/incidents/{reference}/verdict", summary="Confirm an incident, or call it a false positive", responses=REFUSALS
)
async def judge(
    reference: Reference, judgement: Judgement, principal: Operator, work: Work, counts: Counts
) -> Incident:
    """A false positive ends the incident; everyone who was reached gets the closing word, and no RCA is owed."""
    async with acting_on(reference, principal, work, counts) as case:
        await actions.judge(case, principal.actor(), judgement.verdict, judgement.note)
    return shown(case.incident, principal)


@router.post("/incidents/{reference}/updates", summary="Write an update", responses=REFUSALS)
async def post_update(
    reference: Reference, update: NewUpdate, principal: Operator, work: Work, counts: Counts
) -> Incident:
    """Keep the promises to these audiences: tenants and clients get the words at once, and the next one is due later."""
    async with acting_on(reference, principal, work, counts) as case:
        await actions.post_update(case, principal.actor(), update.text, update.audiences)
    return shown(case.incident, principal)


@router.post("/incidents/{reference}/escalate", summary="Page the next rung now", responses=REFUSALS)
async def escalate(
    reference: Reference, principal: Operator, work: Work, counts: Counts, escalation: Escalation | None = None
) -> Incident:
    """Do not wait for the delay. On top of the ladder, its last rung is paged again. This cannot be undone."""
    async with acting_on(reference, principal, work, counts) as case:
        await actions.escalate(case, principal.actor(), escalation.rung if escalation else None)
    return shown(case.incident, principal)


@router.post("/incidents/{reference}/rca", summary="Issue the root cause analysis", responses=REFUSALS)
async def issue_rca(reference: Reference, rca: Rca, principal: Operator, work: Work, counts: Counts) -> Incident:
    """Say where it is: the daily status ends, and those to whom it was promised get the address."""
    async with acting_on(reference, principal, work, counts) as case:
        await actions.issue_rca(case, principal.actor(), str(rca.url), rca.note)
    return shown(case.incident, principal)


def _report(wanted: NewIncident, principal: Principal) -> Report:
    """What was said, for the tenants that the principal may act for. Raises :class:`Forbidden`."""
    tenants = own_tenants(wanted.tenants, principal)
    fields = wanted.model_dump(include=set(Report.__dataclass_fields__) - {"window", "links", "ticket"})
    return Report(**{**fields, "tenants": tenants, "window": wanted.window, "links": wanted.links, "source": "api"})
