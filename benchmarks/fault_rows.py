"""The faults of `python -m benchmarks.faults`: what goes wrong, and how it is injected.

The functions that inject faults belong to the tests, which call them in short form.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
Figures = Mapping[str, int] | None


@dataclass(frozen=True)
class Fault:
    """A row: what goes wrong, how it is injected, and the function for it (short, folder)."""

    what: str
    how: str
    inject: Callable[[bool, Path], Figures]


def of_tests(name: str) -> Any:
    """A module of the tests, which can import its neighbours as under pytest."""
    folder = str(ROOT / "tests" / "execution")
    if folder not in sys.path:
        sys.path[:0] = [folder, str(ROOT)]
    return importlib.import_module(name)


def kills(short: bool, folder: Path) -> Figures:
    runs, count = (60, 10) if short else (900, 300)
    return of_tests("injected.kills").kill_at_random(folder, runs, count, seed=3)


def real_kills(short: bool, folder: Path) -> Figures:
    seeds, count = (2, 6) if short else (12, 200)
    return of_tests("injected.real").kill_a_real_grid(folder, seeds, count, seed=4)


def commits(short: bool, folder: Path) -> Figures:
    points = of_tests("tests.records.fault_points")
    parts = ["commit", "commit without links"] + ([] if short else ["study", "export"])
    found = sum((points.stopped(part) for part in parts), start=points.Counter())
    told = {name: found[name] for name in ("calls", "points", "killed", "old", "new", "refused")}
    return _kept(told, torn=found["torn"], lost=found["lost"])


def damage(short: bool, folder: Path) -> Figures:
    damage = of_tests("tests.records.damage")
    parts = [
        damage.of_a_record(),
        damage.of_stored_records(folder / "records", every=20 if short else 1),
        damage.of_an_index(folder / "index", every=60 if short else 3),
        *damage.of_a_study(folder / "study", every=30 if short else 1).values(),
        damage.of_a_checkpoint(folder / "checkpoint", every=4001 if short else 97),
    ]
    total = sum(parts, start=damage.Counter())
    told = {"bits flipped": total["flipped"], "tails cut": total["cut"]}
    return _kept(told, believed=total["missed"], lost=total["lost"])


def disks(short: bool, folder: Path) -> Figures:
    found: dict[str, int] = {"disks filled": 0}
    for number in range(1 if short else 5):
        for kind in ("room", "full", "files"):
            place = folder / f"{kind}.{number}"
            place.mkdir()
            one = of_tests("injected.disks").disk_fills_up(place, kind)
            if one is None:
                return None
            found["disks filled"] += 1
            for name, value in one.items():
                found[name] = found.get(name, 0) + value
    return found


def stops(short: bool, folder: Path) -> Figures:
    return of_tests("injected.kills").ask_to_stop(folder, 4 if short else 40, seed=5)


def hangups(short: bool, folder: Path) -> Figures:
    ask = of_tests("injected.kills").ask_to_stop
    return ask(folder, 4 if short else 40, seed=6, signals=[signal.SIGHUP])


def runners(short: bool, folder: Path) -> Figures:
    return of_tests("injected.owners").many_runners(folder, 200 if short else 2_000, 8)


def fenced(short: bool, folder: Path) -> Figures:
    return of_tests("injected.owners").fenced(folder, every=9 if short else 1)


def clocks(short: bool, folder: Path) -> Figures:
    return of_tests("injected.owners").clocks_apart(folder, 6 if short else 60)


def hangs(short: bool, folder: Path) -> Figures:
    return of_tests("injected.time_limits").hung(folder, 2 if short else 20)


def memory(short: bool, folder: Path) -> Figures:
    return of_tests("injected.memory").no_memory(folder, 1 if short else 5)


def time_limit(short: bool, folder: Path) -> Figures:
    return of_tests("injected.time_limits").out_of_time(folder, 3 if short else 20)


def diverged(short: bool, folder: Path) -> Figures:
    return of_tests("injected.real").diverging(folder, 1 if short else 5)


def resumed(short: bool, folder: Path) -> Figures:
    resuming = of_tests("tests.training.resuming")
    if not short:
        return _kept(resuming.compare_all(), different=0)
    some = (["sam"], ["ema", "mixup"], ["swa", "lookahead"])
    points = sum(resuming.compare_tricks(names) for names in some)
    return {"tricks and pairs": len(some), "points": points, "different": 0}


def workers(short: bool, folder: Path) -> Figures:
    return of_tests("injected.real").any_number_of_workers(folder, 2 if short else 8)


def fuzzed(short: bool, folder: Path) -> Figures:
    fuzzing = of_tests("tests.security.fuzzing")
    found = fuzzing.Counter()
    for name in fuzzing.TARGETS:
        found += fuzzing.fuzz(name, 10 if short else 500)
    inputs = found["refused"] + found["result"]
    readers = len(fuzzing.TARGETS)
    told = {"readers": readers, "inputs": inputs, "refused in one line": found["refused"]}
    return _kept(told, tracebacks=0)


def _kept(figures: Mapping[str, int], **promised: int) -> dict[str, int]:
    """`figures`, and the figures that have to be 0."""
    assert not any(promised.values()), {**figures, **promised}
    return {**{name: n for name, n in figures.items() if n}, **promised}


ROWS: dict[str, Fault] = {
    "kills": Fault(
        "runner or worker killed",
        "SIGKILL at random moments to runner, template and workers of a grid of stub trainings of "
        "20 ms, many times; then the grid is run to its end",
        kills,
    ),
    "real-kills": Fault(
        "the same, real trainings",
        "SIGKILL at random moments in `tricks-bench run` on the digits; then the grid is run to "
        "its end and compared with an undisturbed grid",
        real_kills,
    ),
    "commit": Fault(
        "a write stopped half-way",
        "an error, a full disk, or SIGKILL before and after every call into the file system, and "
        "in the middle of a write",
        commits,
    ),
    "damage": Fault(
        "a byte flipped, a tail cut",
        "in record, index, study and checkpoint",
        damage,
    ),
    "disk": Fault(
        "disk full",
        "a small separate file system is filled while a grid runs: too little space, no byte, or "
        "no name left; then it is emptied and the grid is run again",
        disks,
    ),
    "stop": Fault(
        "asked to stop",
        "SIGINT or SIGTERM to the process group at random moments, once or twice",
        stops,
    ),
    "hangup": Fault(
        "its terminal is closed",
        "SIGHUP to the process group at random moments, once or twice",
        hangups,
    ),
    "runners": Fault(
        "many runners on one folder", "started at once, in separate processes", runners
    ),
    "fenced": Fault(
        "owner stopped past its lease",
        "SIGSTOP before each call of a run into the store; another takes over and commits; SIGCONT",
        fenced,
    ),
    "clocks": Fault(
        "clock a day off",
        "heartbeats alternately a day ahead and a day behind, read by another process",
        clocks,
    ),
    "hang": Fault(
        "a worker that hangs",
        "a worker that sleeps, a worker that is stopped (SIGSTOP), and an epoch longer than the "
        "limit in which batches are done",
        hangs,
    ),
    "memory": Fault(
        "out of memory",
        "RLIMIT_AS for Python and for torch; a control group whose limit makes the kernel kill",
        memory,
    ),
    "time": Fault(
        "out of time", "the limit of the whole execution, at random moments of a grid", time_limit
    ),
    "diverged": Fault(
        "NaN or Inf loss", "real trainings at far too high learning rates", diverged
    ),
    "resume": Fault(
        "resumed at each step",
        "from the checkpoint after every step, for each trick and for pairs with a state; weights, "
        "optimizer, averages and figures compared to the bit",
        resumed,
    ),
    "workers": Fault(
        "1 worker or 2",
        "the same real grid with each; epochs, test results and weights compared to the bit",
        workers,
    ),
    "fuzz": Fault(
        "hostile input",
        "inputs generated by hypothesis for every reader: trick strings, options, study files, "
        "tables, records, index, exports",
        fuzzed,
    ),
}  # fmt: skip
