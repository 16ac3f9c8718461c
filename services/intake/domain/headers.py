"""Which headers of a delivery are kept: all but those that may hold a credential."""

from collections.abc import Iterable
from typing import Final

from services.intake.domain.mapping import LABEL_LIMIT, LABELS_LIMIT, clean

SECRETIVE: Final = ("auth", "cookie", "token", "secret", "key", "password", "credential")
"""A header with one of these in its name is not kept."""


def kept_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by their names in lower case, without credentials, clean and bounded."""
    kept: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if len(kept) < LABELS_LIMIT and not any(word in lower for word in SECRETIVE):
            kept[clean(lower, LABEL_LIMIT)] = clean(value, LABEL_LIMIT)
    return kept
