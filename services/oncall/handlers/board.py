"""Who is on call, from a calculation that is kept until anything changes.

Every question first learns which change was the newest, by a reading that began after it was asked: an answer is never from before a
change that was committed, in whatever process it was made. Questions that come while such a reading is under way share the next one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from libs.common.db.work import UnitOfWork
from services.oncall.domain.directory import Directory
from services.oncall.domain.schedule import OnCall
from services.oncall.domain.timeline import Timeline
from services.oncall.handlers.amendments import rota_of
from services.oncall.store import audit
from services.oncall.store.amendments import directory_during

STRETCH: Final = timedelta(days=14)
"""How much of a schedule is laid out at a time."""
KEPT: Final = 256
"""How many stretches are kept."""

Render = Callable[[Directory, OnCall], bytes]


@dataclass(frozen=True)
class Stretch:
    """A stretch that was laid out, the directory of that moment, and what was rendered of it."""

    directory: Directory
    timeline: Timeline
    rendered: dict[int, bytes] = field(default_factory=dict)

    def answer(self, at: datetime, render: Render) -> bytes:
        """Who is on call at ``at``, rendered once for all instants between two edges."""
        place = self.timeline.place(at)
        found = self.rendered.get(place)
        if found is None:
            found = self.rendered[place] = render(self.directory, self.timeline.on_call(at))
        return found


class Board:
    """The stretches that were laid out since the newest change."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._revision = -1
        self._kept: OrderedDict[tuple[str, datetime], Stretch] = OrderedDict()
        self._reading: asyncio.Task[int] | None = None
        self._following: asyncio.Task[int] | None = None

    async def stretch(self, rota_id: str, at: datetime) -> Stretch:
        """The stretch that ``at`` lies in, as of now. Raises :class:`NotFound`."""
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        place = (rota_id, midnight - timedelta(days=midnight.toordinal() % STRETCH.days))
        revision = await self._read_revision()
        if revision == self._revision and (found := self._kept.get(place)):
            self._kept.move_to_end(place)
            return found
        return await self._laid_out(*place)

    async def _laid_out(self, rota_id: str, start: datetime) -> Stretch:
        async with self._uow.read() as session:
            revision = await audit.revision(session)
            directory = await directory_during(session, start, start + STRETCH)
            unchanged = revision == await audit.revision(session)
        rota = rota_of(directory, rota_id)
        found = Stretch(directory, Timeline.of(rota, start, start + STRETCH, directory.amendments_of(rota_id)))
        if unchanged:  # else this is newer than ``revision`` says, and good for this one answer alone
            if revision != self._revision:
                self._kept.clear()
                self._revision = revision
            self._kept[rota_id, start] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    async def _read_revision(self) -> int:
        """The newest change, by a reading that begins after this call. Those who ask meanwhile share the next one."""
        if self._following is None:
            self._following = asyncio.create_task(self._read_after(self._reading))
        return await asyncio.shield(self._following)

    async def _read_after(self, before: "asyncio.Task[int] | None") -> int:
        if before is not None:
            await asyncio.wait([before])
        self._reading, self._following = self._following, None
        return await self._uow.database.value(audit.REVISION)
