"""The child process: one claim, one training, one record a run.

It speaks with the runner through a pipe, in tuples: ("started", attempt), ("alive",) now and
then, ("epoch", metrics), and at the end of a run one of ("finished", state, val_accuracy, seconds,
error), ("infra", error), ("paused", epoch), ("elsewhere",), ("recorded", state), ("mistake",
message), ("unwritable", message). A mistake is the user's to mend (BadInput), and no result of the
run: it is not recorded. The runner says PAUSE where a run shall leave at a checkpoint.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from runner.execution import signs
from runner.execution.failure import described, mistake, of_surroundings
from runner.execution.pausing import PAUSE, Paused, Pausing, asks
from runner.records import attempts, checkpoints
from runner.records.claims import BEAT, Claim
from runner.records.record import finite
from runner.records.spec import RunSpec
from runner.records.store import Store
from tricks.errors import BadInput
from tricks.loading import load_plugin

Train = Callable[..., dict[str, Any]]  # (spec, emit), with checkpoints also pausing
DONE = ("ok", "diverged", "failed")  # states of a record that closes its run


def work(
    pipe: Connection,
    root: str,
    train: Train,
    plugins: Sequence[str],
    job: dict[str, Any] | None,
    gpu: str | None = None,
) -> None:
    """Do `job`, then every job that comes through `pipe`, until None comes.

    gpu: the one that this process is to see, by its name for CUDA_VISIBLE_DEVICES.
    """
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything here has asked for GPUs
    # Ctrl-C and SIGTERM reach the whole process group, but the runner alone decides.
    stops = {signal.SIGINT, signal.SIGTERM}
    for number in stops:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)
    claims: list[Claim] = []
    threading.Thread(target=_watch, args=(claims,), daemon=True).start()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            store = Store(root, create=False)
        except BadInput as error:  # something has happened to it since the runner opened it
            pipe.send(("mistake", str(error)))
            job = None
        while job is not None:
            pipe.send(_run(store, train, plugins, job, claims, pipe))
            while (job := pipe.recv()) == PAUSE:
                pass  # it came as the run ended
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing to clean up, and torch takes its time over it


def _watch(claims: list[Claim]) -> None:
    """Keep the claim fresh; end this process when the runner is gone."""
    runner = multiprocessing.parent_process()
    while runner is not None:
        runner.join(timeout=BEAT)
        if not runner.is_alive():
            os._exit(1)
        for claim in tuple(claims):
            claim.heartbeat()


def _run(
    store: Store,
    train: Train,
    plugins: Sequence[str],
    job: dict[str, Any],
    claims: list[Claim],
    pipe: Connection,
) -> tuple[Any, ...]:
    id, send = job["id"], pipe.send
    log: Path | None = None
    try:
        claim = store.claims.take(id, job["over"])
        if claim is None:
            return ("elsewhere",)
        claims.append(claim)
        try:
            state = store.state(id)
            if state == "infra" and not store.remove(id, states=("infra",)):
                state = store.state(id)  # another, which took the run over, has recorded it
            if state in DONE:
                return ("recorded", state)
            log = store.attempt(id)
            attempt = int(log.name)
            send(("started", attempt))
            file, every = checkpoints.path_of(store.root, id), job.get("checkpoint")
            able = train
            if every is not None:
                quarantine = store.root / "quarantine"
                pausing = Pausing(file, quarantine, every, asks(pipe), claim.held)
                able = functools.partial(train, pausing=pausing)
            record = _trained(able, plugins, job, log, send)
            record = {**record, "attempt": attempt}
            state, error = record["state"], record["error"]
            if state == "mistake":
                attempts.clear(log)
                return ("mistake", record["mistake"])
            if state == "paused":
                attempts.clear(log)
                return ("paused", record["epoch"])
            last = job["last"] and checkpoints.reached(file) <= job["reached"]
            if state == "infra" and not last:
                return ("infra", error)
            # An owner stopped past its lease, between here and the commit, may still be the first
            # to commit: then its record stands and its successor's is refused. Both are of the
            # same spec, whole, and a record is made only where there is none.
            if not claim.held():
                return ("elsewhere",)
            if not store.commit(record):
                return ("recorded", str(store.state(id)))
            if state in DONE:
                checkpoints.remove(file)
            if state in attempts.WELL:
                attempts.clear_up_to(log)
            return ("finished", state, record.get("val_accuracy"), record["wall_seconds"], error)
        except FileNotFoundError:  # the folder of its attempt
            if claim.held() and store.state(id) is None:
                raise
            return ("elsewhere",)  # another has taken the run over, and cleared up after it
        finally:
            claims.clear()
            claim.release()
    except BadInput as error:  # of the store: a record that cannot be read
        return ("mistake", str(error))
    except OSError as error:
        return ("unwritable", f"{error.strerror or error}")


def _trained(
    train: Train,
    plugins: Sequence[str],
    job: dict[str, Any],
    log: Path,
    send: Callable[[tuple[Any, ...]], None],
) -> dict[str, Any]:
    """The record of one training, whatever happens in it."""
    started, begin = datetime.now(UTC), time.monotonic()
    error = None
    with _logged(log / "log.txt"), (log / "epochs.jsonl").open("a", buffering=1) as epochs:

        def emit(metrics: dict[str, Any]) -> None:
            metrics = finite(metrics)
            epochs.write(json.dumps(metrics) + "\n")
            send(("epoch", metrics))

        try:
            for plugin in plugins:
                load_plugin(plugin)
            with signs.told_to(lambda: send(("alive",))):
                outcome = train(RunSpec.from_json(job["spec"]), emit)
            if not isinstance(outcome, Mapping) or outcome.get("state") not in ("ok", "diverged"):
                raise TypeError("the training function returned no outcome")
        except Paused as left:
            outcome = {"state": "paused", "epoch": left.epoch}
        except BaseException as problem:
            if isinstance(problem, BrokenPipeError):
                os._exit(1)  # the runner is gone
            error = described(problem)
            sys.stderr.write(error["traceback"])
            told = mistake(problem)
            if told is not None:
                outcome = {"state": "mistake", "mistake": told}
            else:
                outcome = {"state": "infra" if of_surroundings(problem) else "failed"}
    total = (outcome.get("seconds") or {}).get("total") or 0.0  # of all attempts it goes on from
    return {
        "id": job["id"],
        **job["spec"],
        **outcome,
        "host": socket.gethostname(),
        "started": started.isoformat(timespec="milliseconds"),
        "finished": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "wall_seconds": max(time.monotonic() - begin, total),
        "error": error,
    }


@contextlib.contextmanager
def _logged(path: Path) -> Any:
    """Send what this process prints, crash reports included, to the file at `path`."""
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
