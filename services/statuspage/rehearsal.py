"""What would happen, put together of what two services say: the escalator plays an incident through, oncall says who would hear of each step.

Where oncall finds nobody for a rung the escalator is asked again, with that rung as unheard: the next one comes at once then, as it does live.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from libs.common.durations import Duration
from services.statuspage.domain.foresight import Answer, Heard, Played, Said, heard, taker, unheard
from services.statuspage.peers import LONG, PeerRefused, Peers

MOST_ROUNDS: Final = 60
"""How often the escalator is asked again: more than a ladder has rungs in all its rounds."""

T = TypeVar("T", bound=Said)
_SPAN: Final = TypeAdapter[Any](Duration)


class _Answers(Said):
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Foresight:
    """What would happen, and who would hear of it. ``person`` is who was taken to acknowledge."""

    played: Played
    steps: tuple[Heard, ...]
    person: str | None


async def foresee(peers: Peers, key: str, wanted: Mapping[str, Any]) -> Foresight:
    """Play what is ``wanted`` (the body of the escalator's ``POST /v1/simulations``). Raises :class:`PeerRefused`."""
    slots: list[str] = []
    person = wanted.get("person")
    for _ in range(MOST_ROUNDS):
        body = {**wanted, "unheard": slots, **({"person": person} if person else {})}
        played = _read(
            Played, await peers.ask("escalator", "POST", f"{peers.at.escalator}/v1/simulations", key, body, LONG)
        )
        steps = heard(played, await _answers(peers, key, played))
        slot = unheard(steps, slots)
        if slot is not None:
            slots.append(slot)
            continue
        found = None if person else _taker(wanted, played, steps)
        if found is None:
            break
        person = found
    return Foresight(played, steps, person)


def _taker(wanted: Mapping[str, Any], played: Played, steps: Sequence[Heard]) -> str | None:
    """Who would acknowledge, where somebody does."""
    after = wanted.get("acknowledge_after")
    return None if after is None else taker(steps, played.at + _SPAN.validate_python(after))


async def _answers(peers: Peers, key: str, played: Played) -> list[Answer]:
    """For each step whom its references mean at its moment."""
    asked = [step for step in played.steps if step.refs]
    found: dict[int, Answer] = {}
    if asked:
        moments = [{"at": step.at.isoformat(), "refs": list(step.refs), "purpose": step.purpose} for step in asked]
        body = {"context": played.context, "moments": moments}
        answer = await peers.ask("oncall service", "POST", f"{peers.at.oncall}/v1/resolve/batch", key, body, LONG)
        answers = _read(_Answers, answer).answers
        if len(answers) != len(asked):
            raise PeerRefused("The oncall service did not answer for every step.", 502)
        found = {id(step): one for step, one in zip(asked, answers, strict=True)}
    return [found.get(id(step), Answer()) for step in played.steps]


def _read(shape: type[T], answer: Any) -> T:
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        raise PeerRefused("The other service answered with something that this version does not know.", 502) from error
