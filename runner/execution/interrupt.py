"""Ctrl-C, SIGTERM, a closed terminal: once, finish what is running; twice, stop now.

The handlers only count, since a signal may come at any point of the program.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Signals that child processes ignore; also the warning of a cluster's time limit.
TO_THE_RUNNER = (*STOPS, signal.SIGUSR2)


class Interrupt:
    """Counts requests to stop while it is entered. Only a main thread receives them.

    stops: the signals that count. most: the maximum of the count, for one request that comes as
    several signals. signals: the received signals.
    """

    def __init__(self, stops: Iterable[int] = STOPS, most: int | None = None) -> None:
        self.requests = 0
        nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # then it stays ignored
        self.stops = [number for number in stops if not (nohup and number == signal.SIGHUP)]
        self.most = most
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
