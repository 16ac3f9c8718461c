"""The ids by which Slack calls members and channels, as people paste them."""

import re
from typing import Final

_ID: Final = re.compile(r"[UWCG][A-Z0-9]{6,20}")
_MENTION: Final = re.compile(r"<[@#]([A-Z0-9]+)(?:\|[^<>]*)?>")
_ADDRESS: Final = re.compile(
    r"https://[a-z0-9.-]+\.slack\.com/(?:team|archives|client/[A-Z0-9]+|app_redirect\?channel=)/?([A-Z0-9]+)/?(?:\?.*)?",
    re.IGNORECASE,
)

WANTED: Final = (
    "a Slack id: a member's, such as U024BE7LH (their profile, ⋮, Copy member ID), "
    "or a channel's, such as C024BE91L (the channel's name, About, at the bottom)"
)
"""What to paste, and where it is found."""


def slack_id(text: str) -> str | None:
    """The id in ``text``: bare, a mention (``<@U024BE7LH>``) or the address of a profile or channel; ``None`` where there is none.

    ``U`` and ``W`` begin a member's id, ``C`` and ``G`` a channel's. Names are refused: they change, and the API takes none.
    """
    bare = text.strip()
    found = _MENTION.fullmatch(bare) or _ADDRESS.fullmatch(bare)
    wanted = (found.group(1) if found else bare).upper()
    return wanted if _ID.fullmatch(wanted) else None


def is_member(slack: str) -> bool:
    """Whether an id is that of a member, who reads alone; a channel's is read by everybody in it."""
    return slack[:1] in {"U", "W"}
