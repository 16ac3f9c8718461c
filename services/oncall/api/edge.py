"""What the routes share: transactions, instants in queries, and who may see what."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request

from libs.common.auth import Principal
from libs.common.clock import Clock
from libs.common.db.work import UnitOfWork
from libs.common.errors import FieldProblem, Forbidden, Invalid
from libs.common.metrics import Metrics

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""Between these, questions about shifts are answered."""

_LOST_PLUS: Final = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}$)")
"""A plus that was sent bare in a query, where it means a space."""


async def _uow(request: Request) -> UnitOfWork:
    uow: UnitOfWork = request.app.state.uow
    return uow


async def _now(request: Request) -> datetime:
    clock: Clock = request.app.state.clock
    return clock.now()


def _measures(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.platform.metrics
    return metrics


Work = Annotated[UnitOfWork, Depends(_uow)]
"""Begins transactions."""

Now = Annotated[datetime, Depends(_now)]
"""The service's own clock."""

Measures = Annotated[Metrics, Depends(_measures)]
"""The service's metrics."""

ScheduleId = Annotated[str, Path(max_length=63, examples=["default"])]
"""The id of a rota."""

InstantText = Annotated[str | None, Query(examples=["2026-03-02T09:15:00Z"], max_length=40)]
"""An instant in a query, in the form of RFC 3339."""


def instant(text: str | None, name: str, default: datetime) -> datetime:
    """The instant that a query parameter says. Raises :class:`Invalid`, whose sentence says what to change."""
    if text is None:
        return default
    plain = text.replace("T", " ", 1)
    try:
        found = datetime.fromisoformat(_LOST_PLUS.sub("+", plain) if plain.count(" ") > 1 else plain)
    except ValueError:
        raise _invalid(name, f"{text!r} is no instant; write it as 2026-03-02T09:15:00Z") from None
    if found.tzinfo is None:
        raise _invalid(name, f"{text!r} does not say in which zone it is; add an offset, such as Z or +01:00")
    return within(found, name)


def within(found: datetime, name: str) -> datetime:
    """``found`` in UTC, where shifts are known. Raises :class:`Invalid`."""
    if not EARLIEST.timestamp() <= found.timestamp() < LATEST.timestamp():
        raise _invalid(
            name, f"{found.isoformat()} is out of range; it must lie between {EARLIEST.year} and {LATEST.year}"
        )
    return found.astimezone(UTC)


def _invalid(name: str, detail: str) -> Invalid:
    return Invalid(detail, problems=(FieldProblem(f"#query/{name}", detail),))


def sees_contacts(principal: Principal) -> bool:
    """Whether ``principal`` may see telephone numbers and addresses of the house: whoever acts on incidents of every tenant."""
    return principal.may("operator") and principal.tenants is None


def sees_tenant(principal: Principal, tenant_id: str) -> bool:
    """Whether ``principal`` may know of this tenant."""
    return principal.tenants is None or tenant_id in principal.tenants


def refuse_bound(principal: Principal) -> None:
    """Raise :class:`Forbidden` for who is bound to tenants: what concerns the house is not theirs."""
    if principal.tenants is not None:
        raise Forbidden(
            f"{principal.name} is bound to the tenants {', '.join(principal.tenants)}; this concerns the house."
        )
