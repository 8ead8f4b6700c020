"""Progress: counts, time left, one line per run; names cannot break the terminal's view."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from runner.execution.events import Epoch, Event, Finished, Retry, Skipped, Started, Stopping
from runner.execution.progress import Progress
from runner.execution.progress_state import Tally
from runner.records.record_schema import Error
from runner.text import duration

ERROR = Error("ValueError", "no\nmore", "...")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def one_run(number: int, accuracy: float | None = 90.0, state: str = "ok") -> list[Event]:
    id, label = f"{number:016x}", f"mixup, seed {number}"
    error = ERROR if state == "failed" else None
    return [
        Started(id, label, 1, 10),
        Epoch(id, label, {"epoch": 1, "val_accuracy": 80.0}),
        Finished(id, label, state, accuracy, 5.0, error),
    ]


def test_time_left_follows_the_throughput() -> None:
    tally = Tally(total=100, recorded=40, workers=2)
    assert tally.seconds_left(0.0) is None
    tally.take(Skipped(40), 0.0)
    assert tally.done == 40
    for n in range(10):  # every 3 s one of them ends
        for event in one_run(n):
            tally.take(event, 3.0 * (n + 1))
    assert tally.done == 50
    assert tally.seconds_left(30.0) == pytest.approx(150.0)
    assert tally.seconds_left(32.0) == pytest.approx(148.0)


def test_the_first_guess_is_the_mean_length_by_the_workers() -> None:
    tally = Tally(total=9, workers=2)
    for event in one_run(0):
        tally.take(event, 5.0)
    assert tally.seconds_left(5.0) == pytest.approx(8 * 5 / 2)


def test_the_best_is_chosen_by_validation() -> None:
    tally = Tally(total=3)
    for n, accuracy in enumerate((91.0, 95.0, None)):
        for event in one_run(n, accuracy, "ok" if accuracy else "diverged"):
            tally.take(event, 1.0)
    assert tally.best is not None
    assert tally.best.label == "mixup, seed 1"
    assert tally.states == {"ok": 2, "diverged": 1}
    assert not tally.running


def test_elsewhere_it_is_one_line_a_finished_run(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Progress(3, 1, results=tmp_path, stream=stream) as progress:
        for event in (Skipped(1), *one_run(0), *one_run(1, None, "failed")):
            progress(event)
        assert len(stream.getvalue().splitlines()) == 2
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[2/3] mixup, seed 0: val 90.00 %, 5.0 s, 5 s left"
    assert lines[1] == "[3/3] mixup, seed 1: failed, 5.0 s"
    assert lines[2] == "failed: mixup, seed 1: ValueError: no"
    assert str(tmp_path / "attempts" / "00") in lines[3]
    assert "\x1b" not in stream.getvalue()


def test_on_a_terminal_it_shows_what_runs_and_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    with Progress(5, workers=2, stream=stream) as progress:
        for event in (*one_run(0), *one_run(1)[:2]):
            progress(event)
        label = "<img onerror=…> [bold] \x1b[2J"
        progress(Started("f" * 16, label, 1, 10))
        progress(Retry("e" * 16, label, 1, Error("ValueError", "\x1b[2J[/red]")))
        progress(Stopping(2, now=False))
        time.sleep(0.6)
    text = stream.getvalue()
    for words in ("1/5 runs", "20 %", "left", "epoch 1/10", "val 80.0 %", "[bold]", "<img",
                  "best by validation: mixup, seed 0", "waits for 2 runs"):  # fmt: skip
        assert words in text, words
    assert "\x1b[2J" not in text


def test_a_terminal_that_can_do_nothing_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Progress(1, stream=stream) as progress:
        for event in one_run(0):
            progress(event)
    assert stream.getvalue() == "[1/1] mixup, seed 0: val 90.00 %, 5.0 s\n"


def test_durations_never_go_backwards() -> None:
    assert duration(0.2) == "0 s"
    assert duration(3_600) == "1 h"
    assert duration(59.7) == "1 min"
