"""The reader of mailboxes as a component: one replica reads each, every message is committed once, and only then marked.

The order for a message is: its bytes are fetched, they are committed, it is marked (moved, deleted), how far the folder is read is
noted. After a crash between any two of them the message may be fetched again, and is known again by its Message-ID or, where it
has none, by its UID: nothing is lost, and nothing is taken twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from libs.common.background import Background, pause
from libs.common.backoff import Backoff
from libs.common.config import SecretRef
from libs.common.db.session import DatabaseUnavailable, close, lock_key
from libs.common.db.work import UnitOfWork
from libs.common.errors import Misconfigured, Unavailable
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.unreachable import UNREACHABLE
from services.intake.domain.integration import Integration
from services.intake.domain.letter import Letter
from services.intake.domain.mailbox import MailboxOptions, may_be_asked
from services.intake.handlers.mail import MAIL, Postbox
from services.intake.handlers.senders import integration_of
from services.intake.mail.mailbox import FAILURES, Mailbox, opened
from services.intake.store.integrations import all_integrations
from services.intake.store.mail import Position, position, save_position

log = get_logger(__name__)

ROUND_SECONDS: Final = 1.0
"""How often it is seen which mailboxes are due, in seconds of the machine."""

LIST_SECONDS: Final = 5.0
"""How often the integrations are read again."""

RETRY: Final = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=10))
SPREAD: Final = 0.1


@dataclass(slots=True)
class _Box:
    """A mailbox that this replica knows of."""

    integration: Integration[Any]
    options: MailboxOptions
    due_at: datetime
    failures: int = 0
    trouble: str | None = None
    ours: bool = False
    looking: asyncio.Task[None] | None = field(default=None)


class MailboxReader(Background):
    """Looks into the mailboxes of all integrations of mail that have one. ``hosts`` are patterns of those that may be asked."""

    name = "mailboxes"

    def __init__(
        self,
        postbox: Postbox,
        uow: UnitOfWork,
        environ: Mapping[str, str],
        metrics: Metrics,
        *,
        limit: int,
        hosts: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._postbox = postbox
        self._uow = uow
        self._environ = environ
        self._metrics = metrics
        self._limit = limit
        self._hosts = tuple(hosts)
        self._boxes: dict[str, _Box] = {}

    async def note(self) -> str | None:
        """For readiness: which mailboxes cannot be read."""
        troubled = [f"{name}: {box.trouble}" for name, box in sorted(self._boxes.items()) if box.trouble]
        return "; ".join(troubled) or None

    def _interrupt(self) -> None:
        for box in self._boxes.values():
            if box.looking is not None:
                box.looking.cancel()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._list()
                if not self._boxes:
                    await pause(LIST_SECONDS, self._stopping)
                    continue
                connection = await self._uow.database.connect()
            except DatabaseUnavailable as error:
                log.debug("mailboxes wait for the database", reason=error.detail)
                await pause(LIST_SECONDS, self._stopping)
                continue
            try:
                await self._serve(connection)
            except (*UNREACHABLE, DatabaseUnavailable) as error:
                log.warning("mailboxes left alone", reason=f"the database was lost: {error}")
                await pause(ROUND_SECONDS, self._stopping)
            finally:
                await self._leave_all()
                await close(connection)

    async def _serve(self, connection: Any) -> None:
        """Read what is due, for as long as ``connection`` holds the locks that say which mailboxes are ours."""
        rounds = 0
        while not self._stopping.is_set() and self._boxes:
            await connection.fetchval("SELECT 1")  # a lost connection has lost its locks
            now = self._uow.clock.now()
            for name, box in self._boxes.items():
                if not self._is_free(name, box) or box.due_at > now:
                    continue
                if not box.ours:
                    lock = lock_key(f"mailbox {name}", self._uow.database.schema)
                    box.ours = await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock)
                if box.ours:
                    box.looking = asyncio.create_task(self._look(name, box), name=f"mailbox {name}")
            await pause(ROUND_SECONDS, self._stopping)
            rounds += 1
            if rounds * ROUND_SECONDS >= LIST_SECONDS:
                rounds = 0
                await self._list()

    def _is_free(self, name: str, box: _Box) -> bool:
        """Whether nobody looks into the mailbox. What nobody foresaw is told like any other failure."""
        if box.looking is None:
            return True
        if not box.looking.done():
            return False
        looked, box.looking = box.looking, None
        if not looked.cancelled() and (error := looked.exception()) is not None:
            log.error("mailbox reader broke", integration=name, exc_info=error)
            self._failed(name, box, f"{type(error).__name__}, see the log")
        return True

    async def _list(self) -> None:
        """Read which mailboxes there are. One that changed is looked into at once, one that is gone no more."""
        async with self._uow.read() as session:
            records = [record for record in await all_integrations(session) if record.source == MAIL]
        wanted: dict[str, tuple[Integration[Any], MailboxOptions]] = {}
        for record in records:
            integration = integration_of(record)
            options: MailboxOptions | None = getattr(integration and integration.options, "mailbox", None)
            if integration is None or options is None:
                continue
            if may_be_asked(options.host, record.origin, self._hosts):
                wanted[record.id] = (integration, options)
            else:
                log.warning("mailbox not allowed", integration=record.id, host=options.host)
        for name in self._boxes.keys() - wanted.keys():
            await self._leave(self._boxes.pop(name))
            self._metrics.mailbox_failing.labels(name).set(0)
        for name, (integration, options) in wanted.items():
            box = self._boxes.get(name)
            if box is None or box.options != options:
                if box is not None:
                    await self._leave(box)
                self._boxes[name] = _Box(integration, options, self._uow.clock.now(), ours=box is not None and box.ours)
            else:
                box.integration = integration

    async def _leave_all(self) -> None:
        for box in self._boxes.values():
            await self._leave(box)
            box.ours = False

    @staticmethod
    async def _leave(box: _Box) -> None:
        if box.looking is not None:
            box.looking.cancel()
            await asyncio.gather(box.looking, return_exceptions=True)
            box.looking = None

    async def _look(self, name: str, box: _Box) -> None:
        try:
            async with opened(box.options, self._password(box.options)) as mailbox:
                await self._read(name, box, mailbox)
        except (Unavailable, Misconfigured) as error:
            self._failed(name, box, error.detail)
        except FAILURES as error:
            self._failed(name, box, str(error) or type(error).__name__)
        else:
            self._succeeded(name, box)

    def _password(self, options: MailboxOptions) -> str:
        reference = options.password
        password = SecretRef(env=reference.env, file=reference.file).resolve(self._environ)
        if not password:
            raise Misconfigured("the password is not set")
        return password

    async def _read(self, name: str, box: _Box, mailbox: Mailbox) -> None:
        """Take in what is new. Of a folder that was never read that is what nobody has seen."""
        async with self._uow.read() as session:
            known = await position(session, name)
        account, folder = box.options.account, mailbox.folder
        if known is None or (known.account, known.validity) != (account, folder.validity):
            for uid in await mailbox.unseen():
                await self._take(name, box, mailbox, uid)
            await self._note(name, Position(account, folder.validity, folder.next_uid - 1))
            return
        for uid in await mailbox.after(known.last_uid):
            await self._take(name, box, mailbox, uid)
            await self._note(name, Position(account, folder.validity, uid))

    async def _take(self, name: str, box: _Box, mailbox: Mailbox, uid: int) -> None:
        fetched = await mailbox.fetch(uid, self._limit)
        if fetched is None:
            return
        if not fetched.whole:
            log.warning("message cut", integration=name, uid=uid, limit=self._limit)
        letter = Letter("imap", fetched.raw, recipients=(box.options.username,), peer=box.options.host)
        await self._postbox.take(box.integration, letter, f"imap:{box.options.account}:{mailbox.folder.validity}:{uid}")
        await mailbox.done_with(uid)

    async def _note(self, name: str, where: Position) -> None:
        async with self._uow.begin() as tx:
            await save_position(tx, name, where)

    def _succeeded(self, name: str, box: _Box) -> None:
        if box.trouble is not None:
            log.info("mailbox is read again", integration=name)
        box.failures, box.trouble = 0, None
        box.due_at = self._uow.clock.now() + self._uow.chance.jitter(box.options.every, SPREAD)
        self._metrics.mailbox_looks.labels(name, "read").inc()
        self._metrics.mailbox_failing.labels(name).set(0)

    def _failed(self, name: str, box: _Box, reason: str) -> None:
        box.failures += 1
        if box.trouble is None:
            log.warning("mailbox cannot be read", integration=name, host=box.options.host, reason=reason)
        box.trouble = f"the mailbox at {box.options.host} cannot be read: {reason}"
        box.due_at = self._uow.clock.now() + RETRY.wait(box.failures, self._uow.chance)
        self._metrics.mailbox_looks.labels(name, "failed").inc()
        self._metrics.mailbox_failing.labels(name).set(1)
