"""Which of the doubts ahead are told to whom, and when: early enough to put right, once, and once more when it is near.

=====================================  ==============================================================================
a doubt that                           is told
=====================================  ==============================================================================
begins within :data:`NEAR`             at once (``begins_soon``), also where it was told long before
was there at the look before already   now (``still_there``): who is in the middle of a change is left in peace
is seen for the first time             not yet; at the next look, if it is still there
was told already                       no more, until it is near
is of :data:`PATIENT`                  at the second look, and never for being near: whoever is new has time for it
is gone                                no more; should it come back it is seen for the first time
=====================================  ==============================================================================
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from libs.common.events.base import RoleRef
from services.oncall.domain.directory import Directory
from services.oncall.domain.finding import Doubt, Finding

NEAR: Final = timedelta(hours=24)
"""So long before a doubt begins its owner hears of it in any case."""

PATIENT: Final[frozenset[Doubt]] = frozenset({"unverified_contact"})
"""What may well turn out right all the same."""

DEFAULT_OWNER: Final[RoleRef] = "role:devops"
"""Who is warned of what names no owner of its own."""

WarnReason = Literal["still_there", "begins_soon"]


@dataclass(frozen=True)
class Known:
    """A doubt that an earlier look saw. ``id`` of ``None`` is one that this look saw first."""

    id: UUID | None
    finding: Finding
    told_at: datetime | None = None
    urged_at: datetime | None = None
    """When it was told for being near."""


@dataclass(frozen=True)
class Warned:
    """A doubt that is told now, and why now."""

    finding: Finding
    reason: WarnReason


@dataclass(frozen=True)
class Outlook:
    """What a look decided: what is told, what is known from now on, and which of the known are gone."""

    warned: tuple[Warned, ...]
    known: tuple[Known, ...]
    gone: tuple[UUID, ...]


def outlook(found: Sequence[Finding], known: Iterable[Known], now: datetime) -> Outlook:
    """Hold what a look found against what earlier ones saw."""
    left = list(known)
    warned: list[Warned] = []
    kept: list[Known] = []
    for finding in found:
        before = next((one for one in left if _same(one.finding, finding)), None)
        if before is not None:
            left.remove(before)
        reason = _reason(finding, before, now)
        one = replace(before, finding=finding) if before else Known(None, finding)
        if reason is not None:
            warned.append(Warned(finding, reason))
            near = reason == "begins_soon"
            one = replace(one, told_at=one.told_at or now, urged_at=now if near else one.urged_at)
        kept.append(one)
    return Outlook(tuple(warned), tuple(kept), tuple(one.id for one in left if one.id is not None))


def owner_of(directory: Directory, finding: Finding) -> RoleRef:
    """Who is to put it right: the owner that the rota, role, team, service, tool or tenant names, else :data:`DEFAULT_OWNER`."""
    kind, _, entity = finding.subject.partition(":")
    kind, entity = ("rota", "default") if kind == "on-shift" else (kind, entity)
    shelves: Mapping[str, Mapping[str, object]] = {
        "rota": directory.rotas,
        "role": directory.roles,
        "team": directory.teams,
        "service": directory.services,
        "tool": directory.tools,
        "tenant": directory.tenants,
    }
    owner: RoleRef | None = getattr(shelves.get(kind, {}).get(entity), "owner", None)
    return owner or DEFAULT_OWNER


def _reason(finding: Finding, before: Known | None, now: datetime) -> WarnReason | None:
    if finding.starts_at - now <= NEAR and finding.doubt not in PATIENT:
        return "begins_soon" if before is None or before.urged_at is None else None
    return "still_there" if before is not None and before.told_at is None else None


def _same(one: Finding, other: Finding) -> bool:
    """Whether two looks saw the same doubt: what lasts begins with each look anew, so that its times alone do not tell."""
    about = (one.doubt, one.subject, one.person) == (other.doubt, other.subject, other.person)
    return about and one.starts_at <= other.ends_at and other.starts_at <= one.ends_at
