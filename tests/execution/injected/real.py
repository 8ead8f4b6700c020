"""The faults in real trainings: the command line on digits."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from injected.accounts import Figures, accounted
from injected.runners import STARTED, in_session, kill_one, until
from runner.records.store import Store

PROGRAM = [sys.executable, "-c", "from runner.cli import main; main()"]
GRID = ["--tricks", "warmup,mixup,ema", "--set", "epochs=3", "--set", "train_images=256", "--yes",
        "--name", "real"]  # fmt: skip
SAME = ("state", "epochs", "test_accuracy", "test_loss", "val_accuracy", "correct", "steps",
        "weights_sha256")  # fmt: skip


class Command:
    """`tricks-bench run` of a small grid of real trainings, in its own session."""

    def __init__(self, folder: Path, seeds: int, *more: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = (folder / "out.txt").open("a")
        self.process = subprocess.Popen(
            [*PROGRAM, "run", *GRID, "--seeds", str(seeds), *more],
            cwd=folder, stdout=self.log, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        STARTED.append(self.process)

    def end(self) -> int:
        """Its exit code."""
        code = self.process.wait(timeout=3600)
        self.log.close()
        return code


def whole_grid(folder: Path, seeds: int, *more: str) -> Store:
    """The store of a grid that ran to its end. Raises AssertionError with its last output."""
    code = Command(folder, seeds, *more).end()
    assert code == 0, (folder / "out.txt").read_text()[-2000:]
    return Store(folder / "results", create=False)


def kill_a_real_grid(folder: Path, seeds: int, kills: int, seed: int) -> Figures:
    """SIGKILL a real grid's processes at random; its records equal those of an undisturbed grid."""
    draw = random.Random(seed)
    killed: Counter[str] = Counter()
    disturbed, calm = folder / "disturbed", folder / "calm"
    claims = disturbed / "results" / "claims"
    while sum(killed.values()) < kills:
        command = Command(disturbed, seeds, "--workers", "2")
        session = command.process.pid
        ended = command.process.poll
        assert until(lambda: any(claims.glob("??/*.*")) or ended() is not None, 120)  # noqa: B023
        for _ in range(draw.randrange(2, 9)):
            time.sleep(0.2 + draw.random() * 1.2)
            children = [pid for pid in in_session(session) if pid != session]
            killed["of workers"] += kill_one(children, draw)
        command.process.kill()
        command.end()
        killed["of runners"] += 1
        assert until(lambda: not in_session(session), 60), "orphans"  # noqa: B023
        seeds += ended() == 0  # it was done: go on with a larger one
    stores = [whole_grid(place, seeds, "--workers", "2") for place in (calm, disturbed)]
    figures = {"kills": sum(killed.values()), **killed}
    figures |= accounted(disturbed, stores[0].ids())
    del figures["duplicated"], figures["repeated"]  # the diary of the stub tells of these
    figures["metrics or weights that differ"] = differences(*stores)
    assert figures["torn"] == figures["lost"] == 0, figures
    assert figures["metrics or weights that differ"] == 0, figures
    return figures


def differences(one: Store, other: Store) -> int:
    """Records of two stores that differ in bits that a training must reproduce."""
    ids = set(one.states())
    assert ids == set(other.states())
    count = 0
    for id in ids:
        first, second = (store.read(id) or {} for store in (one, other))
        count += any(first.get(key) != second.get(key) for key in SAME)
    return count


def any_number_of_workers(folder: Path, seeds: int) -> Figures:
    """The same real grid by one worker and by two, and with other seeds."""
    one, two = (whole_grid(folder / n, seeds, "--workers", n) for n in ("1", "2"))
    different = differences(one, two)
    assert different == 0
    records = [one.read(id) or {} for id in one.states()]
    losses = {json.dumps([record["tricks"], record["epochs"]]) for record in records}
    assert len(losses) == len(records), "two seeds of an arm gave the same losses"
    weights = sum(record.get("weights_sha256") is not None for record in records)
    return {"records compared": len(records), "with weights": weights, "different": different}


def diverging(folder: Path, seeds: int) -> Figures:
    """Real trainings with an infinite or NaN loss: recorded as diverged, and the grid ends."""
    much = ["--factor", "lr_scale=1000,100000", "--tricks", "none"]
    store = whole_grid(folder, seeds, *much, "--workers", "2")
    states = Counter(store.states().values())
    diverged = [store.read(id) or {} for id, s in store.states().items() if s == "diverged"]
    assert diverged, states
    assert all(record["test_accuracy"] is None for record in diverged)
    return {"diverged": states["diverged"], "failed": states["failed"], "ok": states["ok"]}
