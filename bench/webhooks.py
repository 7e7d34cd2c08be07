"""What one worker delivers in a second, and that bad receivers do not delay good ones.

Floor of the first: a bare httpx2 client that posts bodies of the same size to the same receiver, as
many at once, in the same run. Of the second: the same load without the bad receivers.
"""

from __future__ import annotations

from typing import Final

from bench.figures import Aim, Figure
from bench.stack import Stack, in_thread

_PACE: Final = Aim("ratio", least=0.5)
_DELAY: Final = Aim("ratio", most=1.5)


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Deliveries a second; milliseconds from an event's commit to its acceptance."""
    receiver = await in_thread(stack.receiver)
    database = await in_thread(stack.database, "bench_webhooks")
    events = 100 if quick else 1000
    pace = await in_thread(
        lambda: stack.prepare(database, "deliveries", url=receiver.url, events=events)
    )
    told = 20 if quick else 200  # each to 50 endpoints
    delays = []
    for bad in (0, 5):
        fresh = await in_thread(stack.database, f"bench_webhooks_{bad}")
        delays.append(
            await in_thread(
                lambda fresh=fresh, bad=bad: stack.prepare(  # type: ignore[misc]
                    fresh, "delays", url=receiver.url, events=told, bad=bad
                )
            )
        )
    good, beside = delays
    return [
        Figure(
            "webhooks",
            "deliveries of one worker",
            "/s",
            pace["product"],
            pace["bare"],
            _PACE,
            pace["count"],
        ),
        Figure(
            "webhooks",
            "p99 to 40 good of 50, 5 down and 5 slow beside",
            "ms",
            beside["p99"],
            good["p99"],
            _DELAY,
            beside["count"],
        ),
    ]
