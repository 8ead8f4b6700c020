"""A check: its name, the expected result, and the result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

VERDICTS = ("as expected", "not as expected", "broke", "not run")


@dataclass(frozen=True)
class Place:
    """Where the checks run.

    device: cuda or cpu. short: only enough to show that a check works. scratch: a free folder.
    """

    device: str
    short: bool
    scratch: Path

    @property
    def on_gpu(self) -> bool:
        return self.device.startswith("cuda")


@dataclass
class Found:
    """The result of a check: figures by name; reason: why it is not as expected, "" if it is."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""


@dataclass(frozen=True)
class Check:
    """`expected` is a sentence; `run` makes the check; only_gpu: whether it needs a GPU."""

    name: str
    expected: str
    run: Callable[[Place], Found]
    only_gpu: bool = False


@dataclass(frozen=True)
class Result:
    """A line of the output. seconds: duration of the check. reason: why it is not as expected."""

    name: str
    expected: str
    verdict: str
    seconds: float
    figures: dict[str, Any]
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{self.verdict:<15} {self.name} ({self.seconds:.1f} s){why}"


def results(checks: Sequence[Check], place: Place, seconds: float) -> Iterator[Result]:
    """Each check in turn; checks that would begin after `seconds` are not run."""
    end = time.monotonic() + seconds
    for check in checks:
        began = time.monotonic()
        if check.only_gpu and not place.on_gpu:
            found, verdict, reason = Found(), "not run", "it means nothing without a GPU"
        elif began > end:
            found, verdict, reason = Found(), "not run", f"{seconds / 60:.0f} minutes are over"
        else:
            try:
                found = check.run(place)
                verdict, reason = VERDICTS[bool(found.wrong)], found.wrong
            except Exception as error:
                found = Found({"traceback": traceback.format_exc()})
                verdict, reason = "broke", f"{type(error).__name__}: {error}".splitlines()[0]
        took = round(time.monotonic() - began, 2)
        yield Result(check.name, check.expected, verdict, took, found.figures, reason)
