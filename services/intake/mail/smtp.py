"""The mail server as a component: it listens, counts who comes, and lets what is under way finish at the end."""

import asyncio
import contextlib
import logging
from collections import Counter, OrderedDict, deque
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from libs.common.clock import Clock, Stopwatch
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.server import listen
from services.intake.handlers.mail import Postbox
from services.intake.mail.session import CLOSING, Limits, SmtpSession
from services.intake.mail.tls import Certificates

log = get_logger(__name__)

PORT_VARIABLE: Final = "TOCSIN_INTAKE_SMTP_PORT"

FULL: Final = b"421 4.7.0 Too many connections, come back later\r\n"

PEERS: Final = 10_000
"""Machines whose connections are counted; the oldest are forgotten first."""

MINUTE: Final = 60.0

NOISY: Final = "mail"
"""The loggers of aiosmtpd, which write down every command: the addresses of recipients hold keys."""


class SmtpServer:
    """Takes mail on ``host`` and ``port``; 0 takes a free one. Without files a certificate is made for this run."""

    name = "smtp"

    def __init__(
        self,
        postbox: Postbox,
        clock: Clock,
        metrics: Metrics,
        limits: Limits,
        *,
        host: str,
        port: int,
        public_url: str,
        certificate: Path | None = None,
        key: Path | None = None,
        require_tls: bool = False,
    ) -> None:
        """Raises :class:`~libs.common.errors.Misconfigured` where the certificate cannot be used."""
        self.limits = limits
        self.postbox = postbox
        self._metrics = metrics
        self._host = host
        self._port = port
        self._hostname = _ascii_host(public_url)
        self._require_tls = require_tls
        self._certificates = Certificates(certificate, key, self._hostname, clock.now())
        self._server: asyncio.Server | None = None
        self._sessions: set[SmtpSession] = set()
        self._came: OrderedDict[str, deque[Stopwatch]] = OrderedDict()
        self._empty = asyncio.Event()
        self._stopping = False

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return self._port

    @property
    def stopping(self) -> bool:
        """Whether nothing new is taken."""
        return self._stopping

    async def start(self) -> None:
        """Listen. Raises :class:`~libs.common.errors.Misconfigured` where the port cannot be had."""
        logging.getLogger(NOISY).setLevel(logging.CRITICAL)
        listening = listen(self._host, self._port, PORT_VARIABLE)
        self._port = listening.getsockname()[1]
        self._stopping = False
        self._server = await asyncio.get_running_loop().create_server(self._session, sock=listening)
        log.info("mail server listens", host=self._host, port=self._port)

    async def stop(self) -> None:
        """Take no new client, send away who waits, and let messages that are under way be committed."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        try:
            for session in list(self._sessions):
                if not session.busy:
                    session.leave(CLOSING)
            while self._sessions:
                self._empty.clear()
                await self._empty.wait()
        finally:
            for session in list(self._sessions):
                if session.transport is not None:
                    with contextlib.suppress(RuntimeError):  # the loop may be closing too
                        session.transport.abort()  # type: ignore[attr-defined]

    def problem(self) -> str | None:
        """Why no mail is taken, for readiness."""
        serving = self._server is not None and self._server.is_serving()
        return None if serving or self._stopping else "the mail server does not listen"

    def entered(self, session: SmtpSession) -> bytes | None:
        """Count a client in; the reply with which it is sent away where there are too many."""
        self._sessions.add(session)
        self._metrics.smtp_connections.set(len(self._sessions))
        if self._stopping:
            return CLOSING
        peers = Counter(one.peer for one in self._sessions)
        limits = self.limits
        crowded = len(self._sessions) > limits.connections or peers[session.peer] > limits.per_peer
        if crowded or not self._in_turn(session.peer):
            log.warning("mail client sent away", peer=session.peer, connections=len(self._sessions))
            self.postbox.count("smtp", "throttled")
            return FULL
        return None

    def left(self, session: SmtpSession) -> None:
        """Count a client out."""
        self._sessions.discard(session)
        self._metrics.smtp_connections.set(len(self._sessions))
        self._empty.set()

    def _in_turn(self, peer: str) -> bool:
        """Whether the machine has not come too often within the last minute."""
        came = self._came.pop(peer, None) or deque()
        while came and came[0].seconds() > MINUTE:
            came.popleft()
        allowed = len(came) < self.limits.per_minute
        if allowed:
            came.append(Stopwatch())
        self._came[peer] = came
        while len(self._came) > PEERS:
            self._came.popitem(last=False)
        return allowed

    def _session(self) -> SmtpSession:
        return SmtpSession(self, self._certificates.context(), self._hostname, require_tls=self._require_tls)


def _ascii_host(url: str) -> str:
    host = urlsplit(url).hostname or "localhost"
    return host if host.isascii() else host.encode("idna").decode("ascii")
