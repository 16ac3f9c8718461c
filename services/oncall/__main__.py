"""Oncall: who is responsible at this moment. The composition root."""

from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.config import ConfigWatcher
from libs.common.db.work import UnitOfWork
from libs.common.service import Service, assemble, make_platform, run
from services.oncall.api import ROUTERS, SHORTCUTS
from services.oncall.calendars import CalendarReader, Fetcher
from services.oncall.consumer import subscription
from services.oncall.handlers import outlook
from services.oncall.handlers.board import Board
from services.oncall.handlers.configuration import FILES, FORM, apply
from services.oncall.handlers.directory import announce
from services.oncall.handlers.paging import Paging
from services.oncall.prover import Prover
from services.oncall.settings import OncallSettings
from services.oncall.store.tables import Base
from services.oncall.timers import timer_handlers


class Announcer:
    """Tells the other services at the start what they were not told yet, after an upgrade that says more, say; plans the looks ahead."""

    name = "directory"

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def start(self) -> None:
        """Announce what is news; where nothing changed this is nothing."""
        async with self._uow.begin() as tx:
            await announce(tx)
            await outlook.plan(tx)

    async def stop(self) -> None:
        """Nothing runs on."""


async def build(settings: OncallSettings, *, clock: Clock | None = None, chance: Chance | None = None) -> Service:
    """The service, ready to start."""
    platform = await make_platform("oncall", settings, clock=clock, chance=chance)
    paging = Paging(settings.statuspage_url, platform.metrics)
    fetcher = Fetcher(private=settings.private_calendars)
    service = assemble(
        platform,
        settings,
        title="Tocsin oncall",
        metadata=[Base.metadata],
        routers=ROUTERS,
        shortcuts=SHORTCUTS,
        subscriptions=[subscription(paging)],
        timers=timer_handlers(settings.statuspage_url),
        config=ConfigWatcher(settings.config_dir, list(FILES.values()), apply, platform.uow, platform.clock),
        form=FORM,
        components=[
            Announcer(platform.uow),
            CalendarReader(platform.uow, fetcher),
            Prover(platform.uow, platform.clock, platform.metrics),
        ],
        description="People, teams, rotas and who of them is responsible at this moment.",
    )
    service.app.state.board = Board(platform.uow)
    service.app.state.calendars = fetcher
    service.app.state.public_url = settings.public_url
    service.app.state.status_page = settings.statuspage_url
    return service


def main() -> None:
    """Run oncall, or only migrate it."""
    run(build, OncallSettings)


if __name__ == "__main__":
    main()
