"""Who is on call, from a calculation that is kept until anything changes.

Every question first reads which change was the newest, in its own transaction: an answer is never from before a change that was
committed, in whatever process it was made.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.db.session import ReadSession
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


class Board:
    """The stretches that were laid out since the newest change."""

    def __init__(self) -> None:
        self._newest: UUID | None = None
        self._kept: OrderedDict[tuple[str, datetime], tuple[Directory, Timeline]] = OrderedDict()

    async def on_call(self, session: ReadSession, rota_id: str, at: datetime) -> tuple[Directory, OnCall]:
        """Who is on call at ``at``, and the directory in which their names are. Raises :class:`NotFound`."""
        newest = await audit.newest(session)
        if newest != self._newest:
            self._kept.clear()
            self._newest = newest
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        place = (rota_id, midnight - timedelta(days=midnight.toordinal() % STRETCH.days))
        found = self._kept.get(place) or await self._laid_out(session, *place)
        if newest == self._newest:
            self._kept[place] = found
            self._kept.move_to_end(place)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        directory, timeline = found
        return directory, timeline.on_call(at)

    @staticmethod
    async def _laid_out(session: ReadSession, rota_id: str, start: datetime) -> tuple[Directory, Timeline]:
        directory = await directory_during(session, start, start + STRETCH)
        rota = rota_of(directory, rota_id)
        return directory, Timeline.of(rota, start, start + STRETCH, directory.amendments_of(rota_id))
