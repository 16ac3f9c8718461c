"""Heartbeats: something that must be heard of every so often, and an alert where it is not.

==============  ========================================================================================
heartbeat       what its silence means
==============  ========================================================================================
waiting         never heard of, and its time does not run yet (made by its sender, with the first ping to come)
beating         it came in time; the next is expected by the last one + ``every`` + ``grace``
missing         its time ran out: a trigger fires; the next ping, however late, resolves it
disabled        nobody waits; what its silence opened before is withdrawn, as where it is deleted
==============  ========================================================================================

Who did not listen cannot say that nothing came: where Tocsin itself was away when a time ran out, senders get one more time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["waiting", "beating", "missing", "disabled"]

AWAY: Final = timedelta(seconds=30)
"""A judgement that comes so late means that Tocsin was away: pings may have found a closed door."""

PATIENCE: Final = timedelta(minutes=1)
"""The least time that senders get after such an absence."""


@dataclass(frozen=True, slots=True)
class Said:
    """What its sender says of a heartbeat and of its alert; what is empty the integration says."""

    message: str = ""
    """The title of the alert."""
    description: str = ""
    priority: str = ""
    """A word for the severity, the sender's own."""
    tags: tuple[str, ...] = ()
    unit: str = ""
    """In which its sender counts ``every``: minutes, hours or days."""


NOTHING_SAID: Final = Said()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One heartbeat as it stands. ``since`` is when its time began to run; ``None`` until the first ping of one that waits for it."""

    integration_id: str
    name: str
    title: str
    every: timedelta
    grace: timedelta
    enabled: bool
    since: datetime | None
    last_at: datetime | None
    missing_since: datetime | None
    said: Said = NOTHING_SAID

    @property
    def state(self) -> State:
        """What it is now, by the last judgement."""
        if not self.enabled:
            return "disabled"
        if self.missing_since is not None:
            return "missing"
        return "waiting" if self.expected_by is None else "beating"

    @property
    def expected_by(self) -> datetime | None:
        """When the next ping must have come; ``None`` while nobody waits for one."""
        from_when = max((at for at in (self.since, self.last_at) if at is not None), default=None)
        if not self.enabled or from_when is None:
            return None
        return from_when + self.every + self.grace

    @property
    def next_look(self) -> datetime | None:
        """When it must be judged; ``None`` where its silence is told already, and no new wait has begun since."""
        deadline = self.expected_by
        if deadline is None or (self.missing_since is not None and deadline <= self.missing_since):
            return None
        return deadline


@dataclass(frozen=True, slots=True)
class Wanted:
    """A heartbeat as somebody asks for it. ``at_once``: its time runs from now on, and not only from the first ping."""

    name: str
    title: str
    every: timedelta
    grace: timedelta
    enabled: bool = True
    at_once: bool = False
    said: Said = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a deadline means: a trigger, another deadline, or nothing, with the reason."""

    reason: Literal["missed", "in_time", "tocsin_was_away", "not_expected", "missing_already"]
    look_again_at: datetime | None = None

    @property
    def missed(self) -> bool:
        """Whether a trigger is to fire."""
        return self.reason == "missed"


def judge(heartbeat: Heartbeat, now: datetime, planned: datetime, *, patient: bool) -> Judgement:
    """What the deadline that was planned for ``planned`` means at ``now``. ``patient``: one more time was given already."""
    if heartbeat.expected_by is None:
        return Judgement("not_expected")
    deadline = heartbeat.next_look
    if deadline is None:
        return Judgement("missing_already")
    if now < deadline:
        return Judgement("in_time", deadline)
    if now - planned > AWAY and not patient:
        return Judgement("tocsin_was_away", now + max(PATIENCE, min(heartbeat.every, heartbeat.grace + PATIENCE)))
    return Judgement("missed")
