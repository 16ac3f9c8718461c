"""How the channels do, as far as the messages of the last hour tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.statuspage.domain import words
from services.statuspage.domain.fold import MessageState
from services.statuspage.domain.record import channel

WINDOW: Final = timedelta(hours=1)
NO_FAULT: Final = frozenset({"withdrawn", "channel_is_the_incident"})
"""Why a message did not go out although its channel is well."""


@dataclass(frozen=True)
class ChannelHealth:
    """One channel in one sentence."""

    channel: str
    text: str
    well: bool


def channels(counts: Mapping[tuple[str, MessageState], int]) -> Sequence[ChannelHealth]:
    """Each channel that was used, those that fail first."""
    found = []
    for name in sorted({name for name, _ in counts}):
        failed = counts.get((name, "failed"), 0)
        retrying = counts.get((name, "retrying"), 0)
        total = sum(count for (other, _), count in counts.items() if other == name)
        found.append(ChannelHealth(words.capital(channel(name)), _text(total, failed, retrying), not failed + retrying))
    return sorted(found, key=lambda one: (one.well, one.channel))


def _text(total: int, failed: int, retrying: int) -> str:
    if not failed and not retrying:
        return f"{words.counted(total, 'message')} in the last hour, none failed"
    parts = [f"{failed} of {total} failed"] if failed else []
    parts += [f"{retrying} of {total} {'is' if retrying == 1 else 'are'} being tried again"] if retrying else []
    return f"{words.listed(parts)} in the last hour"
