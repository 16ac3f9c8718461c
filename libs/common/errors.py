"""The error tree. Each leaf answers: may it be tried again, whose fault is it, which HTTP status?

::

    TocsinError
    ├── Rejected              the caller's fault; trying again unchanged is useless
    │   ├── Malformed         400  the body is not of its format
    │   ├── Unauthenticated   401  no key, or one that nobody knows
    │   ├── Forbidden         403  a known key that may not do this
    │   ├── NotFound          404
    │   ├── Conflict          409  the state does not allow it
    │   ├── TooLarge          413
    │   ├── Unsupported       415
    │   ├── Invalid           422  well-formed, but a field is wrong (`problems` says which)
    │   └── Throttled         429  (`retry_after`)
    ├── Unavailable           503  not the caller's fault; try again after `retry_after`
    └── Misconfigured         a person must change settings or configuration; ends a start with exit code 1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field: ``pointer`` is a JSON Pointer fragment such as ``#/alerts/0/status``."""

    pointer: str
    detail: str


class TocsinError(Exception):
    """Something that Tocsin foresaw went wrong.

    ``str(error)`` is the sentence for a person, with what to change. ``slug`` names the class of error and ends the
    problem's ``type`` URI (RFC 9457). ``retry`` says whether the same call may succeed later.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retry: ClassVar[bool] = False

    def __init__(
        self, detail: str, *, problems: Sequence[FieldProblem] = (), retry_after: timedelta | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems = tuple(problems)
        self.retry_after = retry_after


class Rejected(TocsinError):
    """The request cannot be accepted as it is."""

    status = 400
    slug = "rejected"
    title = "Rejected"


class Malformed(Rejected):
    """The body is not of the format that it should be of."""

    slug = "malformed"
    title = "Malformed body"


class Unauthenticated(Rejected):
    """No credential was given, or one that nobody knows."""

    status = 401
    slug = "unauthenticated"
    title = "Not authenticated"


class Forbidden(Rejected):
    """The credential is known and may not do this."""

    status = 403
    slug = "forbidden"
    title = "Not allowed"


class NotFound(Rejected):
    """There is no such thing, or none that the caller may see."""

    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(Rejected):
    """The present state does not allow it."""

    status = 409
    slug = "conflict"
    title = "Conflict"


class TooLarge(Rejected):
    """The body is over the limit."""

    status = 413
    slug = "too-large"
    title = "Body too large"


class Unsupported(Rejected):
    """The media type or encoding is not one that this route reads."""

    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported media type"


class Invalid(Rejected):
    """Well-formed, but one or more fields are wrong."""

    status = 422
    slug = "invalid"
    title = "Invalid fields"


class Throttled(Rejected):
    """Too many requests for this key."""

    status = 429
    slug = "throttled"
    title = "Too many requests"
    retry = True


class Unavailable(TocsinError):
    """Something that this needs cannot be reached at the moment; nothing was accepted."""

    status = 503
    slug = "unavailable"
    title = "Temporarily unavailable"
    retry = True


class Misconfigured(TocsinError):
    """Settings or configuration are wrong: the sentence names file, line and rule, or says what to do."""

    slug = "misconfigured"
    title = "Misconfigured"
