"""What the routes share: transactions, the incident that a path names, and what a principal may see of it."""

import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Path, Request

from libs.common.auth import Principal
from libs.common.db.work import UnitOfWork
from libs.common.errors import FieldProblem, Forbidden, Invalid, NotFound
from libs.common.events.incidents import Incident
from libs.common.metrics import Metrics
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.store import incidents

Reference = Annotated[str, Path(max_length=64, description="The incident's id, or its number.", examples=["42"])]


async def _uow(request: Request) -> UnitOfWork:
    uow: UnitOfWork = request.app.state.uow
    return uow


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.platform.metrics
    return metrics


Work = Annotated[UnitOfWork, Depends(_uow)]
"""Begins transactions."""

Counts = Annotated[Metrics, Depends(_metrics)]
"""Where handlers count."""


def nowhere(reference: str) -> NotFound:
    """The error where there is no incident that the caller may see: the same for both, so that nothing leaks."""
    return NotFound(f"There is no incident {reference}.")


def shown(incident: Incident, principal: Principal) -> Incident:
    """The incident as ``principal`` may see it: of the tenants concerned only its own."""
    if principal.tenants is None:
        return incident
    own = tuple(tenant for tenant in incident.tenants if tenant in principal.tenants)
    return incident.model_copy(update={"tenants": own})


@asynccontextmanager
async def acting_on(reference: str, principal: Principal, work: UnitOfWork, metrics: Metrics) -> AsyncIterator[Case]:
    """The incident under its lock, committed at the end. Raises :class:`NotFound`, :class:`Forbidden`."""
    async with work.begin() as tx:
        found = await incidents.locate(tx.session, reference, principal.tenants)
        case = await hold(Desk(tx, metrics), found, principal.tenants) if found else None
        if case is None:
            raise nowhere(reference)
        if not _all_own(case.incident, principal):
            raise Forbidden(
                f"Incident {case.incident.number} concerns more tenants than yours; Helpdesk acts on it for all of them."
            )
        yield case


def _all_own(incident: Incident, principal: Principal) -> bool:
    """Whether the incident concerns nobody beside the tenants of ``principal``."""
    if principal.tenants is None:
        return True
    return bool(incident.tenants) and set(incident.tenants) <= set(principal.tenants)


def own_tenants(wanted: tuple[str, ...], principal: Principal) -> tuple[str, ...]:
    """The tenants that are meant, all of the principal's own where none is named. Raises :class:`Forbidden` for others."""
    if principal.tenants is None:
        return wanted
    tenants = wanted or principal.tenants
    foreign = sorted(set(tenants) - set(principal.tenants))
    if foreign or not tenants:
        raise Forbidden(
            f"Your key is for {', '.join(principal.tenants) or 'no tenant'}, not for {', '.join(foreign) or 'all'}."
        )
    return tenants


def cursor_of(value: int) -> str:
    """A place in a list, as an opaque word."""
    return base64.urlsafe_b64encode(str(value).encode()).rstrip(b"=").decode()


def place_of(cursor: str | None) -> int | None:
    """The place that a cursor stands for. Raises :class:`Invalid`."""
    if cursor is None:
        return None
    try:
        value = int(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        value = -1
    if not 0 <= value <= incidents.LARGEST_NUMBER:
        detail = "take it from `next` of the page before, unchanged"
        raise Invalid(f"This is no cursor: {detail}.", problems=[FieldProblem("#query/cursor", detail)])
    return value
