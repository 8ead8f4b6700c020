"""The standard streams of a process: there, able to take any text, and no reason to stop for."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from runner.text import visible

NAMES = ("stdin", "stdout", "stderr")  # by their descriptors


class Shown:
    """A stream that text reaches only as `visible` gives it; otherwise as the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`; on a terminal nothing in it can do more than be read."""
        return self._stream.write(visible(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Expendable:
    """A stream whose text may be lost: its disk is full, its reader or its terminal is gone.

    What is told on it is worth less than the work that it tells of.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, if that can be."""
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written, if that can be."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def unfiltered(stream: TextIO) -> TextIO:
    """What is behind a `Shown`, for who draws with control characters of his own."""
    held: Any = stream
    if isinstance(held, Expendable):
        return Expendable(unfiltered(held._stream))  # type: ignore[return-value]
    return held._stream if isinstance(held, Shown) else stream


def mend() -> None:
    """Open the standard streams that are closed, as /dev/null, and let all take any text.

    Else the next file that is opened would be the standard output of this process and its children.
    """
    for descriptor, name in enumerate(NAMES):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
        if getattr(sys, name) is None:
            mode = "r" if descriptor == 0 else "w"
            stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    take_any_text()


def take_any_text() -> None:
    """Replace characters that the encoding of an output lacks, where they would raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def let_go() -> None:
    """Give up outputs that cannot be written any more; Python would complain of them at exit."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


def complain(line: str) -> None:
    """Write a line on stderr, if that can be."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
