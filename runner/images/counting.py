"""Progress lines of a pass over many images, once it takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from runner.text import duration

# Seconds to the first line; the time between lines doubles, up to LONGEST.
FIRST, LONGEST = 2.0, 30.0


class Counting:
    """Counts images, and prints the count now and then.

    counted_as: the words after "N of M". total: the number of images.
    """

    def __init__(self, counted_as: str, total: int, say: Callable[[str], None]) -> None:
        self.counted_as, self.total, self.say = counted_as, total, say
        self.done = 0
        self.began = time.monotonic()
        self.next, self.step = self.began + FIRST, FIRST

    def one(self) -> None:
        """Count one more image."""
        self.done += 1
        now = time.monotonic()
        if now < self.next or self.done >= self.total:
            return
        self.step = min(LONGEST, 2 * self.step)
        self.next = now + self.step
        left = (now - self.began) / self.done * (self.total - self.done)
        self.say(f"{self.done:,} of {self.total:,} {self.counted_as}, {duration(left)} left")


def on_stderr(line: str) -> None:
    """Print a line on stderr, beside a command's answer on stdout."""
    print(line, file=sys.stderr, flush=True)
