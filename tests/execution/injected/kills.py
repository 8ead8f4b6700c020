"""Processes killed, and asked to stop, at random moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from injected.accounts import Figures, sound
from injected.runners import Runner, in_session, kill_one, until


def kill_at_random(folder: Path, runs: int, kills: int, seed: int) -> Figures:
    """SIGKILL workers, template and runner at random moments, `kills` times; then let it finish."""
    draw = random.Random(seed)
    killed: Counter[str] = Counter()
    while sum(killed.values()) < kills:
        runner = Runner(folder, runs=runs, seconds=0.02)
        runner.wait_for("Started")
        for _ in range(draw.randrange(6)):
            time.sleep(draw.random() * 0.1)
            killed["of workers"] += kill_one(runner.children(), draw)
        time.sleep(draw.random() * 0.1)
        runner.process.kill()
        runner.process.communicate()
        killed["of runners"] += 1
    Runner(folder, runs=runs).summary()
    figures = {"kills": sum(killed.values()), **killed, **sound(folder, runs)}
    in_flight = killed["of workers"] + 2 * killed["of runners"]  # each runner had two workers
    assert figures["repeated"] <= in_flight, figures
    return figures


def ask_to_stop(
    folder: Path,
    times: int,
    seed: int,
    signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
) -> Figures:
    """One of `signals` to the whole group at random moments, once or twice; then let it finish."""
    draw = random.Random(seed)
    asked: Counter[str] = Counter()
    runs = 20 + 6 * times
    for _ in range(times):
        runner = Runner(folder, runs=runs, seconds=0.3)
        runner.wait_for("Started", 1)
        time.sleep(draw.random() * 0.4)
        number = draw.choice(signals)
        twice = draw.random() < 0.5
        os.killpg(runner.process.pid, number)
        if twice:
            runner.wait_for("Stopping")
            os.killpg(runner.process.pid, number)
        summary, err = runner.end()
        assert summary is not None, err
        assert err == "", err
        assert summary["interrupted"] or not twice
        asked["twice" if twice else "once"] += 1
        session = runner.process.pid
        assert until(lambda: not in_session(session)), "orphans"  # noqa: B023
    Runner(folder, runs=runs).summary()
    figures = sound(folder, runs)
    assert figures["repeated"] <= 2 * asked["twice"], figures
    return {f"asked {how}": n for how, n in sorted(asked.items())} | figures | {"orphans": 0}
