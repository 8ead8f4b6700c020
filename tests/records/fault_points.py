"""Stopping a writer at every file-system call that it makes: by an error, and by a real SIGKILL.

The writer runs in a forked child that counts calls of the module os. An audit hook reports files
that are touched in other ways, so that no call is missed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runner.records.export import evidence, read_export, write_export
from runner.records.predictions import ENDING
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import StudyToml, from_mapping
from tricks.errors import BadInput

ROOT = Path(__file__).parents[2]
CALLS = ("open", "write", "fsync", "close", "link", "unlink", "remove", "replace", "rename",
         "mkdir", "rmdir", "stat", "lstat", "fstat", "scandir", "listdir", "utime", "truncate",
         "ftruncate", "fdopen", "symlink", "chmod")  # fmt: skip
AUDITED = ("open", "os.link", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate")
MODES = ("error", "full", "kill", "killed after", "half")
DONE, REFUSED = 0, 9  # exit codes of a child: it came to its end; an error reached it

Action = Callable[[Path], object]


def fault_points(
    place: Path,
    make: Action,
    action: Action,
    state: Callable[[Path], str],
    links: bool = True,
    modes: Sequence[str] = MODES,
) -> Counter[str]:
    """Stop `action` at each of its calls, in each mode, every time in a new folder under `place`.

    make: fills a folder. state: returns "old", "new", or another state. After each stop, `action`
    runs once more and must end in "new". links: whether the file system has hard links. Returns
    counts: calls, points, killed, the states, and "lost" where the second try failed.
    """
    ready = place / "ready"
    make(ready)
    assert state(ready) == "old"
    calls = _calls(ready, place / "count", action, links)
    found: Counter[str] = Counter(calls=len(calls))
    for mode in modes:
        for number, call in enumerate(calls, 1):
            if mode == "half" and call != "write":
                continue
            folder = place / f"{mode}.{number}".replace(" ", ".")
            shutil.copytree(ready, folder, symlinks=True)
            code = _child(folder, action, number, mode, links)[0]
            killed = code == -signal.SIGKILL
            assert killed == (mode in ("kill", "killed after", "half")), (mode, call, code)
            now = state(folder)
            found.update(["points", now, *(["killed"] if killed else [])])
            if code == DONE:
                found.update(["lost"] if now != "new" else [])
            action(folder)
            found.update(["lost"] if state(folder) != "new" else [])
            shutil.rmtree(folder)
    return found


def _calls(ready: Path, folder: Path, action: Action, links: bool) -> list[str]:
    """The names of the calls that `action` makes, in order."""
    shutil.copytree(ready, folder, symlinks=True)
    code, told = _child(folder, action, 0, "", links)
    assert code == DONE
    assert not told["unseen"], told["unseen"]
    return list(told["calls"])


def _child(
    folder: Path, action: Action, number: int, mode: str, links: bool
) -> tuple[int, dict[str, Any]]:
    """Do `action` in a child that is stopped at call `number`. Returns its exit code and calls."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code, write = 1, os.write
        try:
            seen = _watch(number, mode, links)
            try:
                action(folder)
                code = DONE
            except (OSError, BadInput):
                code = REFUSED
            seen["stop"] = True
            told = {key: seen[key] for key in ("calls", "unseen")}
            write(writer, json.dumps(told).encode())
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        told = json.loads(file.read() or b"{}")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), told


def _watch(number: int, mode: str, links: bool) -> dict[str, Any]:
    """Count the calls of this process from now on, and stop it at call `number`."""
    seen: dict[str, Any] = {"calls": [], "unseen": [], "inside": False, "stop": False}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in AUDITED or seen["inside"] or seen["stop"]:
            return
        path = os.fsdecode(arguments[0]) if not isinstance(arguments[0], int) else ""
        if path and not path.endswith((".py", ".pyc")) and "/site-packages/" not in path:
            seen["unseen"].append(f"{event} {path}")

    for name in CALLS:
        setattr(os, name, _stopping(name, getattr(os, name), seen, number, mode, links))
    sys.addaudithook(hook)
    return seen


def _stopping(
    name: str, real: Callable[..., Any], seen: dict[str, Any], number: int, mode: str, links: bool
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if seen["inside"] or seen["stop"]:
            return real(*args, **kwargs)
        seen["calls"].append(name)
        here = len(seen["calls"]) == number
        seen["inside"] = True
        try:
            if here and mode in ("error", "full"):
                if name == "close":
                    real(*args)  # a close that fails has closed all the same
                raise OSError(errno.EIO if mode == "error" else errno.ENOSPC, "made by the test")
            if here and mode == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if here and mode == "half":
                real(args[0], args[1][: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                if name == "link" and not links:
                    raise OSError(errno.EPERM, "no links here")
                return real(*args, **kwargs)
            finally:
                if here:
                    os.kill(os.getpid(), signal.SIGKILL)
        finally:
            seen["inside"] = False

    return call


# What is stopped: a record's commit, a study's extension, an export over an older one.

OLD, NEW = "0" * 16, "1" * 16
SAID = b"predictions, whichever they are"
ASKED = {"task": "digits", "grid": "add-one", "seeds": 1, "arms": 2, "settings": {}}


def _record(id: str, accuracy: float) -> dict[str, Any]:
    return {"id": id, "seed": 0, "state": "ok", "test_accuracy": accuracy, "test_images": 8}


def make_store(folder: Path) -> None:
    """A store with one record, one study of it, and its export."""
    store = Store(folder)
    store.commit(_record(OLD, 90.0))
    study = save_study(store, "s", *_asked(("warmup",), OLD))
    write_export(store, study, folder / "out")


def _asked(names: tuple[str, ...], id: str) -> tuple[StudyToml, list[dict[str, Any]]]:
    factors = [{"name": name, "levels": ["off", "on"]} for name in names]
    asked = from_mapping({**ASKED, "factors": factors})
    return asked, [{"id": id, "seed": 0, **dict.fromkeys(names, "on")}]


def commit(folder: Path) -> None:
    """Write a second record, and predictions beside it."""
    Store(folder, create=False).commit(_record(NEW, 91.0), SAID)


def commit_state(folder: Path) -> str:
    """old: one record; new: both, with predictions beside the second; torn: anything else."""
    store = Store(folder, create=False)
    held = {id: row["accuracy"] for id, row in store.rows().items()}
    if held == {OLD: 90.0, NEW: 91.0}:
        return "new" if store.path(NEW).with_suffix(ENDING).read_bytes() == SAID else "torn"
    return "old" if held == {OLD: 90.0} else "torn"


def extend(folder: Path) -> None:
    """Extend the study by a factor, in which its runs.csv gets a column."""
    save_study(Store(folder, create=False), "s", *_asked(("warmup", "mixup"), NEW))


def extend_state(folder: Path) -> str:
    """old: the old study; new: the extended study; torn: anything else."""
    study = load_study(Store(folder, create=False))
    levels = [tuple(run[name] for name in study.factors) for run in study.runs]
    known = {(("warmup",), (("on",),)): "old",
             (("mixup", "warmup"), (("off", "on"), ("on", "on"))): "new"}  # fmt: skip
    pairs = sorted(zip(study.factors, *levels, strict=True))
    names, *runs = zip(*pairs, strict=True)
    return known.get((names, tuple(sorted(runs))), "torn")


def make_export(folder: Path) -> None:
    """A store with two studies, and the export of the first."""
    make_store(folder)
    store = Store(folder, create=False)
    commit(folder)
    save_study(store, "t", *_asked(("warmup",), NEW))


def export(folder: Path) -> None:
    """Export the second study over the first."""
    store = Store(folder, create=False)
    write_export(store, load_study(store, "t"), folder / "out")


def export_state(folder: Path) -> str:
    """old, new, or refused if the files are of different exports."""
    try:
        found = read_export(folder / "out")
    except BadInput as error:
        return "refused" if "checksum does not match" in str(error) else str(error)
    name = {"s": "old", "t": "new"}[found.study.name]
    same = found.records == evidence(Store(folder, create=False), found.study.name).records
    return name if same else "torn"


PARTS: dict[str, tuple[Action, Action, Callable[[Path], str], bool]] = {
    "commit": (make_store, commit, commit_state, True),
    "commit without links": (make_store, commit, commit_state, False),
    "study": (make_store, extend, extend_state, True),
    "export": (make_export, export, export_state, True),
}


def stopped(name: str, modes: Sequence[str] = MODES) -> Counter[str]:
    """The counts of one of PARTS, from a small process: a large one takes long to fork."""
    line = [sys.executable, "-m", "tests.records.fault_points", name, *modes]
    told = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    return Counter(json.loads(told))


def main(name: str, *modes: str) -> None:
    """Print the counts of one of PARTS. Files are in memory if possible: no disk syncs."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        print(json.dumps(fault_points(Path(place), *PARTS[name], modes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
