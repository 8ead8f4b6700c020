"""Ctrl-C, SIGTERM, a closed terminal: once, finish what is running; twice, stop now.

Nothing else is done in a handler: a signal comes anywhere.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


# What the processes under a runner do not heed, the warning of a cluster's time limit too.
TO_THE_RUNNER = (*STOPS, signal.SIGUSR2)


def heeded(stops: Iterable[int]) -> list[int]:
    """Those that stop this process: `nohup` has it ignore SIGHUP, and so it stays."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in stops if not (ignored and number == signal.SIGHUP)]


class Interrupt:
    """Counts requests to stop while it is entered; only a main thread can receive them.

    stops: signals that are such requests. most: requests that are counted, for where one request
    comes by several signals. signals: those that came.
    """

    def __init__(self, stops: Iterable[int] = STOPS, most: int | None = None) -> None:
        self.requests = 0
        self.stops, self.most = heeded(stops), most
        self.signals: set[int] = set()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._count) for number in self.stops}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.signals.add(number)
        if self.most is None or self.requests < self.most:
            self.requests += 1
