"""Intake's composition root: ``python -m services.intake``."""

from datetime import timedelta

from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.components import said
from libs.common.config import ConfigWatcher
from libs.common.db.work import UnitOfWork
from libs.common.service import Platform, Service, assemble, make_platform, run
from services.intake.api import ROUTERS
from services.intake.api.drop_in import LIMITED_HERE
from services.intake.api.state import State
from services.intake.consumer import SUBSCRIPTION
from services.intake.fetch import Fetcher
from services.intake.handlers import configure, keep
from services.intake.handlers.guard import Guard
from services.intake.handlers.mail import Postbox
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import Senders
from services.intake.handlers.watch import Watcher
from services.intake.mail.imap import MailboxReader
from services.intake.mail.session import Limits
from services.intake.mail.smtp import SmtpServer
from services.intake.network import WebNetwork
from services.intake.poller import PollLoop
from services.intake.settings import IntakeSettings
from services.intake.store import Base
from services.intake.store.writer import GroupWriter
from services.intake.timers import timer_handlers


class _Pruning:
    """Plans the first pruning once the database is there."""

    name = "pruning"

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def start(self) -> None:
        async with self._uow.begin() as tx:
            await keep.plan(tx)

    async def stop(self) -> None:
        """Nothing to stop: the timer is a row."""


async def build(settings: IntakeSettings, *, clock: Clock | None = None, chance: Chance | None = None) -> Service:
    """The service, not yet started. Raises :class:`~libs.common.errors.Misconfigured`."""
    platform = await make_platform("intake", settings, clock=clock, chance=chance)
    uow = platform.uow
    writer, network = GroupWriter(uow), WebNetwork()
    receiver = Receiver(writer, platform.clock, platform.chance, platform.metrics, uow)
    guard = Guard(platform.environ, settings.rate_limit)
    senders = Senders(uow)
    postbox = Postbox(senders, receiver, guard, platform.clock, platform.metrics)
    smtp = _smtp(platform, settings, postbox)
    hosts = [host.strip() for host in settings.mailbox_hosts.split(",") if host.strip()]
    mailboxes = MailboxReader(postbox, uow, platform.environ, platform.metrics, limit=settings.mail_limit, hosts=hosts)
    fetcher = Fetcher(host.strip() for host in settings.poll_hosts.split(",") if host.strip())
    watcher = Watcher(uow, receiver, fetcher.fetch, platform.metrics)
    return assemble(
        platform,
        settings,
        title="Tocsin intake",
        description="Takes triggers in, from every tool in its own format.",
        metadata=[Base.metadata],
        routers=ROUTERS,
        subscriptions=[SUBSCRIPTION],
        timers=timer_handlers(timedelta(days=settings.keep_days), receiver),
        config=ConfigWatcher(settings.config_dir, [configure.FILE], configure.taking(receiver), uow, platform.clock),
        form=configure.FORM,
        components=[network, fetcher, _Pruning(uow), writer, *smtp, mailboxes, PollLoop(uow, watcher)],
        notes={mailboxes.name: mailboxes.note},
        checks={server.name: said(server.problem) for server in smtp},
        state={"intake": State(uow, senders, receiver, settings.url, network, guard, postbox, watcher)},
        body_limit=settings.body_limit,
        body_limits={"/v1/mail/": 2 * settings.mail_limit, **LIMITED_HERE},
    )


def _smtp(platform: Platform, settings: IntakeSettings, postbox: Postbox) -> list[SmtpServer]:
    """The mail server, where there is to be one."""
    if settings.smtp_port is None:
        return []
    server = SmtpServer(
        postbox,
        platform.clock,
        platform.metrics,
        Limits(size=settings.mail_limit),
        host=settings.host,
        port=settings.smtp_port,
        public_url=settings.url,
        certificate=settings.smtp_certificate,
        key=settings.smtp_key,
        require_tls=settings.smtp_require_tls,
    )
    return [server]


def main() -> None:
    """Run intake as a process of its own."""
    run(build, IntakeSettings)


if __name__ == "__main__":
    main()
