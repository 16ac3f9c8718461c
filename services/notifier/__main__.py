"""The notifier's composition root: ``python -m services.notifier``."""

from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.config import ConfigTree, ConfigWatcher
from libs.common.db.work import Tx
from libs.common.service import Service, assemble, make_platform, run
from services.notifier.api import callbacks, ledger, preview, slack
from services.notifier.channels.book import ChannelBook
from services.notifier.channels.whispers import Whispers
from services.notifier.config import FILE, FORM
from services.notifier.config import build as build_channels
from services.notifier.config_base import Surroundings
from services.notifier.consumer import subscriptions
from services.notifier.domain.wording import Places
from services.notifier.editor import Editor
from services.notifier.handlers.callbacks import Callbacks
from services.notifier.handlers.confirmations import Confirmations
from services.notifier.handlers.contacts import Contacts
from services.notifier.handlers.members import Members
from services.notifier.handlers.notifications import Notifications
from services.notifier.handlers.quiet import QuietHours
from services.notifier.handlers.replies import Replies
from services.notifier.handlers.sending import Sending
from services.notifier.rendering import Renderer
from services.notifier.settings import NotifierSettings
from services.notifier.shelf import DatabaseShelf
from services.notifier.store import Base
from services.notifier.timers import LEASE, Sender, timer_handlers


class _Channels:
    """The channels of ``channels.yaml``, kept in memory from the configuration that is in force."""

    name = "channels"

    def __init__(self, book: ChannelBook, around: Surroundings) -> None:
        self._book = book
        self._around = around

    async def check(self, _tx: Tx, tree: ConfigTree) -> None:
        """Refuse a tree whose channels cannot be built."""
        build_channels(tree, self._around)

    def use(self, tree: ConfigTree) -> None:
        """Use what is in force now."""
        self._book.replace(build_channels(tree, self._around))

    async def start(self) -> None:
        """The configuration has filled the book already."""

    async def stop(self) -> None:
        """Close connections to providers."""
        await self._book.close()


async def build(settings: NotifierSettings, *, clock: Clock | None = None, chance: Chance | None = None) -> Service:
    """The service, not yet started. Raises :class:`~libs.common.errors.Misconfigured`."""
    platform = await make_platform("notifier", settings, clock=clock, chance=chance)
    uow, book = platform.uow, ChannelBook()
    places = Places(incident=f"{settings.statuspage_url}/console/incidents/{{number}}", public=settings.statuspage_url)
    contacts = Contacts(book, Renderer(), places, platform.metrics)
    quiet = QuietHours(contacts)
    sending, replies = Sending(contacts), Replies(platform.metrics)
    around = Surroundings(DatabaseShelf(uow), settings.public_url, settings.twilio_base_url, settings.slack_base_url)
    channels = _Channels(book, around)
    lease = LEASE * max(settings.clock_speed, 1.0)
    sender = Sender(uow, platform.clock, sending, book, lease=lease)
    editor, whispers = Editor(uow, platform.clock, book, lease=lease), Whispers(settings.slack_base_url)
    answers = Callbacks(replies, Confirmations(sending), Members(replies))
    return assemble(
        platform,
        settings,
        title="Tocsin notifier",
        description="Tells people, and writes down whether it reached them.",
        metadata=[Base.metadata],
        routers=[
            ledger.router(uow, replies),
            callbacks.router(uow, book, answers, settings.url),
            slack.router(uow, book, answers, whispers, settings.url),
            preview.router(uow, book, settings.url),
        ],
        subscriptions=subscriptions(Notifications(contacts, quiet)),
        timers=timer_handlers(quiet),
        config=ConfigWatcher(settings.config_dir, [FILE], channels.check, uow, platform.clock, loaded=channels.use),
        form=FORM,
        components=[channels, sender, editor, whispers],
        checks={"sender": sender.problem},
    )


def main() -> None:
    """Run the notifier as a process of its own."""
    run(build, NotifierSettings)


if __name__ == "__main__":
    main()
