"""The ladder: which rung is next, when, and why.

The rungs stand in the incident itself. One of them is ``due`` while the ladder runs; a rung that fired is ``done``; acknowledging, resolving or a
false positive makes the rest ``cancelled``. After the last rung the ladder may start over (``repeat`` of ladders.yaml).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from libs.common.events.incidents import Incident, Rung, RungReason
from services.escalator.domain.policies import Ladder, Plan, Repeat
from services.escalator.domain.windows import held_until

ExhaustedReason = Literal["nobody_found", "unreachable"]
StillReason = Literal["not_open", "not_this_timer", "older_firing", "last_rung", "just_escalated", "fired_already"]

DOUBLE_CLICK = timedelta(seconds=10)
"""A second "escalate now" within this time is taken for a repeat of the first."""


@dataclass(frozen=True)
class Fire:
    """A rung is to fire now, and why."""

    number: int
    reason: RungReason
    slot: str
    """Tells this firing from every other of the incident."""
    late_by: timedelta | None = None


@dataclass(frozen=True)
class GiveUp:
    """The last rung of the last round stayed unanswered."""

    rounds: int
    reason: Literal["ladder_exhausted"] = "ladder_exhausted"


@dataclass(frozen=True)
class Still:
    """Nothing fires, and why."""

    reason: StillReason


Step = Fire | GiveUp | Still


def rungs_of(ladder: Ladder) -> tuple[Rung, ...]:
    """The rungs of a new incident, none fired."""
    return tuple(
        Rung(number=number, name=rung.name, roles=rung.roles, after=rung.after)
        for number, rung in enumerate(ladder.rungs, start=1)
    )


def at_opening(incident: Incident) -> Fire:
    """The first rung, at once."""
    return Fire(1, "opened", _next_slot(incident.rungs[0]))


def at_timer(incident: Incident, plan: Plan, due_at: datetime, now: datetime) -> Step:
    """The timer of ``due_at`` rang. One that the incident no longer waits for (a fact came between) does nothing."""
    if incident.state != "open":
        return Still("not_open")
    if next_at(incident, plan) != due_at:
        return Still("not_this_timer")
    rung = _due(incident.rungs)
    if rung is None:
        return GiveUp(rounds=incident.rungs[0].times)
    reason: RungReason = "unacknowledged" if rung.number == incident.rung + 1 else "repeated"
    return Fire(rung.number, reason, _next_slot(rung), late_by(due_at, now, plan.clocks.grace))


def at_exhausted(incident: Incident, slot: str, reason: ExhaustedReason) -> Step:
    """Nobody of the firing ``slot`` could be told: the next rung does not wait, also not for a window's end."""
    if incident.state != "open":
        return Still("not_open")
    if slot != last_slot(incident):
        return Still("older_firing")
    if incident.rung >= len(incident.rungs):
        return Still("last_rung")
    return Fire(incident.rung + 1, reason, _next_slot(incident.rungs[incident.rung]))


def by_hand(incident: Incident, wanted: int | None, now: datetime) -> Step:
    """A person wants the next rung now; on top of the ladder its last rung again.

    ``wanted`` is the rung that the person saw as the next: where it has fired meanwhile, nothing happens.
    """
    if wanted is not None and wanted <= incident.rung:
        return Still("fired_already")
    last = incident.rungs[incident.rung - 1] if incident.rung else None
    if last and last.reason == "escalated_by_hand" and last.fired_at and now - last.fired_at < DOUBLE_CLICK:
        return Still("just_escalated")
    number = min(incident.rung + 1, len(incident.rungs))
    return Fire(number, "escalated_by_hand", _next_slot(incident.rungs[number - 1]))


def fired(incident: Incident, plan: Plan, step: Fire, now: datetime) -> Incident:
    """The incident after this firing, the next rung's time counted from ``now``."""
    rungs = [_rest(rung, anew=step.reason == "repeated") for rung in incident.rungs]
    place = step.number - 1
    rungs[place] = rungs[place].model_copy(
        update={
            "state": "done",
            "due_at": None,
            "fired_at": now,
            "reason": step.reason,
            "times": rungs[place].times + 1,
        }
    )
    if incident.state == "open":
        _plan_next(rungs, step.number, plan.repeat, max(now, held_until(incident)))
    return incident.model_copy(update={"rungs": tuple(rungs), "rung": step.number})


def retimed(before: Incident, after: Incident, plan: Plan, now: datetime) -> Incident:
    """The incident once its window moved: a rung that is held waits for the new time; a ladder that runs goes on."""
    old, new, rung = held_until(before), held_until(after), _due(after.rungs)
    if rung is None or old == new or max(old, new) <= now:
        return after
    again = rung.number <= after.rung and plan.repeat is not None
    wait = plan.repeat.after if again and plan.repeat else rung.after
    moved = rung.model_copy(update={"due_at": max(new, now) + wait})
    return after.model_copy(update={"rungs": tuple(moved if each is rung else each for each in after.rungs)})


def stopped(incident: Incident) -> Incident:
    """The incident with every rung cancelled that did not fire."""
    rungs = tuple(
        rung.model_copy(
            update={"state": "done" if rung.fired_at and rung.state == "due" else "cancelled", "due_at": None}
        )
        if rung.state in {"pending", "due"}
        else rung
        for rung in incident.rungs
    )
    return incident.model_copy(update={"rungs": rungs})


def next_at(incident: Incident, plan: Plan) -> datetime | None:
    """When the ladder moves by itself: the time of the rung that is due, or when the last round is given up."""
    if incident.state != "open":
        return None
    rung = _due(incident.rungs)
    if rung is not None:
        return rung.due_at
    last = incident.rungs[incident.rung - 1] if incident.rung else None
    if last is None or last.fired_at is None or last.number < len(incident.rungs):
        return None
    return max(last.fired_at, held_until(incident)) + _patience(last, plan.repeat)


def last_slot(incident: Incident) -> str:
    """The slot of the rung that fired last; empty before the first."""
    if not incident.rung:
        return ""
    rung = incident.rungs[incident.rung - 1]
    return _slot(rung.number, rung.times)


def late_by(due_at: datetime, now: datetime, grace: timedelta) -> timedelta | None:
    """How late ``now`` is, or ``None`` within ``grace``."""
    return now - due_at if now - due_at > grace else None


def _plan_next(rungs: list[Rung], fired_number: int, repeat: Repeat | None, start: datetime) -> None:
    if fired_number < len(rungs):
        following = rungs[fired_number]
        rungs[fired_number] = following.model_copy(update={"state": "due", "due_at": start + following.after})
    elif repeat is not None and rungs[0].times <= repeat.times:
        rungs[0] = rungs[0].model_copy(update={"state": "due", "due_at": start + repeat.after})


def _patience(last: Rung, repeat: Repeat | None) -> timedelta:
    """How long the last rung of the last round is waited for."""
    return repeat.after if repeat is not None else last.after


def _rest(rung: Rung, *, anew: bool) -> Rung:
    """A rung before the next firing: none is due; in a new round each is pending again."""
    if anew:
        return rung.model_copy(update={"state": "pending", "due_at": None, "fired_at": None, "reason": None})
    if rung.state != "due":
        return rung
    return rung.model_copy(update={"state": "done" if rung.fired_at else "pending", "due_at": None})


def _due(rungs: Sequence[Rung]) -> Rung | None:
    return next((rung for rung in rungs if rung.state == "due"), None)


def _next_slot(rung: Rung) -> str:
    return _slot(rung.number, rung.times + 1)


def _slot(number: int, times: int) -> str:
    return f"rung-{number}" if times <= 1 else f"rung-{number}.{times}"
