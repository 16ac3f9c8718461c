"""The timeline as the console tells it: lines that belong together are told together, and none is told twice.

A rung's line says who was paged, by which channel and what became of it; what one moment did to several promises is one entry.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from libs.common import channel_names
from libs.common.events.base import TICKET
from services.statuspage.domain import reasons, words
from services.statuspage.domain.climb import Told
from services.statuspage.domain.fold import Line, Message

SAID_BY_THE_RUNG: Final = frozenset({"paging", "paged"})
TOLD_TOGETHER: Final = frozenset({"communication_due", "obligation_moved"})


@dataclass(frozen=True)
class Page:
    """What became of a page to one person."""

    name: str
    backup_for: str | None
    text: str
    failed: bool


@dataclass(frozen=True)
class Entry:
    """One entry of the timeline: a line, or the sentences of several of one moment."""

    line: Line
    texts: tuple[str, ...]
    why: tuple[str, ...]
    pages: tuple[Page, ...] = ()


def entries(lines: Sequence[Line], told: Sequence[Told], sent: Sequence[Message]) -> tuple[Entry, ...]:
    """The timeline, the newest first as ``lines`` are; ``told`` in the order of time."""
    pages = dict(_pages_by_line(lines, told, sent))
    shown = [line for line in lines if not _said_elsewhere(line, pages)]
    return tuple(_entry(group, pages) for group in _together(shown))


def _said_elsewhere(line: Line, pages: Mapping[UUID, tuple[Page, ...]]) -> bool:
    """Who was paged stands with the rung, and what is no longer owed beside the clocks."""
    if line.kind == "obligation_moved":
        return line.reason == "waived"
    return bool(pages) and line.kind == "noted" and line.reason in SAID_BY_THE_RUNG


def channel(name: str) -> str:
    """A channel as people call it."""
    if name.startswith(TICKET):
        return f"comment ({name.removeprefix(TICKET)})"
    return channel_names.channel(name)


def _entry(group: Sequence[Line], pages: Mapping[UUID, tuple[Page, ...]]) -> Entry:
    oldest_first = list(reversed(group))
    line, texts = oldest_first[0], tuple(one.text for one in oldest_first)
    why = dict.fromkeys(phrase for one in oldest_first if (phrase := reasons.of_line(one.reason)))
    return Entry(line, texts, tuple(why), pages.get(line.id, ()))


def _together(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines about promises that one moment wrote are one group; every other line is its own."""
    group: list[Line] = []
    for line in lines:
        if group and not (_about_promises(group[-1]) and _about_promises(line) and line.at == group[-1].at):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _about_promises(line: Line) -> bool:
    return line.kind in TOLD_TOGETHER


def _pages_by_line(
    lines: Sequence[Line], told: Sequence[Told], sent: Sequence[Message]
) -> Iterator[tuple[UUID, tuple[Page, ...]]]:
    """Each firing of a rung with the notification that came of it: the first with the first, and so on."""
    waiting: dict[int | None, list[Told]] = {}
    for one in told:
        waiting.setdefault(one.rung, []).append(one)
    for line in reversed(lines):
        if line.kind == "escalation_due" and waiting.get(line.rung):
            notification = waiting[line.rung].pop(0)
            here = [message for message in sent if message.notification_id == notification.notification_id]
            yield line.id, tuple(_page(one.ref, one.name, one.backup_for, here) for one in notification.addressees)


def _page(ref: str, name: str, backup_for: str | None, sent: Sequence[Message]) -> Page:
    own = sorted((message for message in sent if message.recipient == ref), key=lambda message: message.at)
    if not own:
        return Page(name, backup_for, "on its way", failed=False)
    reached = any(message.state in {"sent", "confirmed"} for message in own)
    return Page(name, backup_for, words.listed([_outcome(message) for message in own]), failed=not reached)


def _outcome(message: Message) -> str:
    by = channel(message.channel)
    match message.state:
        case "confirmed":
            return f"{by}, arrived"
        case "sent":
            return f"{by}, kept in the local outbox" if message.provider == "local" else f"{by}, sent"
        case "retrying":
            return f"{by}, tried again soon: {reasons.of_attempt(message.reason)}"
        case "failed":
            return f"{by} failed: {reasons.of_attempt(message.reason)}"
