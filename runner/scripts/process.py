"""A script's process, for its worker: its output line by line, its signs of life, its end."""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

GUARD = Path(__file__).with_name("guard.py")
TAIL = 20_000  # characters of the output's end that are kept
BLOCK = 1 << 16
LONGEST = 1 << 20  # characters of a line
_ENDS = re.compile(r"\r\n|\n|\r")


class Ended(msgspec.Struct, frozen=True):
    """The end of a script.

    status: exit status (negative: a signal). CPU seconds are of the script and all its children,
    memory is in MiB of the largest of them. error: why it could not be started.
    """

    status: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    memory_mb: float = 0.0
    error: str | None = None


@dataclass
class Output:
    """The end of a script's output; passes every line to `take` and to this process's stdout."""

    take: Callable[[str], None]
    heard: int = 0  # characters
    _lines: deque[str] = field(default_factory=deque)
    _kept: int = 0
    _rest: str = ""

    def add(self, data: bytes) -> None:
        """Add some bytes of the output."""
        os.write(1, data)
        text = data.decode(errors="replace")
        self.heard += len(text)
        *lines, self._rest = _ENDS.split(self._rest + text)
        self._rest = self._rest[-LONGEST:]
        for line in lines:
            self._line(line)

    def close(self) -> None:
        """The output has ended: the rest is a line too."""
        if self._rest:
            self._line(self._rest)
        self._rest = ""

    @property
    def tail(self) -> str:
        """The last lines."""
        return "\n".join(self._lines)[-TAIL:]

    @property
    def last_line(self) -> str:
        """The last line that is not blank."""
        return next((line.strip() for line in reversed(self._lines) if line.strip()), "")

    def _line(self, line: str) -> None:
        self.take(line)
        self._lines.append(line[-TAIL:])
        self._kept += min(len(line), TAIL)
        while self._kept > TAIL and len(self._lines) > 1:
            self._kept -= len(self._lines.popleft())


def carried_out(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    grace: float,
    output: Output,
    stop: Callable[[], bool],
    tick: float = 0.5,
) -> Ended:
    """Run a program to its end; `stop` is asked every `tick` seconds whether to end it.

    The program's group is stopped with SIGTERM, and after `grace` seconds with SIGKILL. The same
    happens if this process ends before the program.
    """
    said, told = os.pipe()
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARD), f"{grace:.3f}", str(told), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=folder, env=dict(environment), pass_fds=(told,), start_new_session=True,
    )  # fmt: skip
    os.close(told)
    assert guard.stdin is not None
    assert guard.stdout is not None
    pipe = guard.stdout.fileno()
    report, asked, sources = b"", False, [said, pipe]
    try:
        while said in sources:
            ready, _, _ = select.select(sources, [], [], tick)
            for source in ready:
                data = os.read(source, BLOCK)
                if not data:
                    sources.remove(source)
                elif source == pipe:
                    output.add(data)
                else:
                    report += data
            if not asked and said in sources and stop():
                asked = True
                guard.stdin.close()
        _drain(pipe, output)
    finally:
        with contextlib.suppress(OSError):
            guard.stdin.close()
        guard.wait()
        guard.stdout.close()
        os.close(said)
    output.close()
    try:
        return msgspec.json.decode(report, type=Ended)
    except msgspec.DecodeError:  # the guard was killed
        return Ended(status=guard.returncode or -9)


def _drain(pipe: int, output: Output) -> None:
    """Read what is left in the pipe; a remaining process may hold its other end open."""
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while data := os.read(pipe, BLOCK):
            output.add(data)
