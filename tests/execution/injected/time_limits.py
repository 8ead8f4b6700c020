"""Trainings that hang, and executions that reach their time limit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from stub_training import specs

from injected.accounts import Figures, diary, sound
from injected.runners import Runner
from runner.records.store import Store


def hung(folder: Path, times: int) -> Figures:
    """A training that sleeps, one that is stopped, and one with a long epoch, side by side."""
    found: Counter[str] = Counter({"long epochs ended": 0})
    for number in range(times):
        place = folder / str(number)
        place.mkdir()
        summary = Runner(place, seeds="90007,90016,90017,0,1", stall=1.2, retries=1).summary()
        states = Store(place / "results").states()
        asleep, busy, stopped = (states[specs([n])[0].id] for n in (90007, 90016, 90017))
        assert (asleep, busy, stopped) == ("infra", "ok", "ok"), states
        assert (summary["ok"], summary["infra"]) == (4, 1), summary
        begun = Counter(id for id, _, _ in diary(place))
        assert begun[specs([90016])[0].id] == 1
        found.update({"sleepers ended": 2, "stopped workers ended": 1, "other runs ok": 2})
    return dict(found)


def out_of_time(folder: Path, times: int) -> Figures:
    """Executions with a limit of time, one after the other; then one without."""
    ended = 0
    for _ in range(times):
        summary = Runner(folder, runs=30 * times, seconds=0.1, wall=1.0).summary()
        assert summary["out_of_time"] == summary["interrupted"]
        ended += summary["out_of_time"]
    Runner(folder, runs=30 * times, seconds=0).summary()
    figures = sound(folder, 30 * times)
    assert figures["repeated"] == 0, figures
    return {"limits reached": ended, **figures}
