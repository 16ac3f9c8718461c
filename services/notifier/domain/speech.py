"""What a call says: words for the ear, where a number is read digit by digit and nothing is spelt out that only an eye can use."""

import re
import unicodedata
from typing import Final

from services.notifier.domain.press import ACKNOWLEDGE, RESOLVE
from services.notifier.domain.reply import Action

LONGEST: Final = 1200
"""Characters of a message: about a minute and a half, and far below what TwiML may hold."""
LONGEST_TITLE: Final = 200

_LINK: Final = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+", re.IGNORECASE)
_SPACES: Final = re.compile(r"\s+")
_MARKS: Final = re.compile(r"[*_`~#<>|\[\]{}\\^=]+")
_UNITS: Final = ((re.compile(r"(?<=\d) min\b"), " minutes"), (re.compile(r"(?<=\d) h\b"), " hours"))
_STOP: Final = re.compile(r"([.!?:])[.:]+(?=\s|$)")

MENU: Final = "Press 1 to take it. Press 2 to resolve it. Press 9 to hear this again."
AGAIN: Final = "Press 9 to hear this again."
ELSEWHERE: Final = "Answer in the console, or to the SMS if you got one."
"""Where no key that is pressed can reach us."""
GOODBYE: Final = "Goodbye."
UNKNOWN_CALL: Final = "Tocsin does not know this call. Goodbye."
NOT_PAGED: Final = "You were not paged by this call, so there is nothing to answer. Goodbye."


def digits(number: int | str) -> str:
    """``4711`` as ``4 7 1 1``, which no voice reads as thousands."""
    return " ".join(str(number))


def slowly(code: str) -> str:
    """``042917`` as ``0, 4, 2, 9, 1, 7``, with time to write each down."""
    return ", ".join(code)


def ear(text: str, longest: int = LONGEST) -> str:
    """``text`` as it may be read out: without links, marks and control characters, and no longer than ``longest``."""
    text = _MARKS.sub(" ", _LINK.sub("a link", text))
    text = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text)
    text = _SPACES.sub(" ", text).strip()
    for unit, words in _UNITS:
        text = unit.sub(words, text)
    if len(text) > longest:
        text = f"{shorter(text, longest)}, and more"
    return _STOP.sub(r"\1", text)


def shorter(text: str, longest: int) -> str:
    """The first words of ``text``; the first characters where there is but one."""
    kept = text[:longest]
    return (kept.rpartition(" ")[0] or kept).rstrip(" .,;:")


def menu(*, answerable: bool, reachable: bool) -> str:
    """What may be pressed: ``answerable`` is a page, ``reachable`` where keys reach us."""
    if answerable:
        return MENU if reachable else ELSEWHERE
    return AGAIN if reachable else ""


def sure(number: int) -> str:
    """What is asked before an incident is resolved."""
    return f"Press {RESOLVE} again to resolve incident {digits(number)}, or {ACKNOWLEDGE} to take it."


def done(action: Action, number: int) -> str:
    """What was done."""
    if action == "acknowledge":
        return f"You have incident {digits(number)} now. Nobody else is paged. {GOODBYE}"
    return f"Incident {digits(number)} is being resolved. Everyone who was reached is told. {GOODBYE}"
