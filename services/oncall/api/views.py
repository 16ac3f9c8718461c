"""How shifts and changes are shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.oncall.domain.directory import Directory
from services.oncall.domain.shift import Origin, Role, Shift
from services.oncall.handlers.amendments import Effect
from services.oncall.store.amendments import Stored


class PersonName(BaseModel):
    """Somebody, by id and name."""

    id: str
    name: str


class ShiftView(BaseModel):
    """A shift: from ``since`` until, exclusively, ``until``."""

    person: PersonName | None
    """Nobody, where the turn is known to be vacant."""
    since: datetime
    until: datetime


class PlannedShift(ShiftView):
    """A shift of a schedule, with its role, its layer and why this person has it."""

    role: Role
    layer: str
    """The layer's id; ``turns``, ``override`` or ``span`` where it comes from these."""
    origin: Origin
    instead_of: PersonName | None
    """Whose place they take."""
    cause: str | None
    """The id of the override, swap or span."""


class ScheduledShift(PlannedShift):
    """A shift, and the schedule that it is of."""

    schedule: str


class Change(BaseModel):
    """A change that was made, and what it did to the schedules."""

    id: UUID
    made_at: datetime
    made_by: str
    change: dict[str, Any]
    """As it was asked for, without what lay in the past."""
    version: str
    """Another one once it was changed: whoever changes it says which they saw."""


class MadeChange(Change):
    """A change, and the shifts that it took away and brought."""

    before: list[ScheduledShift]
    after: list[ScheduledShift]


class Changes(BaseModel):
    """Changes, in the order in which they were made."""

    changes: list[Change]


def person(directory: Directory, person_id: str) -> PersonName:
    """Somebody, by id and name."""
    return PersonName(id=person_id, name=directory.name_of_person(person_id))


def plain(directory: Directory, shift: Shift) -> ShiftView:
    """A shift in short."""
    return ShiftView(person=_maybe(directory, shift.person), since=shift.starts_at, until=shift.ends_at)


def planned(directory: Directory, shift: Shift) -> PlannedShift:
    """A shift in full."""
    return PlannedShift(**_full(directory, shift))


def made(directory: Directory, stored: Stored, effect: Effect) -> MadeChange:
    """A change, and what it did."""
    return MadeChange(
        **change(stored).model_dump(),
        before=_scheduled(directory, effect.before),
        after=_scheduled(directory, effect.after),
    )


def change(stored: Stored) -> Change:
    """A change."""
    return Change(
        id=stored.id,
        made_at=stored.made_at,
        made_by=stored.made_by,
        change=stored.change.model_dump(mode="json"),
        version=stored.version,
    )


def _scheduled(directory: Directory, found: Iterable[tuple[str, Shift]]) -> list[ScheduledShift]:
    return [ScheduledShift(schedule=rota, **_full(directory, shift)) for rota, shift in found]


def _full(directory: Directory, shift: Shift) -> dict[str, Any]:
    return {
        "person": _maybe(directory, shift.person),
        "since": shift.starts_at,
        "until": shift.ends_at,
        "role": shift.role,
        "layer": shift.layer,
        "origin": shift.origin,
        "instead_of": _maybe(directory, shift.instead_of),
        "cause": shift.cause or None,
    }


def _maybe(directory: Directory, person_id: str | None) -> PersonName | None:
    return None if person_id is None else person(directory, person_id)
