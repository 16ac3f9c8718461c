"""Kinds of which Tocsin has nothing that a case could be played on; each with what there is instead."""

from collections.abc import Mapping
from typing import Final

from tests.cases.case import Case, Driver, NotYet
from tests.cases.grouping import SILENCES

MISSING: Final[Mapping[str, str]] = {
    "channel.thread": "in Slack a page changes where it stands and news stands in its thread; no case of it is played here yet",
    "escalation.silence": SILENCES,
    "inhibit.matrix": "no alert mutes another; those of one body and service are one incident",
    "limit.sequence": "neither open alerts nor the lists of the configuration have a limit that can be set",
    "oncall.announcement": "nobody is told in a message who is on call; the console, calendars and the API show it",
    "queue.bundle": "pages are not bundled: each of them leaves at once",
    "queue.order": "messages leave in the order in which they are due, whichever service they are of",
    "retention": "incidents are kept for good; only bodies, as they came in, are deleted after a while",
    "silence": SILENCES,
    "throttle.next_allowed": "nobody's messages are limited in number: a page leaves at once",
    "throttle.sequence_allowed": "nobody's messages are limited in number: a page leaves at once",
}


def driver_of(kind: str) -> Driver:
    """The driver of a kind that is not there: it says why."""

    def driver(case: Case) -> None:
        raise NotYet(MISSING[case.kind])

    driver.__name__ = f"missing_{kind}"
    return driver
