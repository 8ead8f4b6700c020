"""A worker of the engine `ray`, on its node: an actor with a separate process for the training.

It has no store, only a scratch folder. The files of a run are sent to the driver as they appear:
its log, its epochs and each checkpoint while it runs, and at the end its record and other files.
"""

from __future__ import annotations

import contextlib
import fcntl
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from socket import gethostname
from typing import IO

from msgspec.structs import asdict

from runner.execution.clusters.watched_runs import file_of
from runner.execution.engines.local import Local
from runner.execution.messages import (
    Alive,
    Assignment,
    Begun,
    Ended,
    EpochDone,
    Lost,
    Message,
    Mistake,
    PausedAt,
    Recorded,
)
from runner.execution.order import Order
from runner.execution.work import Room, Sent
from runner.execution.worker import Carried
from runner.records import checkpoints
from runner.records.predictions import ENDING
from runner.records.record_schema import Error
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput

SCRATCH = "tricks-bench-ray-"  # begins the name of a scratch folder
FRESH = 60.0  # seconds within which a worker locks its new scratch folder
OUTPUTS = "outputs"
KEPT = ("examples", "environments")  # that all runs share; the driver receives each file once
WRITTEN_FOLDERS = ("models", *KEPT, OUTPUTS)  # folders of a store in which trainings write
WAIT = 0.5  # seconds that a worker listens to its training before it answers
PACKAGES = ("tricks-bench", "torch", "torchvision", "timm")


@dataclass(frozen=True)
class Place:
    """The place of a worker. versions: of Python, and of packages that decide a training."""

    node: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Heard:
    """News of a run since the last question.

    grown: file of its attempt -> added bytes. checkpoint: if it wrote one. fate: if it ended.
    files: path below the store -> content, for files besides its record.
    """

    news: tuple[Alive | EpochDone, ...] = ()
    grown: Mapping[str, bytes] = field(default_factory=dict)
    checkpoint: bytes | None = None
    fate: Carried | Mistake | PausedAt | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


class Node:
    """One run at a time, on the CPU or the GPU that Ray gave this process."""

    def __init__(self, sent: Sent, runs_per_process: int, per_gpu: int) -> None:
        """per_gpu: runs that share a GPU; 0: runs are on the CPU."""
        self.sent, self.runs_per_process, self.per_gpu = sent, runs_per_process, per_gpu
        self.local: Local | None = None
        self.handed: set[str] = set()  # files of `KEPT` that the driver has

    def there(self) -> None:
        """Returns as soon as the worker has a place on a node."""

    def ready(self) -> Place | Mistake:
        """Prepare the first run: scratch folder, plug-ins, images."""
        try:
            _sweep()
            self.root = Path(tempfile.mkdtemp(prefix=SCRATCH))
            try:
                self.lock = _locked(self.root)
                self.store = Store(self.root)
                work = self.sent.unpacked(self.root, self._room())
            except BaseException:
                shutil.rmtree(self.root, ignore_errors=True)
                raise
        except (BadInput, OSError) as error:
            return Mistake(f"on node {gethostname()}: {error}")
        self.local = Local(self.store, Order(work, 1, self.runs_per_process))
        return Place(gethostname(), versions())

    def begin(
        self, assignment: Assignment, checkpoint: bytes | None, files: Mapping[str, bytes]
    ) -> None:
        """Begin a run. checkpoint: to continue from. files: from its last pause."""
        assert self.local is not None
        self.run, self.attempt, self.asked = assignment.run, Path(), False
        self.read: dict[str, int] = {}
        self.checkpoint = checkpoints.path_of(self.root, self.run.id)
        for name, content in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(content)
        if checkpoint is not None:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            self.checkpoint.write_bytes(checkpoint)
        self.written = file_of(self.checkpoint)
        self.local.begin(assignment)

    def listen(self, leave: bool) -> Heard:
        """News of the run. leave: ask it to stop at a checkpoint."""
        assert self.local is not None
        if leave and not self.asked:
            self.asked = True
            self.local.pause()
        messages = [message for _, message in self.local.listen(WAIT)]
        for message in messages:
            if isinstance(message, Begun):
                self.attempt = self.checkpoint.parent / str(message.attempt)
        news = tuple(m for m in messages if isinstance(m, (Alive, EpochDone)))
        last = messages[-1] if messages else Alive()
        heard = Heard(news, dict(self._grown()), self._fresh())
        if isinstance(last, (Alive, Begun, EpochDone)):
            return heard
        fate = self._fate(last)
        files = dict(self._files())
        self._clear()
        return replace(heard, fate=fate, files=files)

    def leave(self) -> None:
        """Remove the scratch folder; the worker is done."""
        if self.local is not None:
            self.local.close()
            shutil.rmtree(self.root, ignore_errors=True)

    def _room(self) -> Room:
        import ray

        here = ray.get_runtime_context().get_node_id()
        nodes: list[dict[str, float]] = [
            told["Resources"] for told in ray.nodes() if told["NodeID"] == here
        ]
        found = nodes[0] if nodes else {}
        cpus, gpus = int(found.get("CPU", 1)), int(found.get("GPU", 0))
        workers = max(1, gpus * self.per_gpu or cpus)
        device = "cuda" if self.per_gpu else "cpu"
        return Room(device, self.per_gpu or workers, max(1, cpus // workers))

    def _grown(self) -> Iterator[tuple[str, bytes]]:
        for name in ("log.txt", "epochs.jsonl"):
            with contextlib.suppress(OSError), (self.attempt / name).open("rb") as file:
                file.seek(self.read.get(name, 0))
                if added := file.read():
                    self.read[name] = file.tell()
                    yield name, added

    def _fresh(self) -> bytes | None:
        changed = file_of(self.checkpoint)
        if changed is None or changed == self.written:
            return None
        try:
            content = self.checkpoint.read_bytes()
        except FileNotFoundError:  # the run has ended meanwhile
            return None
        self.written = changed
        return content

    def _fate(self, message: Message) -> Carried | Mistake | PausedAt:
        match message:
            case Mistake(text):
                return Mistake(f"on node {gethostname()}: {text}")
            case PausedAt():
                return message
            case Recorded(state, validation, seconds, error):
                path = self.store.path(self.run.id)
                record = self.store.read(self.run.id) or {}
                for name in ("schema", "checksum", "attempt", "predictions_sha256"):
                    record.pop(name, None)
                beside = path.with_suffix(ENDING)
                predictions = beside.read_bytes() if beside.exists() else None
                return Carried(record, state, error, seconds, validation, predictions)
            case Ended(state, error):
                return ended(self.run, state, error)
            case Lost(error):
                return ended(self.run, "infra", error)
        return ended(self.run, "infra", Error("Lost", f"its scratch folder failed: {message}"))

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for folder in WRITTEN_FOLDERS:
            for name, content in below(self.root, folder).items():
                if name not in self.handed:
                    yield name, content
                if folder in KEPT:  # these files stay, so that they are not made again for each run
                    self.handed.add(name)

    def _clear(self) -> None:
        for folder in ("runs", "attempts", "quarantine", "models", OUTPUTS):
            shutil.rmtree(self.root / folder, ignore_errors=True)


def below(root: Path, folder: str) -> dict[str, bytes]:
    """Path below `root` -> content, of the plain files in `folder`."""
    found = [path for path in sorted((root / folder).rglob("*")) if not path.is_symlink()]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in found if p.is_file()}


def versions() -> dict[str, str]:
    """Installed versions of Python, and of packages that decide a training."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def ended(run: Run, state: str, error: Error) -> Carried:
    """The record of a run whose process ended without one."""
    record = {"id": run.id, **run.payload, "state": state, "error": asdict(error)}
    return Carried(record, state, error, 0.0, None)


def _locked(folder: Path) -> IO[bytes]:
    """A lock on a scratch folder until this process ends. Raises OSError if it is locked.

    Process numbers would not work, since containers may share the folder of temporary files.
    """
    lock = (folder / "lock").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def _sweep() -> None:
    """Remove the scratch folders of killed workers."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > FRESH:
                with _locked(folder):
                    shutil.rmtree(folder, ignore_errors=True)
