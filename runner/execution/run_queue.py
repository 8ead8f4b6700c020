"""The next run: from a lazy sequence of runs, without runs that are recorded or held elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from runner.records.record import DONE, FAILED
from runner.records.run import Run
from runner.records.store import Store

PATIENCE = 0.1  # seconds of skipping recorded runs before control returns to the caller
POLL = 1.0  # seconds between looks at runs that another process holds


@dataclass
class PendingRun:
    """A run to be done."""

    run: Run
    losses: int = 0  # attempts lost to system failures since the last progress
    reached: int = 0  # the most steps that its checkpoint has had
    stale_claim: str | None = None  # token of a claim to be taken over


class RunQueue:
    """The runs of an execution that are still to be done."""

    def __init__(self, runs: Iterable[Run], store: Store) -> None:
        self.store = store
        self.skipped = 0  # since the last question; the caller resets it
        self.failed_before = 0
        self.exhausted = False
        self.elsewhere: dict[str, PendingRun] = {}
        self._runs = iter(runs)
        self._known = store.states()
        self._taken: set[str] = set()
        self._again: deque[PendingRun] = deque()
        self._looked = 0.0

    @property
    def empty(self) -> bool:
        """Whether no run is left, here or elsewhere."""
        return self.exhausted and not self._again and not self.elsewhere

    @property
    def only_elsewhere(self) -> bool:
        """Whether the only runs left are held by other processes."""
        return self.exhausted and not self._again and bool(self.elsewhere)

    def next(self, fresh: bool = False) -> PendingRun | None:
        """The next run to do now; None if there is none at the moment.

        fresh: prefer a run that was not lost before.
        """
        found = self._fresh() if fresh else None
        if found is None and self._again:
            found = self._again.popleft()
        return found or self._fresh() or self._freed()

    def any_left(self) -> bool:
        """Whether a run is left, after skipping recorded runs."""
        pending = self.next()
        if pending is not None:
            self._again.appendleft(pending)
        return bool(self._again or self.elsewhere)

    def retry(self, pending: PendingRun) -> None:
        """Try a lost run again, before others."""
        self._again.append(pending)

    def skip(self, state: str | None) -> None:
        """Count a run that needs no training. state: of its record, if it has one."""
        self.skipped += 1
        self.failed_before += state in FAILED

    def defer(self, pending: PendingRun) -> None:
        """Look at this run again later: another process holds it."""
        pending.stale_claim = None
        self.elsewhere[pending.run.id] = pending

    def _fresh(self) -> PendingRun | None:
        deadline = time.monotonic() + PATIENCE
        while not self.exhausted and time.monotonic() < deadline:
            run = next(self._runs, None)
            if run is None:
                self.exhausted = True
                break
            # A record is written once, so a known state is final; a missing record may have come.
            state = self._known.get(run.id)
            if state is None and self.store.path(run.id).exists():
                state = self.store.state(run.id)
            if state in DONE or run.id in self._taken:
                self.skip(None if run.id in self._taken else state)
                continue
            self._taken.add(run.id)
            return PendingRun(run)
        return None

    def _freed(self) -> PendingRun | None:
        """A run that another process has given up. Runs that it has recorded are skipped."""
        if not self.elsewhere or time.monotonic() - self._looked < POLL:
            return None
        for id, pending in tuple(self.elsewhere.items()):
            # Look at the claim first: a process commits the record before it releases the claim.
            token = self.store.claims.stale(id)
            state = self.store.state(id)
            if state in DONE:
                del self.elsewhere[id]
                self.skip(state)
            elif token is not None:
                del self.elsewhere[id]
                pending.stale_claim = token or None
                return pending
        self._looked = time.monotonic()
        return None
