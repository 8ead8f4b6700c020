"""Faults, injected for real into real processes; each gives the figures of what came of it.

A function raises AssertionError where a promise was broken. Tests call them in short form, and
`python -m benchmarks.faults` in long form.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import stub_training
from stub_training import specs

from runner.records.record import Damaged, unseal
from runner.records.store import Store

HERE = Path(__file__).parent
Figures = dict[str, int]


class Runner:
    """A runner in a process of its own; options as grid_runner.py takes them."""

    started: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str] | None = None,
        before: Callable[[], None] | None = None,
        store: Path | None = None,
        **options: Any,
    ) -> None:
        self.diary = folder / "diary"
        arguments = [store or folder / "results", self.diary]
        arguments += [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "grid_runner.py"), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            preexec_fn=before,
        )
        self.started.append(self.process)

    def wait_for(self, word: str, times: int = 1) -> None:
        """Until that many lines that begin with `word` were printed."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            times -= line.startswith(word)
            if times == 0:
                return
        raise AssertionError(self.process.stderr.read() if self.process.stderr else "")

    def end(self) -> tuple[dict[str, Any] | None, str]:
        """Its summary, if it printed one, and what it printed on stderr."""
        out, err = self.process.communicate(timeout=800)
        last = (out.strip().splitlines() or [""])[-1]
        return (json.loads(last) if last.startswith("{") else None), err

    def summary(self) -> dict[str, Any]:
        """Its summary."""
        summary, err = self.end()
        assert summary is not None, err
        return summary

    def children(self) -> list[int]:
        """Living processes of its session but itself."""
        return [pid for pid in in_session(self.process.pid) if pid != self.process.pid]


def end_all() -> None:
    """Kill what is left of every runner, stopped ones and all."""
    while Runner.started:
        process = Runner.started.pop()
        for pid in in_session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def in_session(session: int, states: str = "RSDTt") -> list[int]:
    """Processes of a session that are in one of `states`, whatever became of its leader."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] in states:
                found.append(int(folder.name))
    return found


def until(condition: Any, seconds: float = 20.0) -> bool:
    """Whether `condition` comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def diary(folder: Path) -> list[tuple[str, int, int]]:
    """Every training that was begun: id, process, time (ns)."""
    lines = (line.split() for line in (folder / "diary").read_text().splitlines())
    return [(id, int(pid), int(when)) for id, pid, when in lines]


def check_complete(folder: Path, runs: int) -> Counter[str]:
    """Every run has one record that verifies; returns how often each was trained."""
    figures = accounted(folder, {spec.id for spec in specs(range(runs))})
    assert figures["lost"] == figures["torn"] == figures["duplicated"] == 0, figures
    assert not list((folder / "results" / "quarantine").iterdir())
    return Counter(id for id, _, _ in diary(folder))


def accounted(folder: Path, planned: set[str]) -> Figures:
    """Records of a store whose runs all ended ok: how many, and what is wrong with others.

    torn: files that do not verify, in their place or in quarantine. duplicated: trainings begun
    after their run had its record. repeated: trainings begun for runs that others had begun.
    """
    store = Store(folder / "results")
    files = {path.stem: path for path in (store.root / "runs").glob("??/*.json")}
    torn = sum(not _verifies(path, id) for id, path in files.items())
    torn += sum(
        not _verifies(path, path.name.partition(".")[0])
        for path in (store.root / "quarantine").glob("*.json")
    )
    states = store.states()
    begun = diary(folder) if (folder / "diary").exists() else []
    times = Counter(id for id, _, _ in begun)
    again = [one for one in begun if times[one[0]] > 1]
    # Times of files lag behind the clock by some milliseconds.
    recorded = {id: path.stat().st_mtime_ns + 20_000_000 for id, path in files.items()}
    return {
        "records": len(states),
        "lost": sum(states.get(id) != "ok" for id in planned),
        "torn": torn + sum(path.stat().st_size == 0 for path in files.values()),
        "duplicated": sum(when > recorded.get(id, when) for id, _, when in again),
        "repeated": len(begun) - len(times),
    }


def _verifies(path: Path, id: str) -> bool:
    try:
        unseal(path.read_bytes(), id)
    except (Damaged, ValueError, KeyError):
        return False
    return True


def kill_at_random(folder: Path, runs: int, kills: int, seed: int) -> Figures:
    """SIGKILL workers, template and runner at random moments, `kills` times; then let it finish."""
    draw = random.Random(seed)
    killed: Counter[str] = Counter()
    while sum(killed.values()) < kills:
        runner = Runner(folder, runs=runs, seconds=0.02)
        runner.wait_for("Started")
        for _ in range(draw.randrange(6)):
            time.sleep(draw.random() * 0.1)
            children = runner.children()
            for pid in draw.sample(children, min(1, len(children))):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed["of workers"] += 1
        time.sleep(draw.random() * 0.1)
        runner.process.kill()
        runner.process.communicate()
        killed["of runners"] += 1
    Runner(folder, runs=runs).summary()
    figures = {"kills": sum(killed.values()), **killed}
    figures |= accounted(folder, {spec.id for spec in specs(range(runs))})
    assert figures["torn"] == figures["lost"] == figures["duplicated"] == 0, figures
    in_flight = killed["of workers"] + 2 * killed["of runners"]  # each runner had two workers
    assert figures["repeated"] <= in_flight, figures
    return figures


def many_runners(folder: Path, runs: int, runners: int) -> Figures:
    """Several runners at once on one folder: each run is trained by one of them, once."""
    options = {"runs": runs, "seconds": 0, "workers": 1, "runs_per_process": 100}
    started = [Runner(folder, **options) for _ in range(runners)]
    summaries = [runner.summary() for runner in started]
    assert sum(summary["ok"] for summary in summaries) == runs, summaries
    assert set(check_complete(folder, runs).values()) == {1}
    return {"runners": runners, "records": runs, "torn": 0, "lost": 0, "duplicated": 0}


def stop_and_revive(folder: Path, number: int, infra: bool = False) -> str | None:
    """Stop a worker (SIGSTOP) before its call `number` into the store, past its lease; revive it.

    Meanwhile another runner takes the run over and finishes it. The record that is there before
    the first worker goes on (SIGCONT) must be there after, to the byte. infra: the run had a
    record of that state, which both want to replace. Gives the call's name; None if the worker
    had ended before it came so far.
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

    A process on this host under another's name: the watcher cannot ask for its process.
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
        assert claim.held()
        claim.release()
    finally:
        owner.kill()
        owner.communicate()
    return {"looks at a living owner": looks, "taken over wrongly": 0, "taken over when stopped": 1}


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int, files: int = 10_000) -> Iterator[Path | None]:
    """A file system of its own with that much room; None where none may be mounted."""
    place = folder / "small"
    place.mkdir()
    options = f"size={megabytes}m,nr_inodes={files}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield place if mounted else None
    finally:
        if mounted:
            end_all()
            subprocess.run(["umount", str(place)], check=True)


def fill(place: Path, leave: int = 0) -> Path:
    """Fill the disk at `place` but for `leave` bytes; the file that did it."""
    ballast = place / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:  # closing writes, too
        disk = os.statvfs(place)
        for _ in range(max(0, disk.f_bavail * disk.f_frsize - leave) // 4096):
            file.write(bytes(4096))
            file.flush()
    return ballast


def disk_fills_up(folder: Path, kind: str) -> Figures | None:
    """The disk of the store fills up while a grid runs; None where no small disk can be made.

    kind: "room" (less is free than has to be), "full" (not a byte is), "files" (no more names).
    """
    megabytes, files = (48, 10_000) if kind == "room" else (8, 700 if kind == "files" else 10_000)
    with small_disk(folder, megabytes, files) as place:
        if place is None:
            return None
        store = place / "results"
        options = {"runs": 24, "seconds": 0.2, "retries": 1}
        if kind != "room":
            options["reserve"] = 0
        runner = Runner(folder, store=store, **options)
        runner.wait_for("Finished", 3)
        if kind != "files":
            fill(place, leave=20 << 20 if kind == "room" else 0)
        else:
            with contextlib.suppress(OSError):
                for number in range(files):
                    (place / f"name.{number}").touch()
        summary, err = runner.end()
        assert summary is None, summary
        assert runner.process.returncode == 2
        assert err.count("\n") == 1, err
        assert "what is recorded is safe: make room there" in err
        assert until(lambda: not in_session(runner.process.pid))
        kept = Store(store, create=False).states()
        assert len(kept) >= 3
        assert set(kept.values()) <= {"ok", "infra"}
        for path in (*place.glob("name.*"), place / "ballast"):
            path.unlink(missing_ok=True)
        summary = Runner(folder, store=store, **options | {"seconds": 0}).summary()
        states = Store(store).states()
        assert states == {spec.id: "ok" for spec in specs(range(24))}
        assert summary["skipped"] == sum(state == "ok" for state in kept.values())
        torn = sum(not _verifies(p, p.stem) for p in (store / "runs").glob("??/*.json"))
        assert torn == 0
    return {"records before": len(kept), "of them lost": 0, "torn": 0, "records in the end": 24}


@contextlib.contextmanager
def memory_group(megabytes: int) -> Iterator[Path | None]:
    """A control group within this process's own, with that much memory; None where none can be."""
    found = None
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        root = Path("/sys/fs/cgroup")
        if "memory" in controllers.split(","):
            found = (root / "memory" / path.lstrip("/"), "memory.limit_in_bytes")
        elif number == "0" and not controllers and found is None:
            found = (root / path.lstrip("/"), "memory.max")
    if found is None:
        yield None
        return
    group = found[0] / f"tricks-bench.{os.getpid()}.{threading.get_ident()}"
    try:
        group.mkdir()
        (group / found[1]).write_text(str(megabytes << 20))
    except OSError:
        with contextlib.suppress(OSError):
            group.rmdir()
        yield None
        return
    try:
        yield group
    finally:
        end_all()
        until(lambda: not (group / "cgroup.procs").read_text().strip())
        group.rmdir()


def killed_by_the_kernel(folder: Path) -> Figures | None:
    """A training takes all the memory of its control group; None where there can be none."""
    with memory_group(400) as group:
        if group is None:
            return None

        def join() -> None:
            (group / "cgroup.procs").write_text("0")

        runner = Runner(folder, before=join, seeds="90015,0,1,2", workers=1, retries=1)
        summary = runner.summary()
        assert (summary["ok"], summary["infra"]) == (3, 1), summary
        error = starved(folder, 90015)
        assert error["type"] == "OutOfMemory", error
    return {"killed by the kernel": 2, "other runs lost": 0}


def starved(folder: Path, seed: int) -> dict[str, Any]:
    """The error of a run that found no memory; its recipe is what was asked for."""
    spec = specs([seed])[0]
    record = Store(folder / "results").read(spec.id)
    assert record is not None
    assert record["state"] == "infra"
    assert record["recipe"] == spec.to_json()["recipe"], "the batch size was changed in silence"
    error: dict[str, Any] = record["error"]
    return error


# Real trainings: the command line on the digits.

PROGRAM = [sys.executable, "-c", "from runner.cli import main; main()"]
GRID = ["--tricks", "warmup,mixup,ema", "--set", "epochs=3", "--set", "train_images=256", "--yes",
        "--name", "real"]  # fmt: skip
SAME = ("state", "epochs", "test_accuracy", "test_loss", "val_accuracy", "correct", "steps",
        "weights_sha256")  # fmt: skip


class Command:
    """`tricks-bench run` of a small grid of real trainings, in a session of its own."""

    def __init__(self, folder: Path, seeds: int, *more: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = (folder / "out.txt").open("a")
        self.process = subprocess.Popen(
            [*PROGRAM, "run", *GRID, "--seeds", str(seeds), *more],
            cwd=folder, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        Runner.started.append(self.process)  # type: ignore[arg-type]

    def end(self) -> int:
        """Its exit code."""
        code = self.process.wait(timeout=3600)
        self.log.close()
        return code


def kill_a_real_grid(folder: Path, seeds: int, kills: int, seed: int) -> Figures:
    """SIGKILL a real grid's processes at random; its records equal those of one left in peace."""
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
            for pid in draw.sample(children, min(1, len(children))):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed["of workers"] += 1
        command.process.kill()
        command.end()
        killed["of runners"] += 1
        assert until(lambda: not in_session(session), 60), "orphans"  # noqa: B023
        seeds += ended() == 0  # it was done: go on with a larger one
    for place in (disturbed, calm):
        code = Command(place, seeds, "--workers", "2").end()
        assert code == 0, (place / "out.txt").read_text()[-2000:]
    figures = {"kills": sum(killed.values()), **killed}
    calm_ids = set(Store(calm / "results").states())
    figures |= accounted(disturbed, calm_ids)
    del figures["duplicated"], figures["repeated"]  # the diary of the stub tells of these
    figures["metrics or weights that differ"] = differences(calm, disturbed)
    assert figures["torn"] == figures["lost"] == 0, figures
    assert figures["metrics or weights that differ"] == 0, figures
    return figures


def differences(one: Path, other: Path) -> int:
    """Records of two folders that differ in what a training must give again, to the bit."""
    stores = [Store(place / "results", create=False) for place in (one, other)]
    ids = set(stores[0].states())
    assert ids == set(stores[1].states())
    count = 0
    for id in ids:
        first, second = (store.read(id) or {} for store in stores)
        count += any(first.get(key) != second.get(key) for key in SAME)
    return count


def any_number_of_workers(folder: Path, seeds: int) -> Figures:
    """The same real grid by one worker and by two, and with other seeds."""
    for name, workers in (("one", "1"), ("two", "2")):
        code = Command(folder / name, seeds, "--workers", workers).end()
        assert code == 0, (folder / name / "out.txt").read_text()[-2000:]
    different = differences(folder / "one", folder / "two")
    assert different == 0
    store = Store(folder / "one" / "results")
    records = [store.read(id) or {} for id in store.states()]
    losses = {json.dumps([record["tricks"], record["epochs"]]) for record in records}
    assert len(losses) == len(records), "two seeds of an arm gave the same losses"
    weights = sum(record.get("weights_sha256") is not None for record in records)
    return {"records compared": len(records), "with weights": weights, "different": different}


def ask_to_stop(folder: Path, times: int, seed: int) -> Figures:
    """SIGINT or SIGTERM to the whole group at random moments, once or twice; then let it finish."""
    draw = random.Random(seed)
    asked: Counter[str] = Counter()
    runs = 20 + 6 * times
    for _ in range(times):
        runner = Runner(folder, runs=runs, seconds=0.3)
        runner.wait_for("Started", 1)
        time.sleep(draw.random() * 0.4)
        number = draw.choice([signal.SIGINT, signal.SIGTERM])
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
    figures = accounted(folder, {spec.id for spec in specs(range(runs))})
    assert figures["torn"] == figures["lost"] == figures["duplicated"] == 0, figures
    assert figures["repeated"] <= 2 * asked["twice"], figures
    return {f"asked {how}": n for how, n in sorted(asked.items())} | figures | {"orphans": 0}


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


def no_memory(folder: Path, times: int) -> Figures:
    """Address space that runs out, for Python and for torch; and the kernel's killing."""
    found: Counter[str] = Counter()
    for number in range(times):
        place = folder / str(number)
        place.mkdir()
        summary = Runner(place, seeds="90013,90014,0,1", retries=1).summary()
        assert (summary["ok"], summary["infra"], summary["failed"]) == (2, 2, 0), summary
        for seed in (90013, 90014):
            starved(place, seed)
        found.update({"refused by RLIMIT_AS": 4, "batch sizes changed": 0})
        place = folder / f"{number}.group"
        place.mkdir()
        found.update(killed_by_the_kernel(place) or {"killed by the kernel": 0})
    return dict(found)


def out_of_time(folder: Path, times: int) -> Figures:
    """Executions with a limit of time, one after the other; then one without."""
    ended = 0
    for _ in range(times):
        summary = Runner(folder, runs=30 * times, seconds=0.1, wall=1.0).summary()
        assert summary["out_of_time"] == summary["interrupted"]
        ended += summary["out_of_time"]
    Runner(folder, runs=30 * times, seconds=0).summary()
    figures = accounted(folder, {spec.id for spec in specs(range(30 * times))})
    assert figures["torn"] == figures["lost"] == figures["duplicated"] == 0, figures
    assert figures["repeated"] == 0, figures
    return {"limits reached": ended, **figures}


def diverging(folder: Path, seeds: int) -> Figures:
    """Real trainings whose loss leaves the numbers: recorded as diverged, the grid is done."""
    much = ["--factor", "lr_scale=1000,100000", "--tricks", "none"]
    code = Command(folder, seeds, *much, "--workers", "2").end()
    assert code == 0, (folder / "out.txt").read_text()[-2000:]
    store = Store(folder / "results")
    states = Counter(store.states().values())
    accuracies = [store.read(id) or {} for id, s in store.states().items() if s == "diverged"]
    assert states["diverged"], states
    assert all(record["test_accuracy"] is None for record in accuracies)
    return {"diverged": states["diverged"], "failed": states["failed"], "ok": states["ok"]}
