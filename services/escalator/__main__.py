"""Escalator: incidents, the ladder and the promises. The composition root."""

from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.config import ConfigWatcher
from libs.common.service import Service, assemble, make_platform, run
from services.escalator.api import ROUTERS
from services.escalator.consumer import subscription
from services.escalator.handlers.config import FILES, FORM, take_config
from services.escalator.settings import EscalatorSettings
from services.escalator.store.tables import Base
from services.escalator.timers import timer_handlers


async def build(settings: EscalatorSettings, *, clock: Clock | None = None, chance: Chance | None = None) -> Service:
    """The service, not yet started. Raises :class:`~libs.common.errors.Misconfigured`."""
    platform = await make_platform("escalator", settings, clock=clock, chance=chance)
    return assemble(
        platform,
        settings,
        title="Tocsin escalator",
        description="Incidents from the first alarm to the root cause analysis: who is paged when, and what is promised to whom.",
        metadata=[Base.metadata],
        routers=ROUTERS,
        subscriptions=[subscription(platform.metrics, settings.statuspage_url)],
        timers=timer_handlers(platform.metrics),
        config=ConfigWatcher(settings.config_dir, FILES, take_config, platform.uow, platform.clock),
        form=FORM,
    )


def main() -> None:
    """Run the escalator, or only migrate it."""
    run(build, EscalatorSettings)


if __name__ == "__main__":
    main()
