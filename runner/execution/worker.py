"""One run by one worker, for any engine: its claim, its training, its record.

A mistake of the user (BadInput) is no result of the run, so it is not recorded.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import asdict

from runner.execution import heartbeat
from runner.execution.failure import described, mistake, of_surroundings
from runner.execution.messages import (
    Alive,
    Assignment,
    Begun,
    Elsewhere,
    EpochDone,
    Known,
    Lost,
    Mistake,
    News,
    PausedAt,
    Recorded,
    RunEnd,
    Unwritable,
)
from runner.execution.pausing import Paused, Pausing
from runner.execution.work import Figures, Outcome, Work
from runner.records import checkpoints, crash_logs, environments
from runner.records.claims import BEAT, Claim
from runner.records.json_values import JsonValue, finite
from runner.records.record import DONE
from runner.records.record_schema import Error
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput

Tell = Callable[[News], None]
Carry: TypeAlias = "Callable[[Work, Run, Path, Tell, Pausing | None], Carried | Mistake | PausedAt]"


def perform(
    store: Store,
    work: Work,
    assignment: Assignment,
    tell: Tell = lambda news: None,
    asked: Callable[[], bool] = lambda: False,
    carry: Carry | None = None,
) -> RunEnd:
    """Claim the run, carry it out, record it. Returns the outcome.

    tell: receives news. asked: whether the run should stop at a checkpoint. carry: replaces
    `carry_out` for runs on another machine.
    """
    run = assignment.run
    try:
        claim = store.claims.take(run.id, assignment.stale_claim)
        if claim is None:
            return Elsewhere()
        try:
            with kept_fresh(claim):
                return _claimed(store, work, assignment, claim, tell, asked, carry or carry_out)
        except FileNotFoundError:  # the folder of the attempt is gone
            if claim.valid() and store.state(run.id) is None:
                raise
            return Elsewhere()  # another process has taken the run over, and cleared up
        finally:
            claim.release()
    except BadInput as error:  # from the store: an unreadable record
        return Mistake(str(error))
    except OSError as error:
        return Unwritable(f"{error.strerror or error}")


def _claimed(
    store: Store,
    work: Work,
    assignment: Assignment,
    claim: Claim,
    tell: Tell,
    asked: Callable[[], bool],
    carry: Carry,
) -> RunEnd:
    run = assignment.run
    state = store.state(run.id)
    if state == "infra" and not store.remove(run.id, states=("infra",)):
        state = store.state(run.id)  # another process took the run over and recorded it
    if state in DONE:
        return Known(state)
    log = store.attempt(run.id)
    tell(Begun(int(log.name)))
    file = checkpoints.path_of(store.root, run.id)
    pausing = None
    if assignment.checkpoint is not None:
        quarantine = store.root / "quarantine"
        pausing = Pausing(file, quarantine, assignment.checkpoint, asked, claim.valid)
    trained = carry(work, run, log, tell, pausing)
    if isinstance(trained, (Mistake, PausedAt)):
        crash_logs.clear(log)
        return trained
    state, error = trained.state, trained.error
    last = assignment.last and checkpoints.reached(file) <= assignment.reached
    if state == "infra" and error is not None and not last:
        return Lost(error)
    # An owner that was stopped past its lease, between here and the commit, may still commit first.
    # Then its record stays and its successor's is refused. Both are complete records of the same
    # spec, and a record is never replaced.
    if not claim.valid():
        return Elsewhere()
    if trained.packages:
        environments.save(store.root, trained.packages)
    if not store.commit({**trained.record, "attempt": int(log.name)}, trained.predictions):
        return Known(str(store.state(run.id)))
    if state in DONE:
        checkpoints.remove(file)
    if state in crash_logs.WELL:
        crash_logs.clear_up_to(log)
    return Recorded(state, trained.validation, trained.seconds, error)


@dataclass(frozen=True)
class Carried:
    """The record of a finished run as JSON values, except the number of its attempt.

    seconds: of its process. validation: for the progress display. predictions: for the file beside
    the record. packages: those installed there; the record has the digest of the list.
    """

    record: Mapping[str, JsonValue]
    state: str
    error: Error | None
    seconds: float
    validation: float | None
    predictions: bytes | None = None
    packages: str = ""


def carry_out(
    work: Work, run: Run, log: Path, tell: Tell, pausing: Pausing | None = None
) -> Carried | Mistake | PausedAt:
    """Carry out `run` without claim or store. Errors become part of the result.

    log: the folder for its output and for the metrics of its epochs.
    """
    started, begin = datetime.now(UTC), time.monotonic()
    error = None
    with _logged(log / "log.txt"), (log / "epochs.jsonl").open("a", buffering=1) as epochs:

        def emit(figures: Figures) -> None:
            figures = finite(figures)
            epochs.write(json.dumps(figures) + "\n")
            tell(EpochDone(figures))

        try:
            with heartbeat.passed_to(lambda: tell(Alive())):
                outcome = work(run, emit, pausing)
            if not isinstance(outcome, Outcome) or outcome.state not in ("ok", "diverged"):
                raise TypeError("the training function returned no outcome")
        except Paused as left:
            return PausedAt(left.epoch)
        except BaseException as problem:
            error = described(problem)
            sys.stderr.write(error.traceback or "")
            told = mistake(problem)
            if told is not None:
                return Mistake(told)
            outcome = Outcome("infra" if of_surroundings(problem) else "failed")
    seconds = max(time.monotonic() - begin, outcome.seconds)
    record: dict[str, JsonValue] = {
        "id": run.id,
        **run.payload,
        "state": outcome.state,
        **outcome.fields,
        "host": socket.gethostname(),
        "started": started.isoformat(timespec="milliseconds"),
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "wall_seconds": seconds,
        "error": None if error is None else asdict(error),
    }
    if outcome.packages:
        record["environment_sha256"] = environments.digest(outcome.packages)
    return Carried(
        record, outcome.state, error, seconds, outcome.validation, outcome.predictions,
        outcome.packages,
    )  # fmt: skip


@contextlib.contextmanager
def kept_fresh(claim: Claim) -> Iterator[None]:
    """A context in which the claim's heartbeat continues."""
    claims = _beating(os.getpid())
    claims.append(claim)
    try:
        yield
    finally:
        claims.remove(claim)


@functools.cache
def _beating(process: int) -> list[Claim]:
    """Claims with a heartbeat from one thread of the process: a thread per run would cost more."""
    claims: list[Claim] = []

    def beat() -> None:
        while True:
            time.sleep(BEAT)
            for claim in tuple(claims):
                claim.heartbeat()

    threading.Thread(target=beat, daemon=True).start()
    return claims


@contextlib.contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Send the output of this process, with crash reports, to the file at `path`."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    faulthandler.enable(2)
    try:
        yield
    finally:
        faulthandler.disable()
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        for target, original in zip((1, 2), kept, strict=True):
            os.dup2(original, target)
            os.close(original)
