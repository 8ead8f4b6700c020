"""Runners in separate processes, and what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

PROGRAM = Path(__file__).parent.parent / "grid_runner.py"
STARTED: list[subprocess.Popen[str]] = []  # each in a session of its own


def heard() -> None:
    """In a child: a closed terminal stops it, also where the tests were started by `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Runner:
    """A separate runner process, with the options of grid_runner.py."""

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
            [sys.executable, str(PROGRAM), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            preexec_fn=before or heard,
        )
        STARTED.append(self.process)

    def wait_for(self, word: str, times: int = 1) -> None:
        """Wait until `count` lines that begin with `word` were printed."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            times -= line.startswith(word)
            if times == 0:
                return
        raise AssertionError(self.process.stderr.read() if self.process.stderr else "")

    def end(self) -> tuple[dict[str, Any] | None, str]:
        """Its summary, if it printed one, and its stderr."""
        out, err = self.process.communicate(timeout=800)
        last = (out.strip().splitlines() or [""])[-1]
        return (json.loads(last) if last.startswith("{") else None), err

    def summary(self) -> dict[str, Any]:
        """Its summary."""
        summary, err = self.end()
        assert summary is not None, err
        return summary

    def children(self) -> list[int]:
        """Living processes of its session, except itself."""
        return [pid for pid in in_session(self.process.pid) if pid != self.process.pid]


def end_all() -> None:
    """Kill all remaining processes of every runner, stopped ones too."""
    while STARTED:
        process = STARTED.pop()
        for pid in in_session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def kill_one(pids: list[int], draw: Random) -> int:
    """SIGKILL one of the processes. Returns the number of killed processes: 0 if none was left."""
    for pid in draw.sample(pids, min(1, len(pids))):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return 1
    return 0


def in_session(session: int, states: str = "RSDTt") -> list[int]:
    """Processes of a session in one of `states`, even if its leader has ended."""
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
    """Whether `condition` becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
