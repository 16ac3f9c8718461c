"""Takes what members of a Slack workspace press and type: from whoever Tocsin knows, about what was told to them or where they stand.

ADR 23 says why.
"""

from dataclasses import dataclass

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx
from libs.common.events.deliveries import Addressee
from libs.common.events.directory import PersonChanged
from services.notifier.domain import slack
from services.notifier.domain.callback import Callback, Decision, of_answer
from services.notifier.domain.reply import Command
from services.notifier.domain.wording import from_the_house
from services.notifier.handlers.replies import Replies
from services.notifier.store import attempts as store
from services.notifier.store import outbox, people
from services.notifier.store.tables import Attempt, Person


async def take_person(tx: Tx, event: PersonChanged) -> None:
    """Keep who acts by which id: handler of ``PersonChanged``."""
    ids = [] if event.removed else list(event.slack)
    await people.keep(tx.session, Person(id=event.id, name=event.name, slack=ids, changed_at=event.at))


@dataclass(frozen=True)
class Meant:
    """Who acts, and the message that it is about; ``None`` where there is none."""

    sender: Addressee | None
    told: Attempt | None


@dataclass
class Members:
    """Handles presses and commands, each once."""

    replies: Replies

    async def take(self, tx: Tx, callback: Callback) -> str:
        """Act on it; the sentence that the member gets back, the same for a repeat; none for what is not ours."""
        if callback.kind == "press" and callback.action is None:
            return ""
        before = await outbox.replied(tx.session, callback.id)
        if before is not None:
            return before.answer
        meant = await meant_by(tx.session, callback)
        told, sender = meant.told, meant.sender
        number = None if told is None else told.incident_number
        if callback.action is None:
            answer = slack.USAGE
        elif sender is None:
            answer = slack.stranger(callback.address)
        elif told is None or number is None:
            answer = slack.untold(Command(callback.action, callback.incident))
        else:
            command = Command(callback.action, callback.incident)
            answer = slack.taken(command, number, await self.replies.title(tx, told))
            await self.replies.hand_on(tx, callback, command.action, told, sender)
        await self.replies.keep(tx, callback, told, answer, decided(callback, meant))
        return answer


def decided(callback: Callback, meant: Meant, *, repeated: bool = False) -> Decision:
    """What a press or a command does, or would do."""
    number = None if meant.told is None else meant.told.incident_number
    return of_answer(callback, number, repeated=repeated, known=meant.sender is not None)


async def meant_by(session: ReadSession | WriteSession, callback: Callback) -> Meant:
    """Who acts, and the message that is meant: the one with the button, or the newest to them or in the channel where they type."""
    person = await people.by_slack(session, callback.address)
    if person is None or callback.action is None:
        return Meant(None, None)
    ref = f"person:{person.id}"
    sender = Addressee(ref=ref, name=person.name, role=ref)
    if callback.kind == "command":
        return Meant(sender, await store.latest_told_about(session, ref, callback.place, callback.incident))
    told = None if callback.attempt is None else await store.find_attempt(session, callback.attempt)
    ours = told is not None and told.provider == callback.provider and from_the_house(told.recipient_ref)
    return Meant(sender, told if ours else None)
