"""Carry out a run of a script: call it, watch it, read its results."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname

import msgspec

from runner.execution.failure import ProgramEnded, out_of_memory, signal_name
from runner.execution.machine import THREADS, share
from runner.execution.pausing import Paused, Pausing
from runner.execution.work import Emit, Outcome, Preload, Room
from runner.records import environments
from runner.records.json_values import JsonValue, finite
from runner.records.record import check_id
from runner.records.run import Run
from runner.records.script_toml import Script
from runner.scripts import command, metrics
from runner.scripts.command import Edits, Places
from runner.scripts.config_file import changed_copy
from runner.scripts.curves import Curves
from runner.scripts.inputs import check_unchanged
from runner.scripts.predictions import correct
from runner.scripts.process import Ended, carried_out
from runner.scripts.spec import seed_of
from runner.scripts.watch import Watch
from tricks.errors import BadInput

OUTPUTS = "outputs"  # the folder of a store that scripts write to
PACKAGES = (  # whose versions a record has
    "torch", "torchvision", "timm", "lightning", "pytorch-lightning", "keras", "tensorflow", "jax",
    "flax", "transformers", "scikit-learn", "numpy",
)  # fmt: skip


@dataclass(frozen=True)
class ScriptRun:
    """Calls `script` in `folder`; each run writes into its own folder below `outputs`.

    inputs: files and folders that must not change, with the digest `digest`. gpus: names for
    CUDA_VISIBLE_DEVICES; its processes share them, and each sees one. device: as --device; "cpu"
    hides all GPUs. threads: of a run on CPU. stall: seconds without output after which a run is
    ended. packages: installed for the script's Python, see `environments`.
    """

    script: Script
    folder: str
    outputs: str
    inputs: tuple[str, ...] = ()
    digest: str = ""
    gpus: tuple[str, ...] = ()
    device: str = "auto"
    threads: int = 1
    at_a_time: int = 1
    stall: float = math.inf
    packages: str = ""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None = None) -> Outcome:
        """Carry out a run. If asked to stop, a script with `{resume}` continues another time."""
        began = time.monotonic()
        change = msgspec.convert(run.payload["edits"], Edits)
        self._unchanged()
        out, resumes = self._output(run.id)
        config = ""
        if self.script.config:
            file = Path(self.folder, self.script.config)
            config = str(changed_copy(file, self._filled(change.config, run, change, out), out))
        places = Places(seed_of(run.seed, change.stream), str(out), config, resumes)
        called = command.arguments(self.script, change, places)
        environment = self._environment(run, change, out)
        print(f"$ {shlex.join(called)}", flush=True)
        watch = Watch(self.script, self.stall, pausing, emit, Curves(self.script.curves, out))
        folder, grace = Path(self.folder), self.script.grace_seconds
        ended = carried_out(called, environment, folder, grace, watch.output, watch.stop)
        try:
            self._check(ended, watch)
        except ProgramEnded as error:
            if not error.lost:  # it stays as evidence, and no run continues from it
                failed = out.with_name(f"{out.name}.failed")
                shutil.rmtree(failed, ignore_errors=True)
                out.rename(failed)
            raise
        self._unchanged()
        values = metrics.read(self.script, out, watch.printed)
        for figures in watch.curves.fresh(ended=True):
            emit(figures)
        fields = self._fields(called, environment, ended, values, out, watch)
        if not self.script.keep:
            shutil.rmtree(out, ignore_errors=True)
        fine = all(map(math.isfinite, values.values()))
        seconds = time.monotonic() - began
        validation = fields.get("val_accuracy")
        return Outcome(
            "ok" if fine else "diverged",
            fields,
            validation if isinstance(validation, float) else None,
            seconds,
            packages=self.packages,
        )

    def preload(self) -> Sequence[Preload]:
        """Nothing: the script's own process imports what it needs."""
        return ()

    def here(self, workers: int, say: Callable[[str], None]) -> ScriptRun:
        """The work on another machine; see `Movable`.

        Raises BadInput if its folder is missing there, or has other files.
        """
        self.check_here()
        return self.shared_out(workers)

    def shared_out(self, workers: int) -> ScriptRun:
        """The work on this machine with `workers` processes: sets their GPUs and threads."""
        gpus, at_a_time, cores = share(self.device, workers)
        return replace(self, gpus=gpus, at_a_time=at_a_time, threads=cores)

    def sent(self) -> SentScript:
        """The work, by its path: its folder must exist there too."""
        return SentScript(self)

    def check_here(self) -> None:
        """Raises BadInput if the folder of the script is missing, or has other files."""
        if not os.access(self.folder, os.R_OK | os.X_OK):
            raise BadInput(f"{self.folder}: missing or not readable on {gethostname()}")
        self._unchanged()

    def _unchanged(self) -> None:
        check_unchanged(self.inputs, Path(self.folder), self.digest)

    def _output(self, id: str) -> tuple[Path, bool]:
        """The folder for the run's files, and whether it continues with existing files."""
        out = Path(self.outputs, check_id(id))
        resumes = command.takes(self.script, "resume") and out.is_dir() and any(out.iterdir())
        if not resumes:
            shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        return out, resumes

    def _filled(
        self, texts: Mapping[str, str], run: Run, change: Edits, out: Path
    ) -> dict[str, str]:
        """Values of variables and of the config, with {seed}, {out} and parameters replaced."""
        values = {
            **command.parameter_texts(self.script),
            **change.parameters,
            "seed": str(seed_of(run.seed, change.stream)),
            "out": str(out),
        }
        return {name: command.filled(text, values) for name, text in texts.items()}

    def _environment(self, run: Run, change: Edits, out: Path) -> dict[str, str]:
        asked = self._filled({**self.script.environment, **change.environment}, run, change, out)
        own = dict.fromkeys(THREADS, str(self.threads))
        if self.device == "cpu":
            own["CUDA_VISIBLE_DEVICES"] = ""
        return {**os.environ, **own, "PYTHONUNBUFFERED": "1", **asked}

    def _check(self, ended: Ended, watch: Watch) -> None:
        """Raises the error of a run without a result."""
        log = watch.output.tail
        if ended.error is not None:
            raise BadInput(f"script.run cannot be started: {ended.error}")
        if watch.why == "left":
            raise Paused(watch.curves.reported)
        if watch.why == "stall":
            message = f"the script printed nothing for {self.stall:.0f} s"
            raise ProgramEnded("Hung", message, log, lost=True)
        if watch.why == "wall":
            minutes = self.script.wall_minutes
            message = (
                f"the script was ended after {minutes:g} minutes, the limit script.wall_minutes"
            )
            raise ProgramEnded("WallTime", message, log)
        if ended.status == 0:
            return
        if out_of_memory(log) or (ended.status == -signal.SIGKILL and watch.starved()):
            message = f"memory ran out: {watch.output.last_line[:200]}"
            raise ProgramEnded("OutOfMemory", message, log, lost=True)
        if ended.status < 0:
            message = f"the script was ended by {signal_name(-ended.status)}"
            raise ProgramEnded("Killed", message, log, lost=True)
        said = watch.output.last_line[:300]
        message = f"the script exited with code {ended.status}{said and ': '}{said}"
        raise ProgramEnded("ScriptExit", message, log)

    def _fields(
        self,
        called: Sequence[str],
        environment: Mapping[str, str],
        ended: Ended,
        values: Mapping[str, float],
        out: Path,
        watch: Watch,
    ) -> dict[str, JsonValue]:
        """The fields for the record."""
        found: dict[str, dict[str, float]] = {
            role: {name: values[_whole(self.script, role, name)] for name in self.script.of(role)}
            for role in ("test", "validation")
        }
        fields: dict[str, JsonValue] = {"metrics": found}
        for role, start in (("test", "test"), ("validation", "val")):
            name = self.script.accuracy(role)
            if name is not None and math.isfinite(found[role][name]):
                fields[f"{start}_accuracy"] = _per_cent(found[role][name], name)
        test = fields.get("test_accuracy")
        fields |= correct(out, test if isinstance(test, float) else None)
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES") if self.gpus else None
        seconds = {"train": ended.seconds, "total": ended.seconds, "cpu": ended.cpu}
        return {
            **fields,
            "epochs": [finite(figures) for figures in watch.curves.all()],
            "seconds": seconds,
            "gpu_seconds": ended.seconds if self.gpus else 0.0,
            "peak_memory_mb": ended.memory_mb,
            "device": "cpu" if gpu is None else f"GPU {gpu}",
            "at_a_time": self.at_a_time,
            "versions": environments.versions(self.packages, PACKAGES),
            "command": list(called),
            "environment": _changed(environment),
            "platform": f"{sys.platform} {os.uname().release} {os.uname().machine}",
        }


@dataclass(frozen=True)
class SentScript:
    """A script's work that is sent to a machine without shared folders."""

    work: ScriptRun

    def unpacked(self, root: Path, room: Room) -> ScriptRun:
        """The work with outputs below `root`. Raises BadInput for a missing or changed script."""
        self.work.check_here()
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES") if room.device == "cuda" else None
        return replace(
            self.work,
            outputs=str(root / OUTPUTS),
            gpus=() if gpu is None else (gpu,),
            device=room.device,
            threads=room.cores,
            at_a_time=room.at_a_time,
        )


def _whole(script: Script, role: str, name: str) -> str:
    """The metric's name in the script's table."""
    return next(
        whole
        for whole, m in script.found.items()
        if m.role == role and whole in (name, f"val_{name}")
    )


def _per_cent(value: float, name: str) -> float:
    if not 0 <= value <= 100:
        raise BadInput(
            f"script.metrics.{name}: {value:g} is no percentage: for a share give scale = 100, "
            "for another number percent = false"
        )
    return value


def _changed(environment: Mapping[str, str]) -> dict[str, JsonValue]:
    """The variables that this process lacks, or has with another value."""
    return {k: v for k, v in environment.items() if os.environ.get(k) != v}
