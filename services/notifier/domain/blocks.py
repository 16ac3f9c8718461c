"""A message in Slack: Block Kit blocks of a wording, with every limit of theirs kept.

https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/messaging/formatting-message-text. What others wrote is
escaped, and ``verbatim`` keeps Slack from reading names and mentions into it: an alert's title never rings a whole channel.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.notifier.domain.reply import Action
from services.notifier.domain.wording import Wording

HEADER: Final = 150
SECTION: Final = 3000
FIELD: Final = 2000
FIELDS: Final = 10
MOST_SECTIONS: Final = 8
"""How many sections a person's own words may take: beyond that the console is the place to read them."""

ACTIONS: Final[Mapping[str, Action]] = {"tocsin:acknowledge": "acknowledge", "tocsin:resolve": "resolve"}
"""What our buttons are called, and what pressing one means."""
BUTTONS: Final = "tocsin:answers"
"""The block of the buttons."""
STATE: Final = "tocsin:state"
"""The block that takes their place."""

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINK: Final = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]\"']")
_DONE: Final[Mapping[Action, str]] = {"acknowledge": "Acknowledged", "resolve": "Resolved"}

Block = dict[str, Any]


def escaped(text: str) -> str:
    """``text`` as it stands in Slack's markup."""
    return "".join(_ESCAPES.get(character, character) for character in text)


def blocks(wording: Wording) -> list[Block]:
    """The message. Its buttons come when it has a key: :func:`with_buttons`."""
    found: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": cut(wording.headline, HEADER)}}]
    if wording.lead:
        found.append(_section(f"*{escaped(cut(wording.lead, 1000))}*"))
    found += [_section(piece) for piece in _words(wording.words)]
    notes = [wording.promise, wording.late, "" if wording.purpose == "page" else wording.action]
    if said := "\n".join(note for note in notes if note):
        found.append(_section(escaped(cut(said, 1000))))
    if wording.facts:
        found.append({"type": "section", "fields": [_field(*fact) for fact in wording.facts[:FIELDS]]})
    if links := "\n".join(_links(wording)):
        found.append(_section(links))
    found.append(
        {"type": "context", "elements": [_mrkdwn(escaped(cut(f"{wording.why}. Tocsin sends this by itself.", 1000)))]}
    )
    return found


def with_buttons(message: Sequence[Block], key: str, number: int) -> list[Block]:
    """The message about incident ``number`` with its two buttons; ``key`` is what a press is about."""
    asked = {
        "title": {"type": "plain_text", "text": f"Resolve #{number}?"},
        "text": {"type": "plain_text", "text": "It is over, and everyone who was reached is told."},
        "confirm": {"type": "plain_text", "text": "Resolve"},
        "deny": {"type": "plain_text", "text": "Not yet"},
    }
    acknowledge = _button("tocsin:acknowledge", "Acknowledge", key) | {"style": "primary"}
    resolve = _button("tocsin:resolve", "Resolve", key) | {"confirm": asked}
    buttons = {"type": "actions", "block_id": BUTTONS, "elements": [acknowledge, resolve]}
    return [*message[:-1], buttons, *message[-1:]]


def after_press(message: Sequence[Block], action: Action, said: str) -> list[Block]:
    """The message once somebody has acted: it says so, and what can be pressed still is what is not done yet."""
    buttons: list[Block] = next((block["elements"] for block in message if block.get("block_id") == BUTTONS), [])
    if not any(ACTIONS[one["action_id"]] == action for one in buttons):
        return list(message)
    before = [one for block in message if block.get("block_id") == STATE for one in block["elements"]]
    line = {"type": "context", "block_id": STATE, "elements": [*before, _mrkdwn(escaped(said))]}
    left = [one for one in buttons if action == "acknowledge" and ACTIONS[one["action_id"]] != action]
    found: list[Block] = []
    for block in message:
        if block.get("block_id") == BUTTONS:
            found += [line, {**block, "elements": left}] if left else [line]
        elif block.get("block_id") != STATE:
            found.append(block)
    return found


def state(message: Sequence[Mapping[str, Any]]) -> str:
    """What :func:`after_press` wrote into the message, as plain text for those who have it read to them."""
    said = [one["text"] for block in message if block.get("block_id") == STATE for one in block["elements"]]
    text = ". ".join(said)
    for character, escape in reversed(_ESCAPES.items()):
        text = text.replace(escape, character)
    return text


def done(action: Action, name: str, at: datetime) -> str:
    """The sentence that takes a button's place: ``Acknowledged by Ann, 14:03 UTC``. Nobody is named where nobody knows who it was."""
    return f"{_DONE[action]}{f' by {name}' if name else ''}, {at:%H:%M} UTC"


def cut(text: str, length: int) -> str:
    """``text`` with at most ``length`` characters, its end marked where it was cut; never empty."""
    bare = text.strip() or "–"
    return bare if len(bare) <= length else f"{bare[: length - 1].rstrip()}…"


def _links(wording: Wording) -> Iterator[str]:
    if _is_web(wording.link):
        yield _link(wording.link, f"Open #{wording.number}" if wording.number is not None else "Open")
    room = SECTION - 400
    for check in wording.checks:
        line = f"• {_link(check.href, check.text or check.href) if _is_web(check.href) else escaped(f'{check.text} {check.href}')}"
        room -= len(line) + 1
        if room < 0:
            return
        yield line


def _link(href: str, text: str) -> str:
    target = escaped(href).replace("|", "%7C")
    return f"<{target}|{escaped(cut(text, 150)).replace('|', '¦')}>"


def _is_web(href: str) -> bool:
    """Whether a link may be pressed: nothing but the web, since links come from outside; and no longer than a section takes."""
    return (
        href.startswith(("https://", "http://"))
        and len(escaped(href)) < SECTION // 2
        and not re.search(r"[\s<>]", href)
    )


def _words(text: str) -> list[str]:
    """A person's own words in sections: escaped, with their links, broken where lines or words end."""
    pieces: list[str] = []
    rest = text.strip()
    while rest and len(pieces) < MOST_SECTIONS:
        piece = _first(rest, SECTION)
        rest = rest[len(piece) :].lstrip()
        pieces.append(_linked(piece))
    if rest:
        pieces.append("…")
    return pieces


def _first(text: str, room: int) -> str:
    """As much of ``text`` as ``room`` takes once it is escaped and its links are marked."""
    if len(_linked(text)) <= room:
        return text
    low, high = 1, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_linked(text[:middle])) <= room else (low, middle - 1)
    ends = [text.rfind(mark, low // 2, low) for mark in ("\n", " ")]
    end = next((one for one in ends if one > 0), low)
    return text[:end]


def _linked(text: str) -> str:
    """``text`` escaped, with what is an address made a link."""
    parts, at = [], 0
    for found in _LINK.finditer(text):
        parts += [escaped(text[at : found.start()]), f"<{escaped(found.group())}>"]
        at = found.end()
    return "".join([*parts, escaped(text[at:])])


def _field(label: str, value: str) -> Block:
    return _mrkdwn(f"*{escaped(label)}*\n{escaped(cut(value, (FIELD - 100) // 5))}")


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _button(action_id: str, text: str, key: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}, "value": key}
