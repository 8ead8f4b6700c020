"""Make the standard streams of a process safe: open, able to take any text, allowed to fail."""

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
    """A stream that passes on text through `visible`; else it is like the stream that it wraps."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` without characters that could control a terminal."""
        return self._stream.write(visible(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Expendable:
    """A stream whose text may be lost, if the disk is full, or if its reader or terminal is gone.

    Losing messages is better than losing the work that they report.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` if possible."""
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def unfiltered(stream: TextIO) -> TextIO:
    """The stream behind a `Shown`, for callers that draw with control characters."""
    held: Any = stream
    if isinstance(held, Expendable):
        return Expendable(unfiltered(held._stream))  # type: ignore[return-value]
    return held._stream if isinstance(held, Shown) else stream


def mend() -> None:
    """Open closed standard streams as /dev/null, and let all of them take any text.

    Otherwise the next file that is opened would become the standard output of this process and its
    children.
    """
    for descriptor, name in enumerate(NAMES):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(
                os.open(os.devnull, os.O_RDWR), True
            )  # takes the lowest free descriptor
        if getattr(sys, name) is None:
            mode = "r" if descriptor == 0 else "w"
            stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    take_any_text()


def take_any_text() -> None:
    """Replace characters that the encoding of an output lacks, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="replace")


def let_go() -> None:
    """Close outputs that cannot be written any more, so that Python does not complain at exit."""
    for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)


def complain(line: str) -> None:
    """Write a line on stderr if possible."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)
