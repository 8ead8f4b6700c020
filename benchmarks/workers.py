"""`python -m benchmarks workers`: many workers that train nothing on one folder of results.

It measures the cost of the store: runs per second for a number of processes, calls into the file
system for each run, and the cost of a heartbeat. Each worker does what a cluster job does, except
the training: it goes through its share of the runs, claims, records and releases.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.execution.clusters.open_runs import turned, unrecorded
from runner.execution.clusters.submission import line_of
from runner.execution.messages import Assignment, Elsewhere, Recorded
from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Outcome, Preload
from runner.execution.worker import perform
from runner.records.claims import BEAT, LEASE
from runner.records.json_values import JsonValue, digest
from runner.records.run import Run
from runner.records.store import Store

EPOCHS = 3
# Mostly one NFS call each; reads and writes of open files are counted separately.
METADATA = (
    "access", "getdents64", "link", "lstat", "mkdir", "newfstatat", "open", "openat", "readlink",
    "rename", "renameat", "renameat2", "rmdir", "stat", "statx", "unlink", "unlinkat", "utimensat",
)  # fmt: skip
DATA = ("fdatasync", "fsync", "pread64", "pwrite64", "read", "write")
SCALE = {"runs": 100_000, "workers": 1_000, "hours_per_run": 0.5}


@dataclass(frozen=True)
class Nothing:
    """Work without training: some epochs, and an outcome of the usual size."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        for epoch in range(1, EPOCHS + 1):
            emit({"epoch": epoch, "loss": 1.0, "val_accuracy": 50.0})
        epochs: list[JsonValue] = [{"epoch": e, "loss": 1.0} for e in range(1, EPOCHS + 1)]
        fields: dict[str, JsonValue] = {
            "epochs": epochs, "val_accuracy": 50.0, "test_accuracy": 50.0, "test_images": 8_000,
            "correct": "A" * 1_336, "seconds": {"total": 1.0},
        }  # fmt: skip
        return Outcome("ok", fields, 50.0, 1.0)

    def preload(self) -> Sequence[Preload]:
        return ()


def runs(count: int) -> list[Run]:
    """Runs that differ in their seed."""
    payload: dict[str, JsonValue] = {"data": {"name": "nothing"}, "tricks": ["cosine", "mixup"]}
    return [
        Run(digest(seed)[:16], seed, f"seed {seed}", {**payload, "seed": seed})
        for seed in range(count)
    ]


def worker(root: str, count: int, number: int, of: int) -> tuple[int, int]:
    """Do all open runs; returns the numbers of recorded runs and of claims held by others."""
    store, done, lost = Store(root, create=False), 0, 0
    lines = [line_of(run) for run in runs(count)]
    for run in unrecorded(turned(lines, number, of), store, 0):
        fate = perform(store, Nothing(), Assignment(run))
        done += isinstance(fate, Recorded)
        lost += isinstance(fate, Elsewhere)
    return done, lost


def measured(count: int, processes: int, folder: Path) -> dict[str, float]:
    """Do all runs once with this number of processes."""
    root = str(folder / f"by-{processes}")
    Store(root)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(abs, range(processes))  # all have started
        began = time.perf_counter()
        found = pool.starmap(
            worker, [(root, count, number, processes) for number in range(processes)], 1
        )
        seconds = time.perf_counter() - began
    assert sum(done for done, _ in found) == count, "each run is recorded once"
    return {
        "processes": processes,
        "runs": count,
        "seconds": round(seconds, 2),
        "runs_per_second": round(count / seconds, 1),
        "claims_lost": sum(lost for _, lost in found),
    }


def calls(count: int, folder: Path) -> dict[str, float] | None:
    """Calls into the file system per run, by strace; None without strace."""
    if shutil.which("strace") is None:
        return None
    totals = []
    for number, some in enumerate((count, 2 * count)):  # the difference has no start-up cost
        root = folder / f"traced-{number}"
        Store(root)
        trace = folder / f"trace-{number}"
        code = f"from benchmarks.workers import worker; worker({str(root)!r}, {some}, 0, 1)"
        # By path: the interpreter's files do not belong to the store.
        command = ["strace", "-f", "-y", "-o", str(trace), sys.executable, "-c", code]
        subprocess.run(command, check=True, capture_output=True)
        totals.append(_counted(trace, root))
    per_run = {name: (totals[1][name] - totals[0][name]) / count for name in totals[1]}
    return {name: round(value, 2) for name, value in sorted(per_run.items()) if value > 0.01}


def _counted(trace: Path, root: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in trace.read_text(errors="replace").splitlines():
        match = re.match(r"\d+\s+(\w+)\(", line)
        if match and str(root) in line:
            found[match[1]] += 1
    return found


def arithmetic(per_run: dict[str, float]) -> dict[str, float]:
    """The load of 100,000 runs on 1,000 workers on a file server, from the measured calls."""
    metadata = sum(per_run.get(name, 0.0) for name in METADATA)
    syncs = sum(per_run.get(name, 0.0) for name in ("fsync", "fdatasync"))
    seconds = 3600 * SCALE["hours_per_run"]
    begun = SCALE["workers"] / seconds
    return {
        **SCALE,
        "metadata_calls_per_run": round(metadata, 1),
        "syncs_per_run": round(syncs, 1),
        "runs_per_second": round(begun, 2),
        "metadata_calls_per_second": round(begun * metadata, 1),
        "heartbeats_per_second": SCALE["workers"] / BEAT,
        "lease_seconds": LEASE,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks workers", description=__doc__)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--runs", type=int, default=640)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured [a temporary one]")
    parser.add_argument("--out", type=Path, help="the JSON file to write")
    asked = parser.parse_args(sys.argv[2:])
    with tempfile.TemporaryDirectory(prefix="tricks-bench-", dir=asked.folder) as place:
        rows = []
        for processes in asked.processes:
            rows.append(measured(asked.runs, processes, Path(place)))
            print(rows[-1], flush=True)
        per_run = calls(20, Path(place))
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_before": [round(x, 1) for x in os.getloadavg()],
        "workers": rows,
        "calls_per_run": per_run,
        "at_scale": None if per_run is None else arithmetic(per_run),
    }
    print(json.dumps(found, indent=1))
    if asked.out is not None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")
    return 0
