"""Where Tocsin does otherwise than a peer because that was decided. Each trait is tried on Tocsin before it is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Decision:
    """What Tocsin does in place of what the case expects, and where that stands."""

    instead: str
    where: str

    def __str__(self) -> str:
        return f"{self.instead} ({self.where})"


DECISIONS: Final[Mapping[str, Decision]] = {
    "a holder who escalates": Decision(
        "whoever acknowledged an incident keeps it when they call the next rung for help", "docs/escalation.md"
    ),
    "a policy that changes": Decision(
        "an incident keeps the ladder that it opened with; a change counts for those that open after",
        "docs/escalation.md",
    ),
    "a chain that changes": Decision(
        "a page goes the chain that its person had when it was due; a change counts from the next one", "docs/adr/0021"
    ),
    "an empty ladder": Decision(
        "a ladder without rungs, and a rung without anybody, are refused when they are configured", "docs/escalation.md"
    ),
    "a contact that waits": Decision("the first contact of a chain is used at once", "docs/adr/0021"),
    "the end of an incident": Decision(
        "everyone who was reached hears how it ended, whenever that is and however else they are reached by then",
        "docs/escalation.md",
    ),
    "one acknowledgement": Decision("an acknowledgement stops the ladder for everyone", "docs/escalation.md"),
    "groups": Decision(
        "the first alert of something pages at once, what joins it pages nobody, and the ladder repeats: no group is waited for",
        "docs/adr/0010",
    ),
    "the title of a group": Decision(
        "each alert of a body is one, and its own summary is its title", "docs/integrations/alertmanager.md"
    ),
    "one ladder": Decision(
        "the first rule that matches decides, and an incident climbs one ladder", "docs/escalation.md"
    ),
    "a maintenance that is announced again": Decision(
        "what is announced again moves the one that there is", "docs/escalation.md"
    ),
    "alarms of a maintenance": Decision(
        "what still fires when a maintenance ends opens an incident of its own and pages", "docs/adr/0018"
    ),
    "a provider that throttles": Decision("429 is tried again when the provider says so", "docs/notifications.md"),
    "a limit for each key": Decision("rates are counted by key, in each replica", "docs/adr/0016"),
    "a repeat": Decision("what is so already changes nothing, and is no error", "docs/escalation.md"),
    "a shift that is recorded": Decision(
        "whose turn it is is computed, for the past as for the future, never read from what was recorded",
        "docs/adr/0012",
    ),
    "spans that overlap": Decision("of temporary spans that overlap the later made stands", "docs/on-call.md"),
    "the last occurrence": Decision(
        "a time that the clocks show twice is its first occurrence, for ends of windows too", "docs/adr/0012"
    ),
    "hours across midnight": Decision(
        "hours that end before they begin cross midnight, and those that end when they begin are a whole day",
        "docs/adr/0012",
    ),
}
