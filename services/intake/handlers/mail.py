"""A message comes in by mail, whatever carried it: whose it is, whether it was taken before, and then as any other body."""

from typing import Any, Final, Literal

from libs.common.clock import Clock
from libs.common.errors import Forbidden, Unauthenticated, Unavailable
from libs.common.metrics import Metrics
from services.intake.domain.integration import Integration
from services.intake.domain.letter import Letter, digest_of, message_id
from services.intake.handlers.guard import Guard
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import Senders, source_named
from services.intake.store.mail import Mark
from services.intake.store.writer import Repeated

MAIL: Final = "mail"
"""The source of every integration that mail may come for."""

KEY_ID: Final = 8
"""Characters of a key that are public, by which it is counted how often it is used."""

Outcome = Literal["taken", "quarantined", "repeated"]


class Postbox:
    """Takes messages in, for the integration whose key stands in the address."""

    def __init__(self, senders: Senders, receiver: Receiver, guard: Guard, clock: Clock, metrics: Metrics) -> None:
        self._senders = senders
        self._receiver = receiver
        self._guard = guard
        self._clock = clock
        self._metrics = metrics

    async def addressee(self, key: str | None) -> Integration[Any] | None:
        """The integration of this key; ``None`` for every key that is not good here, without a word why.

        Raises :class:`~libs.common.errors.Unavailable` where that cannot be said at the moment.
        """
        if key is None:
            return None
        try:
            return await self._senders.sender(key, MAIL)
        except (Unauthenticated, Forbidden):
            return None

    def admit(self, integration: Integration[Any], key: str) -> None:
        """Let one more message in. Raises ``Throttled`` or ``Busy`` where too many came with this key."""
        self._guard.admit(source_named(MAIL), integration, key[:KEY_ID], self._clock.now())

    async def take(self, integration: Integration[Any], letter: Letter, known_by: str = "", once: str = "") -> Outcome:
        """Read the message and commit what it says, once. Raises :class:`~libs.common.errors.Unavailable`.

        A message is known again by its Message-ID and its body; one without a Message-ID by ``known_by``, what the transport
        calls it for ever, and where there is nothing of the kind it is taken each time. ``once`` is what the transport's signature is
        good for once.
        """
        name = message_id(letter.body) or known_by
        mark = Mark(name, digest_of(letter.body)) if name else None
        try:
            receipt = await self._receiver.receive(
                source_named(MAIL), integration, letter.headers, letter.body, mark=mark, once=once
            )
        except Repeated:
            return self._counted(letter, "repeated")
        except Unavailable:
            self.count(letter.transport, "not-committed")
            raise
        return self._counted(letter, "quarantined" if receipt.quarantine_id else "taken")

    def count(self, transport: str, outcome: str) -> None:
        """Count a message that was not taken."""
        self._metrics.mail_received.labels(transport, outcome).inc()

    def _counted(self, letter: Letter, outcome: Outcome) -> Outcome:
        self.count(letter.transport, outcome)
        return outcome
