"""The garbage collector of a process that serves: what was made at the start is left out of every collection.

A full collection walks every object that lives: after the imports of a service these are half a million, and walking them
stops every request for some 100 ms, several times a second under load (in intake it cost as much as all requests together).
What start-up made stays until the end anyway, so it is frozen once; what requests make is collected less often, in larger lots.
"""

import gc
from typing import Final

THRESHOLDS: Final = (20_000, 20, 20)
"""Objects before the youngest are collected, and how often before the older ones are. Python's own begin at 700."""


class SettledHeap:
    """The last component to start before the port is opened."""

    name = "heap"

    async def start(self) -> None:
        """Collect once, freeze what is left, and collect less often from now on."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)

    async def stop(self) -> None:
        """Nothing to stop."""
