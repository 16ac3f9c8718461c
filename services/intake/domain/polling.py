"""A provider's page that is asked: what it answered, or why its state is unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

UnknownReason = Literal[
    "never-asked",
    "address-not-allowed",
    "unreachable",
    "timeout",
    "redirected",
    "http-status",
    "too-large",
    "empty-body",
    "html",
    "not-understood",
]
"""Why the state of a provider is unknown: the word in the API and the metric."""

SPREAD: Final = 0.1
"""By which share of its interval a poll comes earlier or later, so that not everybody asks in the same second."""

LONGEST: Final = timedelta(hours=1)
"""How long a provider may ask us to stay away."""


@dataclass(frozen=True, slots=True)
class Validators:
    """By which a page is asked whether it has changed (RFC 9110, 13.1)."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page answered. ``body`` is ``None`` where it has not changed."""

    body: bytes | None
    content_type: str = ""
    validators: Validators = Validators()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing is known, with the sentence for a person, and what came where something did."""

    reason: UnknownReason
    detail: str
    body: bytes = b""
    content_type: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """How a source's pages are asked."""

    pages: Callable[[str], tuple[str, ...]]
    """From the option ``url`` to the page that is asked each time, and after it those that are asked what became of what is gone from it."""
    quiet: Literal["operational", "quiet"]
    """What it means that nothing is open: that all is well, or nothing at all."""
    provider: str = ""
    """Whose page it is, where the format says so."""


def only_itself(url: str) -> tuple[str, ...]:
    """For formats that are one page."""
    return (url,)
