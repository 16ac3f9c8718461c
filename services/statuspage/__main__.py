"""The composition root of the statuspage."""

from datetime import timedelta
from typing import Final

import httpx

from libs.common.chance import Chance
from libs.common.clock import Clock, ScaledClock
from libs.common.lifecycle import Component
from libs.common.problems import on_tocsin_error
from libs.common.service import Service, assemble, make_platform, run
from services.statuspage.api import (
    actions,
    changing,
    console,
    foresight,
    kept,
    live,
    me,
    on_call,
    opening,
    people,
    proof,
    public,
    replaying,
    session,
    simulation,
    sources,
    through,
    triggers,
)
from services.statuspage.api.context import POLICY, Context
from services.statuspage.api.errors import shown_as_page
from services.statuspage.consumer import subscription
from services.statuspage.pages.assets import load_assets
from services.statuspage.pages.views import Views
from services.statuspage.peers import Addresses, Peers
from services.statuspage.settings import StatuspageSettings
from services.statuspage.store.tables import Base
from services.statuspage.timers import timer_handlers

LONGEST_SESSION: Final = timedelta(days=365 * 100)
"""A session's end must be a time that a calendar knows."""


class _Client:
    """The HTTP client towards the other services, closed at the end."""

    name = "peers"

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def start(self) -> None:
        """Connects when it is first used."""

    async def stop(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def session_length(hours: float, clock: Clock) -> timedelta:
    """How long a sign-in lasts by ``clock``: as many of the machine's hours, however fast it runs."""
    speed = clock.speed if isinstance(clock, ScaledClock) else 1.0
    return min(timedelta(hours=hours * speed), LONGEST_SESSION)


async def build(
    settings: StatuspageSettings,
    *,
    clock: Clock | None = None,
    chance: Chance | None = None,
    client: httpx.AsyncClient | None = None,
) -> Service:
    """The service. ``client`` is how it reaches the others, where stories run them all in one process."""
    platform = await make_platform("statuspage", settings, clock=clock, chance=chance)
    assets = load_assets()
    watching = live.Live(platform.uow, platform.wakeups)
    client = client or httpx.AsyncClient(trust_env=False)
    context = Context(
        settings=settings,
        uow=platform.uow,
        clock=platform.clock,
        chance=platform.chance,
        keyring=platform.keyring,
        views=Views(assets, settings.title),
        assets=assets,
        live=watching,
        peers=Peers(
            client,
            Addresses(settings.intake_url, settings.escalator_url, settings.oncall_url, settings.notifier_url),
        ),
        session=session_length(settings.session_hours, platform.clock),
    )
    public_routers = [public.api, through.router, foresight.router, public.router, live.router]
    console_routers = [
        session.router,
        kept.router,
        triggers.router,
        replaying.router,
        on_call.router,
        changing.router,
        proof.router,
        people.router,
        me.router,
        sources.router,
        opening.router,
        simulation.router,
        console.router,
        actions.router,
    ]
    components: list[Component] = [_Client(client), watching]
    service = assemble(
        platform,
        settings,
        title="Tocsin statuspage",
        metadata=[Base.metadata],
        routers=[*public_routers, *console_routers],
        subscriptions=[subscription()],
        timers=timer_handlers(),
        components=components,
        state={"context": context, "live": watching},
        content_security_policy=POLICY,
    )
    shown_as_page(service.app, on_tocsin_error)
    return service


def main() -> None:
    """``python -m services.statuspage``."""
    run(build, StatuspageSettings)


if __name__ == "__main__":
    main()
