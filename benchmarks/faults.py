"""`python -m benchmarks.faults`: what happens on shared machines, done on purpose, and counted.

Each row of the table injects a fault for real: real processes, signals, file systems and limits.
The functions that do so belong to the tests, which call them in short form. A row that breaks a
promise says so, and the exit code is 1. Figures of rows that are not run this time are kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "faults.md"
Figures = Mapping[str, int] | None


NOT_PROMISED = (
    "## Not promised",
    "",
    "- The same bits on another machine, on a GPU, or with other versions: on one machine, by the",
    "  CPU, any number of workers and of interruptions gives the same.",
    "- That a run is never trained twice. Where an owner was stopped past its lease, two train;",
    "  the first to commit stands, whole, the other's result is dropped, nothing is overwritten.",
    "- Anything on a file system that loses what it said was synced. One without hard links",
    "  reserves a name before it is filled; a reader takes that moment for a torn file, and puts",
    "  back what turns out whole.",
)


@dataclass(frozen=True)
class Fault:
    """A row: what goes wrong, how it is made to, and the function that does it (short, folder)."""

    what: str
    how: str
    inject: Callable[[bool, Path], Figures]


def _tests(name: str) -> Any:
    """A module of the tests, with its neighbours in reach as pytest has them."""
    folder = str(ROOT / "tests" / "execution")
    if folder not in sys.path:
        sys.path[:0] = [folder, str(ROOT)]
    return importlib.import_module(name)


def kills(short: bool, folder: Path) -> Figures:
    injected = _tests("injected")
    runs, count = (60, 10) if short else (900, 300)
    return injected.kill_at_random(folder, runs, count, seed=3)


def real_kills(short: bool, folder: Path) -> Figures:
    injected = _tests("injected")
    seeds, count = (2, 6) if short else (12, 200)
    return injected.kill_a_real_grid(folder, seeds, count, seed=4)


def commits(short: bool, folder: Path) -> Figures:
    points = _tests("tests.records.fault_points")
    parts = ["commit", "commit without links"] + ([] if short else ["study", "export"])
    found = sum((points.stopped(part) for part in parts), start=points.Counter())
    told = {name: found[name] for name in ("calls", "points", "killed", "old", "new", "refused")}
    return _kept(told, torn=found["torn"], lost=found["lost"])


def damage(short: bool, folder: Path) -> Figures:
    damage = _tests("tests.records.damage")
    one = damage.of_a_record()
    parts = [
        one,
        damage.of_stored_records(folder / "records", every=20 if short else 1),
        damage.of_an_index(folder / "index", every=60 if short else 3),
        *damage.of_a_study(folder / "study", every=30 if short else 1).values(),
        _of_a_checkpoint(folder / "checkpoint", every=4001 if short else 97),
    ]
    total = sum(parts, start=damage.Counter())
    told = {"bits flipped": total["flipped"], "tails cut": total["cut"]}
    return _kept(told, believed=total["missed"], lost=total["lost"])


def _of_a_checkpoint(folder: Path, every: int) -> Any:
    from runner.records import checkpoints
    from runner.records.record import Damaged

    damage = _tests("tests.records.damage")
    path = checkpoints.path_of(folder, damage.ID)
    with checkpoints.writing(path, {"epoch": 1}) as file:
        file.write(os.urandom(200_000))
    data = path.read_bytes()
    found = damage.Counter()
    for kind, damaged in damage.damages(data, every, bits=1):
        path.write_bytes(damaged)
        found[kind] += 1
        try:
            with checkpoints.reading(path):
                found["missed"] += 1
        except Damaged:
            pass
    return found


def disks(short: bool, folder: Path) -> Figures:
    injected = _tests("injected")
    found: dict[str, int] = {"disks filled": 0}
    for number in range(1 if short else 5):
        for kind in ("room", "full", "files"):
            place = folder / f"{kind}.{number}"
            place.mkdir()
            one = injected.disk_fills_up(place, kind)
            if one is None:
                return None
            found["disks filled"] += 1
            for name, value in one.items():
                found[name] = found.get(name, 0) + value
    return found


def stops(short: bool, folder: Path) -> Figures:
    return _tests("injected").ask_to_stop(folder, 4 if short else 40, seed=5)


def runners(short: bool, folder: Path) -> Figures:
    return _tests("injected").many_runners(folder, 200 if short else 2_000, 8)


def fenced(short: bool, folder: Path) -> Figures:
    return _tests("injected").fenced(folder, every=9 if short else 1)


def clocks(short: bool, folder: Path) -> Figures:
    return _tests("injected").clocks_apart(folder, 6 if short else 60)


def hangs(short: bool, folder: Path) -> Figures:
    return _tests("injected").hung(folder, 2 if short else 20)


def memory(short: bool, folder: Path) -> Figures:
    return _tests("injected").no_memory(folder, 1 if short else 5)


def time_limit(short: bool, folder: Path) -> Figures:
    return _tests("injected").out_of_time(folder, 3 if short else 20)


def diverged(short: bool, folder: Path) -> Figures:
    return _tests("injected").diverging(folder, 1 if short else 5)


def resumed(short: bool, folder: Path) -> Figures:
    resuming = _tests("tests.training.resuming")
    if not short:
        return _kept(resuming.compare_all(), different=0)
    some = (["sam"], ["ema", "mixup"], ["swa", "lookahead"])
    points = sum(resuming.compare_tricks(names) for names in some)
    return {"tricks and pairs": len(some), "points": points, "different": 0}


def workers(short: bool, folder: Path) -> Figures:
    return _tests("injected").any_number_of_workers(folder, 2 if short else 8)


def fuzzed(short: bool, folder: Path) -> Figures:
    fuzzing = _tests("tests.security.fuzzing")
    found = fuzzing.Counter()
    for name in fuzzing.TARGETS:
        found += fuzzing.fuzz(name, 10 if short else 500)
    inputs = found["refused"] + found["result"]
    readers = len(fuzzing.TARGETS)
    told = {"readers": readers, "inputs": inputs, "refused in one line": found["refused"]}
    return _kept(told, tracebacks=0)


def _kept(figures: Mapping[str, int], **promised: int) -> dict[str, int]:
    """`figures` and those that have to be 0."""
    assert not any(promised.values()), {**figures, **promised}
    return {**{name: n for name, n in figures.items() if n}, **promised}


ROWS: dict[str, Fault] = {
    "kills": Fault(
        "runner or worker killed",
        "SIGKILL at random moments to runner, template and workers of a grid of stub trainings of "
        "20 ms, again and again; then run to the end",
        kills,
    ),
    "real-kills": Fault(
        "the same, real trainings",
        "SIGKILL at random moments in `tricks-bench run` on the digits; then run to the end, and "
        "compared with the same grid left in peace",
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
        "a small file system of its own filled while a grid runs: less left than has to be, not a "
        "byte left, no name left; then emptied and run again",
        disks,
    ),
    "stop": Fault(
        "asked to stop",
        "SIGINT or SIGTERM to the process group at random moments, once or twice",
        stops,
    ),
    "runners": Fault(
        "many runners on one folder", "started at once, in processes of their own", runners
    ),
    "fenced": Fault(
        "owner stopped past its lease",
        "SIGSTOP before each call of a run into the store; another takes over and commits; SIGCONT",
        fenced,
    ),
    "clocks": Fault(
        "clock a day off",
        "heartbeats a day ahead and a day behind by turns, looked at by another process",
        clocks,
    ),
    "hang": Fault(
        "a worker that hangs",
        "one that sleeps, one that is stopped (SIGSTOP), one with an epoch longer than the limit "
        "whose batches come",
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
        "NaN or Inf loss", "real trainings at learning rates far too high", diverged
    ),
    "resume": Fault(
        "resumed at each step",
        "from the checkpoint after every step, for each trick and for pairs with a state; weights, "
        "optimizer, averages and figures compared to the bit",
        resumed,
    ),
    "workers": Fault(
        "1 worker or 2",
        "the same real grid by each; epochs, test results and weights compared to the bit",
        workers,
    ),
    "fuzz": Fault(
        "hostile input",
        "inputs made up by hypothesis for every reader: trick strings, options, study files, "
        "tables, records, index, exports",
        fuzzed,
    ),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__.partition("\n\n")[0]
    )
    parser.add_argument("name", nargs="*", help=f"some of: {', '.join(ROWS)}; all if left out")
    parser.add_argument("--short", action="store_true", help="a few of each, in some minutes")
    parser.add_argument("--out", type=Path, default=OUT, help="the table, beside its figures")
    asked = parser.parse_args()
    unknown = [name for name in asked.name if name not in ROWS]
    if unknown:
        parser.error(f"there is no fault {unknown[0]!r}; there are {', '.join(ROWS)}")
    kept = asked.out.with_suffix(".json")
    rows: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    broken = []
    for name in asked.name or ROWS:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows[name] = _row(ROWS[name], asked.short)
        if "broken" in rows[name]:
            broken.append(name)
        print(f"{_cell(rows[name])} ({rows[name]['seconds']} s)", file=sys.stderr, flush=True)
        kept.write_text(json.dumps(rows, indent=1) + "\n")
        asked.out.write_text(_page(rows))
    if broken:
        print(f"promises broken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _row(fault: Fault, short: bool) -> dict[str, Any]:
    began = time.monotonic()
    row: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "short": short,
        "machine": f"{platform.system()}, {len(os.sched_getaffinity(0))} cores",
    }
    try:
        with tempfile.TemporaryDirectory(prefix="tricks-bench-") as folder:
            try:
                row["figures"] = fault.inject(short, Path(folder))
            finally:
                _tests("injected").end_all()
    except Exception as error:
        traceback.print_exc()
        row["broken"] = f"{type(error).__name__}: {str(error)[:300]}"
    return {**row, "seconds": round(time.monotonic() - began)}


def _page(rows: Mapping[str, Any]) -> str:
    lines = [
        "# Faults, injected and counted",
        "",
        "Written by `python -m benchmarks.faults` from what it counted; with a name it does that",
        "row again, with `--short` a few of each. The tests hold the same in short form.",
        "Lost: a run without its record. Torn: a record that is not whole. Duplicated: a training",
        "begun after its run had its record. Repeated: trainings begun again, which is what was in",
        "flight when a process ended.",
        "",
        "| name | what goes wrong | how it is made to | what came of it | form |",
        "|---|---|---|---|---|",
    ]
    for name, fault in ROWS.items():
        if name in rows:
            row = rows[name]
            form = f"{'short' if row['short'] else 'long'}, {row['seconds']:,} s, {row['date']}"
            lines.append(f"| {name} | {fault.what} | {fault.how} | {_cell(row)} | {form} |")
    machines = sorted({row["machine"] for row in rows.values()})
    lines += ["", f"Machine: {'; '.join(machines)}.", "", *NOT_PROMISED, ""]
    return "\n".join(lines)


def _cell(row: Mapping[str, Any]) -> str:
    if "broken" in row:
        return f"**broken**: {row['broken']}".replace("|", "/").replace("\n", " ")
    if row["figures"] is None:
        return "cannot be done here (no file system may be mounted)"
    return ", ".join(f"{value:,} {name}" for name, value in row["figures"].items())


if __name__ == "__main__":
    sys.exit(main())
