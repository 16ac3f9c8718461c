"""What a pack is: the reading of one vendor's mails, told in one file of this package."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from libs.common.events.base import TriggerKind, Window
from services.intake.domain.message import Mail
from services.intake.domain.moments import DateOrder, moments, window_of
from services.intake.domain.trigger import IgnoredReason, Series
from services.intake.domain.wording import Words, words_of
from services.intake.sources.common import Told


@dataclass(frozen=True)
class Post:
    """A mail on a pack's desk."""

    mail: Mail
    now: datetime
    zone: ZoneInfo
    """The zone of times that name none."""
    order: DateOrder = ""
    """Whether the day or the month comes first in dates with slashes, where the pack does not know it of its vendor."""
    recipient: str = ""
    """The address that it was sent to, without the key."""

    @cached_property
    def words(self) -> Words:
        """Its words by lines."""
        return words_of(self.mail)

    def moment(self, text: str, order: DateOrder = "") -> datetime | None:
        """The first instant of ``text``."""
        found = moments(text, self.zone, order or self.order, self.mail.date or self.now)
        return found[0].at if found else None

    def window(self, text: str, order: DateOrder = "") -> Window | None:
        """From the first instant of ``text`` to the second."""
        bounds = window_of(moments(text, self.zone, order or self.order, self.mail.date or self.now))
        return Window(starts_at=bounds[0], ends_at=bounds[1]) if bounds else None


@dataclass(frozen=True, slots=True)
class News:
    """What a pack read: the alert in the vendor's words, its regions, and the team where the mail names one."""

    told: Told
    regions: tuple[str, ...] = ()
    team: str = ""
    sequence: int | None = None
    """Which announcement of the same thing it is, where the vendor counts them: an older one changes nothing."""
    series: str = ""
    """The key of the event that it is an occurrence of, where events may recur."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A mail that a pack understands and that rightly opens nothing."""

    reason: IgnoredReason
    detail: str
    news: News | None = None
    """What it would have been."""


Found = News | Passed | Series


@dataclass(frozen=True, slots=True)
class Pack:
    """One vendor's mails, or one form of mails. A module of this package that has a ``PACK`` is found and used."""

    name: str
    title: str
    domains: tuple[str, ...]
    """The domains, with all below them, whose proven mails this pack believes. Empty: a form that any vendor may use."""
    claims: Callable[[Mail], bool]
    """Whether a mail looks like one of these; what it claims must then be read or refused."""
    read: Callable[[Post], Iterable[Found]]
    """What the mail says. Raises :class:`~services.intake.sources.base.CannotRead` where something needed is not there."""
    docs: str
    """One sentence for the table of packs: what is read."""
    order: Literal[0, 1, 2, 3] = 1
    """Packs that read what is made for programs come first, those that read anything come last."""
    kinds: tuple[TriggerKind, ...] = ()
    """Only integrations of these kinds use it; empty: all."""
    plain: bool = False
    """Whether only integrations with the option ``plain`` use it."""


def spans(starts_at: datetime | None, ends_at: datetime | None) -> Window | None:
    """The window, where there is a beginning; an end that lies before it is none."""
    if starts_at is None:
        return None
    return Window(starts_at=starts_at, ends_at=ends_at if ends_at and ends_at > starts_at else None)


def first_link(mail: Mail, *parts: str) -> tuple[tuple[str, str], ...]:
    """The first link whose address has one of ``parts`` in it."""
    return tuple(link for link in mail.links if any(part in link[0].lower() for part in parts))[:1]
