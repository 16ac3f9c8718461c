"""How notices are worded: lines with a label and a value, headings with something below, and words for an end."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, Literal

from services.intake.domain.message import Mail

Ending = Literal["cancelled", "completed", ""]
"""How something ended; empty: it did not."""

LINES: Final = 2_000
LINE: Final = 2_000
"""So many lines of a mail are looked at, and so many characters of each."""
LABEL: Final = re.compile(r"^[\s>*•|-]{0,6}([^\W_][^:\t：]{0,70}?)[\s*]{0,3}(?:：|:(?=\s|$|[^/])|\t)[\s*|]{0,4}(.*)$")
_NUMBER: Final = re.compile(r"\(s\)|\(es\)")
_EDGES: Final = re.compile(r"^[\W_]+|[\W_]+$")

CANCELLED: Final = re.compile(
    r"\b(?:cancell?ed|cancell?ation|called off|withdrawn|abgesagt|storniert|entfällt|annul[ée]+e?s?|cancelad[oa]s?|annullat[oa]|geannuleerd)\b",
    re.IGNORECASE,
)
COMPLETED: Final = re.compile(
    r"\b(?:resolved|completed?|finished|closed|mitigated|restored|recovered|deactivated|abgeschlossen|beendet|behoben|gelöst"
    r"|résolue?s?|terminée?s?|clôturée?|resuelt[oa]|completad[oa]|concluíd[oa]|resolvid[oa]|risolt[oa]|completat[oa]|opgelost|afgerond"
    r"|postmortem|back up|up again|is up|back online|available again|wieder verfügbar)\b",
    re.IGNORECASE,
)
DENIED: Final = re.compile(
    r"\b(?:not|isn't|yet to|until|unless|if|once|when|will|to|should|not yet|nicht|noch|wird|bis|wenn|pas|non|no)\s+(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)
"""What, right before such a word, says that it has not happened."""


class Words:
    """The words of a mail, looked at by lines."""

    def __init__(self, texts: Iterable[str]) -> None:
        text = "\n\n".join(texts)
        self.lines: Sequence[str] = [line[:LINE].strip() for line in text.split("\n", LINES)[:LINES]]

    @cached_property
    def _fields(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for number, line in enumerate(self.lines):
            match = LABEL.match(line)
            if match:
                value = match[2].strip() or self._below(number)
                found.setdefault(plain(match[1]), []).append(value)
        return found

    def field(self, *names: str) -> str:
        """The value of the first label of ``names`` that has one, in whatever case; empty where none has."""
        for name in names:
            for value in self._fields.get(plain(name), ()):
                if value:
                    return value
        return ""

    def values(self, *names: str) -> list[str]:
        """Every value of these labels."""
        return [value for name in names for value in self._fields.get(plain(name), ()) if value]

    def below(self, *names: str, stops: Iterable[str] = ()) -> list[str]:
        """The lines below the heading that is one of ``names``, up to an empty line, an address or one of ``stops``."""
        wanted, ends = set(map(plain, names)), set(map(plain, stops))
        for number, line in enumerate(self.lines):
            if plain(line) in wanted:
                return list(self._block(number + 1, ends))
        return []

    def _block(self, start: int, ends: set[str]) -> Iterable[str]:
        begun = False
        for line in self.lines[start : start + 100]:
            if not line and begun:
                return
            if line:
                if plain(line) in ends or line.startswith(("http://", "https://")):
                    return
                begun = True
                yield line

    def _below(self, number: int) -> str:
        """The value of a label that stands alone on its line."""
        following = next((line for line in self.lines[number + 1 : number + 4] if line), "")
        return "" if LABEL.match(following) and not following.startswith("http") else following


def words_of(mail: Mail) -> Words:
    """The words of a mail in all its forms."""
    return Words(mail.texts)


def plain(label: str) -> str:
    """A label as it is compared: without its case, its number and the signs around it."""
    return _EDGES.sub("", _NUMBER.sub("", " ".join(label.split()).casefold()))


def ending(text: str) -> Ending:
    """How the thing that a short text speaks of ended: a subject, a status, a sentence."""
    for pattern, how in ((CANCELLED, "cancelled"), (COMPLETED, "completed")):
        for match in pattern.finditer(text[:2_000]):
            if not DENIED.search(text[max(0, match.start() - 40) : match.start()]):
                return how  # type: ignore[return-value]  # the table has no other words
    return ""


def parts(text: str) -> list[str]:
    """The parts of a list in words: with commas, semicolons or lines."""
    found = (part.strip(" .\t*•-") for part in re.split(r"[,;\n]|\s(?:and|und|et)\s", text[:LINE]))
    return list(dict.fromkeys(part for part in found if part))
