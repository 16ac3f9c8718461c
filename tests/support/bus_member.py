"""A member of a group in a process of its own, so that tests can kill it: reads, says what it read, never commits.

``python -m tests.support.bus_member URL GROUP TOPIC``
"""

import asyncio
import sys
from datetime import timedelta

from libs.common.bus.connect import connect


async def main(url: str, group: str, topic: str) -> None:
    """Print the offset of each record that was read, for ever."""
    bus = connect(url)
    await bus.start()
    consumer = await bus.subscribe(group, [topic])
    while True:
        for record in await consumer.fetch(10, timedelta(seconds=1)):
            sys.stdout.write(f"{record.offset}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
