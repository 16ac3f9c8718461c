"""Which headers of a delivery are kept: all but those that may hold a credential."""

from collections.abc import Iterable
from typing import Final

from services.intake.domain.mapping import LABEL_LIMIT, LABELS_LIMIT, clean

SECRETIVE: Final = ("auth", "cookie", "token", "secret", "key", "password", "credential")
"""A header with one of these in its name is not kept."""

OURS: Final = "x-tocsin-"
"""What the names of the headers begin with by which a transport of ours says what it knows of a mail."""

AUTHENTICATION_RESULTS: Final = "x-tocsin-authentication-results"
"""What a transport itself verified of a mail, as RFC 8601 writes it: no credential, whatever its name sounds like."""


def kept_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by their names in lower case, without credentials, clean and bounded."""
    kept: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        secretive = lower != AUTHENTICATION_RESULTS and any(word in lower for word in SECRETIVE)
        if len(kept) < LABELS_LIMIT and not secretive:
            kept[clean(lower, LABEL_LIMIT)] = clean(value, LABEL_LIMIT)
    return kept


def foreign_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of a request without those that only our own transports may set: nobody vouches for himself."""
    return [(name, value) for name, value in headers if not name.lower().startswith(OURS)]
