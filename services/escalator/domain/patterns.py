r"""Regular expressions that never take long: time grows with the text, whatever the pattern.

Python's own ``re`` backtracks, so that ``(a+)+$`` and a title of thirty letters would hold up every trigger. Here all
ways through the pattern are followed at once (Thompson's construction, as in RE2), and so what needs backtracking is
no part of the language: no backreference, no look-ahead, no look-behind.

Known are characters, ``.``, ``[a-z]``, ``\d \w \s`` and their opposites, ``\b``, ``^``, ``$``, groups, ``|``, and ``* + ? {m,n}``.
Upper and lower case are the same.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

LONGEST_PATTERN: Final = 200
LONGEST_TEXT: Final = 2_000
"""Of a longer text the beginning is looked at."""
MOST_STEPS: Final = 500
"""A pattern that needs more, by its repetitions, is refused."""

_EDGES: Final = {"^": "begin", "$": "end", "\\b": "word"}
_COUNTS: Final = re.compile(r"\{(\d{1,3})(?:(,)(\d{1,3})?)?\}")
_SHORT: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}

Edge = Literal["begin", "end", "word"]


@dataclass(frozen=True)
class _Step:
    """One step of a program: take a character, stand at an edge, or go on at each of ``to``; without ``to`` the text matches."""

    to: tuple[int, ...] = ()
    takes: re.Pattern[str] | None = None
    edge: str | None = None


@dataclass(frozen=True)
class Pattern:
    """A pattern that was read."""

    program: tuple[_Step, ...]

    def found_in(self, text: str) -> bool:
        """Whether any part of ``text`` matches."""
        text = text[:LONGEST_TEXT]
        reached: set[int] = set()
        for at in range(len(text) + 1):
            if self._spread(reached, 0, text, at):
                return True
            following: set[int] = set()
            for number in reached if at < len(text) else ():
                step = self.program[number]
                taken = step.takes is not None and step.takes.fullmatch(text[at])
                if taken and self._spread(following, step.to[0], text, at + 1):
                    return True
            reached = following
        return False

    def _spread(self, reached: set[int], number: int, text: str, at: int) -> bool:
        """Add all that ``number`` leads to without taking a character. Whether that is the end of the pattern."""
        waiting = [number]
        while waiting:
            here = waiting.pop()
            if here in reached:
                continue
            reached.add(here)
            step = self.program[here]
            if not step.to:
                return True
            if step.takes is None and (step.edge is None or _stands_at(step.edge, text, at)):
                waiting += step.to
        return False


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """Read a pattern. Raises :class:`ValueError`, whose sentence says what is no part of the language."""
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters")
    reading = _Reading(text)
    reading.alternatives()
    if reading.rest:
        raise ValueError(f"{reading.rest[:1]!r} closes what was not opened")
    return Pattern((*reading.steps, _Step()))


def _stands_at(edge: str, text: str, at: int) -> bool:
    if edge == "begin":
        return at == 0
    if edge == "end":
        return at == len(text)
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    return _wordy(before) != _wordy(after)


def _wordy(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


@dataclass
class _Reading:
    """Reads a pattern from the left and writes its program."""

    rest: str
    steps: list[_Step] = field(default_factory=list)

    def alternatives(self) -> None:
        """``a|b``: each is tried."""
        begin = len(self.steps)
        self._sequence()
        while self.rest.startswith("|"):
            self.rest = self.rest[1:]
            first = self._cut(begin)
            self._write(_Step((begin + 1, begin + 2 + len(first))))
            self._place(first)
            over = len(self.steps)
            self._write(_Step((over + 1,)))
            self._sequence()
            self.steps[over] = _Step((len(self.steps),))

    def _sequence(self) -> None:
        while self.rest and self.rest[0] not in "|)":
            begin = len(self.steps)
            self._atom()
            self._repeated(begin)

    def _atom(self) -> None:
        sign = self._sign()
        if sign in _EDGES:
            self._write(_Step((len(self.steps) + 1,), edge=_EDGES[sign]))
        elif sign == "(":
            self.alternatives()
            if not self.rest.startswith(")"):
                raise ValueError("a group is not closed")
            self.rest = self.rest[1:]
        else:
            self._write(_Step((len(self.steps) + 1,), takes=_one(sign)))

    def _sign(self) -> str:
        """The next character, escape, class, or the begin of a group, taken off."""
        length = 1
        if self.rest[0] == "\\":
            length = 2
        elif self.rest[0] == "[":
            match = re.match(r"\[\^?\]?(?:\\.|[^\]\\])*\]", self.rest)
            if match is None:
                raise ValueError("a class [ is not closed")
            length = match.end()
        elif self.rest.startswith("(?"):
            if not self.rest.startswith("(?:"):
                raise ValueError("a group begins with ( or (?: and has no flags, names or look-arounds")
            self.rest = self.rest[3:]
            return "("
        sign, self.rest = self.rest[:length], self.rest[length:]
        return sign

    def _repeated(self, begin: int) -> None:
        counts = self._counts()
        if counts is None:
            return
        least, most = counts
        piece = self._cut(begin)
        for _ in range(least):
            self._place(piece)
        if most is None:
            again = len(self.steps)
            self._write(_Step((again + 1, again + 2 + len(piece))))
            self._place(piece)
            self._write(_Step((again,)))
            return
        end = len(self.steps) + (most - least) * (len(piece) + 1)
        for _ in range(most - least):
            self._write(_Step((len(self.steps) + 1, end)))
            self._place(piece)

    def _counts(self) -> tuple[int, int | None] | None:
        """How often what stands before repeats, taken off; ``None`` where it does not."""
        found: tuple[int, int | None]
        match = _COUNTS.match(self.rest)
        if match is not None:
            least = int(match[1])
            found = (least, (int(match[3]) if match[3] else None) if match[2] else least)
            self.rest = self.rest[match.end() :]
        elif self.rest[:1] in _SHORT and self.rest:
            found = _SHORT[self.rest[0]]
            self.rest = self.rest[1:]
        else:
            return None
        self.rest = self.rest.removeprefix("?")  # a lazy repetition finds the same texts
        if self.rest[:1] and self.rest[0] in _SHORT:
            raise ValueError("a repetition cannot be repeated; put it into a group")
        if found[1] is not None and found[1] < found[0]:
            raise ValueError("a repetition {m,n} needs m no greater than n")
        return found

    def _cut(self, begin: int) -> list[_Step]:
        """The steps from ``begin`` on, taken off, counted from their own begin."""
        piece = [_moved(step, -begin) for step in self.steps[begin:]]
        del self.steps[begin:]
        return piece

    def _place(self, piece: list[_Step]) -> None:
        here = len(self.steps)
        for step in piece:
            self._write(_moved(step, here))

    def _write(self, step: _Step) -> None:
        if len(self.steps) >= MOST_STEPS:
            raise ValueError("its repetitions make this pattern too large")
        self.steps.append(step)


def _moved(step: _Step, by: int) -> _Step:
    return _Step(tuple(place + by for place in step.to), step.takes, step.edge)


def _one(sign: str) -> re.Pattern[str]:
    """What matches one character. Raises :class:`ValueError` for what is none."""
    if sign in {"*", "+", "?", "\\"}:
        raise ValueError(
            f"{sign!r} has nothing that it belongs to; before a character that stands for itself write a backslash"
        )
    if re.fullmatch(r"\\[0-9A-Za-z]", sign) and sign[1] not in "dDwWsStnr":
        raise ValueError(f"{sign} is not known; there are \\d \\w \\s \\b and their opposites, and no backreferences")
    try:
        return re.compile(sign if len(sign) > 1 or sign == "." else re.escape(sign), re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise ValueError(f"{sign} is no class of characters: {error}") from error
