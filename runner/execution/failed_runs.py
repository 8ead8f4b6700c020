"""Failed runs and running runs, as `status` shows them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.execution.failure import advice
from runner.records import checkpoints
from runner.records.atomic_write import read
from runner.records.claims import Claims
from runner.records.record import FAILED
from runner.records.record_schema import Epoch, Error
from runner.records.run import label
from runner.text import counted, printable, some_of

if TYPE_CHECKING:
    from runner.records.store import Store
    from runner.records.studies import StoredStudy

LINES = 5  # of a log that are printed
NAMED = 3  # runs with one reason that are named
WIDEST = 200  # characters of a line that are printed


@dataclass(frozen=True)
class FailedRun:
    """A run whose record says failed or infra.

    attempts: their number. type, message: of the error. log: the file, if it still exists.
    last_lines: of the log. advice: what may help.
    """

    id: str
    label: str
    state: str
    attempts: int | None
    type: str | None
    message: str | None
    log: str | None
    last_lines: tuple[str, ...]
    advice: str


@dataclass(frozen=True)
class RunningRun:
    """A running run: its last finished epoch, and its host and process, as far as known."""

    id: str
    label: str
    epoch: int | None
    val_accuracy: float | None
    owner: str | None


def failures(store: Store, states: Mapping[str, str]) -> list[FailedRun]:
    """The recorded error of each run whose state is failed or infra."""
    found = []
    for id in (id for id, state in states.items() if state in FAILED):
        record = store.record(id)
        if record is None:
            continue
        error = record.error or Error()
        log = checkpoints.attempts(store.root, id) / str(record.attempt) / "log.txt"
        printed = (error.traceback or "").strip() or _text(log)
        found.append(
            FailedRun(
                id=id,
                label=record.label,
                state=record.state,
                attempts=record.attempt,
                type=error.type,
                message=error.message,
                log=str(log) if log.is_file() else None,
                last_lines=tuple(_lines(printed)),
                advice=advice(error),
            )
        )
    return found


def running_runs(store: Store, stored: StoredStudy) -> list[RunningRun]:
    """The study's runs that are running now, and how far they are."""
    alive = store.claims.running()
    found: dict[str, RunningRun] = {}
    for place, id in enumerate(stored.column("id") if alive else ()):
        if id not in alive or id in found:
            continue
        run = stored.runs[place]
        last = _last_epoch(checkpoints.attempts(store.root, id))
        firsts = {name: levels[0] for name, levels in stored.levels.items()}
        levels = [
            name if run[name] == "on" else f"{name}={run[name]}"
            for name, first in firsts.items()
            if run[name] != first
        ]
        done, accuracy = (last.epoch, last.val_accuracy) if last else (None, None)
        owner = _owner(store.claims, id)
        found[id] = RunningRun(id, label(levels, stored.seeds[place]), done, accuracy, owner)
    return list(found.values())


def failure_lines(found: Iterable[FailedRun]) -> Iterator[str]:
    """`failures` as lines, grouped by reason."""
    groups: dict[tuple[str, str], list[FailedRun]] = {}
    for one in found:
        reason = Error(one.type, one.message).reason()
        groups.setdefault((one.state, reason), []).append(one)
    for (state, reason), runs in groups.items():
        yield _line(f"{state}, {counted(len(runs), 'run')}: {reason}")
        yield _line(f"  {some_of([run.label for run in runs], NAMED, '; ')}")
        for line in runs[0].last_lines:
            yield _line(f"  | {line}")
        logs = [run.log for run in runs if run.log]
        if logs:
            yield f"  log: {printable(logs[0])}"
        yield f"  {runs[0].advice}"


def _last_epoch(attempts: Path) -> Epoch | None:
    """The last epoch that the latest attempt finished."""
    try:
        latest = max((name for name in os.listdir(attempts) if name.isdigit()), key=int)
        lines = read(attempts / latest / "epochs.jsonl").splitlines()
        return msgspec.json.decode(lines[-1], type=Epoch)
    except (OSError, ValueError, IndexError):
        return None


def _owner(claims: Claims, id: str) -> str | None:
    """Host and number of the process that trains the run."""
    found = claims.holder(id)
    return None if found is None else f"{found[0]}, process {found[1]}"


def _text(log: Path) -> str:
    try:
        return read(log).decode(errors="replace")
    except OSError:
        return ""


def _lines(text: str) -> list[str]:
    return [line.rstrip()[:WIDEST] for line in text.splitlines() if line.strip()][-LINES:]


def _line(text: str) -> str:
    return printable(text)[: 2 * WIDEST]
