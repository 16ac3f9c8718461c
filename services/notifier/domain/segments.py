"""How many parts an SMS takes: GSM-7 (3GPP TS 23.038, 6.2.1) where every character is in it, else UCS-2."""

from dataclasses import dataclass
from typing import Final, Literal

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""These take two septets: the escape and the character."""

_PLAIN: Final = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2011": "-",
        "\u2212": "-",
        "\u2026": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\u200b": "",
        "\u2022": "-",
        "\u2192": "->",
        "\u00d7": "x",
        "\t": " ",
        "`": "'",
    }
)
"""Typographic signs that people's titles carry, and what says the same in GSM-7: one of them would halve what fits."""

_SINGLE: Final = {"gsm7": 160, "ucs2": 70}
_JOINED: Final = {"gsm7": 153, "ucs2": 67}


@dataclass(frozen=True)
class Size:
    """What a text takes on the air: ``units`` are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def plain(text: str) -> str:
    """``text`` with typographic signs replaced by what GSM-7 has."""
    return text.translate(_PLAIN)


def measure(text: str) -> Size:
    """The encoding that ``text`` needs, its length in it, and how many parts that makes."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        costs = [2 if character in _EXTENDED else 1 for character in text]
        return Size("gsm7", sum(costs), _parts(costs, "gsm7"))
    costs = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Size("ucs2", sum(costs), _parts(costs, "ucs2"))


def fits_one(text: str) -> bool:
    """Whether ``text`` goes out as a single part."""
    return measure(text).segments <= 1


def _parts(costs: list[int], encoding: Literal["gsm7", "ucs2"]) -> int:
    """How many parts, where a character of two units is never cut in two."""
    if sum(costs) <= _SINGLE[encoding]:
        return 1 if costs else 0
    parts, room = 1, _JOINED[encoding]
    for cost in costs:
        if cost > room:
            parts, room = parts + 1, _JOINED[encoding]
        room -= cost
    return parts
