"""Owners of a run: several at once, one stopped past its lease, one with a wrong clock."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import stub_training
from stub_training import specs

from injected.accounts import Figures, check_complete
from injected.runners import Runner, in_session, until
from runner.records.record import unseal
from runner.records.store import Store


def many_runners(folder: Path, runs: int, runners: int) -> Figures:
    """Several runners at once on one folder: each run is trained once, by one of them."""
    options = {"runs": runs, "seconds": 0, "workers": 1, "runs_per_process": 100}
    started = [Runner(folder, **options) for _ in range(runners)]
    summaries = [runner.summary() for runner in started]
    assert sum(summary["ok"] for summary in summaries) == runs, summaries
    assert set(check_complete(folder, runs).values()) == {1}
    return {"runners": runners, "records": runs, "torn": 0, "lost": 0, "duplicated": 0}


def stop_and_revive(folder: Path, number: int, infra: bool = False) -> str | None:
    """Stop a worker (SIGSTOP) before its call `number` into the store, past its lease; revive it.

    Meanwhile another runner takes the run over and finishes it. The record must be the same, to the
    byte, before and after the first worker continues (SIGCONT). infra: the run had a record with
    this state, which both replace. Returns the call's name; None if the worker ended before this
    call.
    """
    mark, spec = folder / "mark", specs([0])[0]
    store = Store(folder / "results")
    if infra:
        record = {"id": spec.id, **spec.to_json(), "state": "infra", "attempt": 1, "error": None}
        assert store.commit(record)
    told = "\n".join((str(store.root), str(number), str(mark)))
    slow = Runner(folder, {stub_training.STOP_AT: told}, runs=1, workers=1)
    seconds = until(lambda: in_session(slow.process.pid, "T") or slow.process.poll() is not None)
    assert seconds
    stopped = in_session(slow.process.pid, "T")
    if not stopped:
        assert slow.summary()["ok"] == 1
        return None
    quick = Runner(folder, runs=1, workers=1, lease=0.4, poll=0.05).summary()
    assert quick["ok"] + quick["skipped"] == 1, (number, quick)
    before = store.path(spec.id).read_bytes()
    assert unseal(before, spec.id)["state"] == "ok"
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    late = slow.summary()
    assert late["ok"] + quick["ok"] == 1, (number, mark.read_text(), late, quick)
    assert store.path(spec.id).read_bytes() == before, (number, mark.read_text())
    aside = [json.loads(path.read_bytes()) for path in (store.root / "quarantine").glob("*.json")]
    assert all(record["state"] == "infra" for record in aside), (number, mark.read_text())
    assert until(lambda: not in_session(slow.process.pid))
    assert store.claims.running() == set()
    return mark.read_text()


def fenced(folder: Path, every: int = 1, most: int = 200) -> Figures:
    """`stop_and_revive` at one call of `every`, until the worker makes no more."""
    calls: Counter[str] = Counter()
    for infra in (False, True):
        for number in range(1, most, every):
            place = folder / f"{number}{'infra' * infra}"
            place.mkdir(parents=True)
            call = stop_and_revive(place, number, infra)
            if call is None:
                break
            calls[call] += 1
            shutil.rmtree(place)
    return {"stopped": sum(calls.values()), "kinds of call": len(calls), "other records": 0}


def clocks_apart(folder: Path, beats: int = 6) -> Figures:
    """An owner whose clock is a day off, ahead or behind, keeps its claim while it lives.

    The owner is a process on this host under another host's name, so the watcher cannot look for
    its process.
    """
    code = (
        "import os, sys, time\n"
        "from runner.records import claims\n"
        "claims._host = lambda: 'another'\n"
        "mine = claims.Claims(__import__('pathlib').Path(sys.argv[1])).take(sys.argv[2])\n"
        "print('taken', flush=True)\n"
        "for n in range(10**6):\n"
        "    off = 86_400e9 * (1 if n % 2 else -1)\n"
        "    now = time.time_ns() + int(off)\n"
        "    os.utime(mine.descriptor, ns=(now, now))\n"
        "    time.sleep(0.1)\n"
    )
    store, id = Store(folder / "results"), specs([0])[0].id
    store.claims.lease = 0.5
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(store.claims.folder), id],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "taken\n"
        deadline = time.monotonic() + beats * 0.3
        looks = 0
        while time.monotonic() < deadline:
            assert store.claims.stale(id) is None
            assert store.claims.take(id) is None
            looks += 1
            time.sleep(0.05)
        os.kill(owner.pid, signal.SIGSTOP)
        assert until(lambda: store.claims.stale(id) is not None)
        token = store.claims.stale(id)
        claim = store.claims.take(id, token)
        assert claim is not None
        os.kill(owner.pid, signal.SIGCONT)
        time.sleep(0.3)
        assert claim.valid()
        claim.release()
    finally:
        owner.kill()
        owner.communicate()
    return {"looks at a living owner": looks, "taken over wrongly": 0, "taken over when stopped": 1}
