"""Progress of an execution: a live view on a terminal; elsewhere one line per finished run."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from runner.analysis.metrics.registry import CHOOSES
from runner.execution.events import Event, Finished, PausedRun, Remark, Retry, Stopping, Waiting
from runner.execution.failure import advice
from runner.execution.progress_state import Running, Tally
from runner.records.record_schema import Error
from runner.streams import Expendable, unfiltered
from runner.text import counted, duration, printable

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

FAILURES_SHOWN = 20
LONGEST = 200  # characters of an error's message


class Progress:
    """A context manager that shows the events it is called with.

    total: the number of runs, of which `recorded` need no training. results: the store, for the
    paths of log files.
    """

    def __init__(
        self,
        total: int,
        recorded: int = 0,
        workers: int = 1,
        results: Path | None = None,
        stream: TextIO | None = None,
    ) -> None:
        self.tally = Tally(total, recorded, workers)
        self.results = results
        self.stream: TextIO = Expendable(stream or sys.stdout)  # type: ignore[assignment]
        self.note = ""
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=unfiltered(self.stream), highlight=False)
            if not console.is_dumb_terminal:
                self._live = Live(
                    console=console,
                    get_renderable=lambda: self._view(console),
                    refresh_per_second=4,
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.tally.running.clear()
        self.note = ""
        if self._live is not None:
            self._live.stop()
            self._live = None
        if left := self.tally.paused:
            runs = "1 run continues from its" if left == 1 else f"{left} runs continue from their"
            self._print(f"{runs} checkpoint when the command is run again")
        failures = self.tally.failures
        for failure in failures[:FAILURES_SHOWN]:
            error = failure.error or Error()
            self._print(f"{failure.state}: {failure.label}: {error.reason(LONGEST)}")
            self._print(f"    see {_log(self.results, failure.id)}")
            self._print(f"    {advice(error)}")
        if len(failures) > FAILURES_SHOWN:
            self._print(f"... and {len(failures) - FAILURES_SHOWN} more failed runs")

    def __call__(self, event: Event) -> None:
        """Show `event`."""
        now = time.monotonic()
        self.tally.take(event, now)
        line = ""
        match event:
            case Finished():
                line = self._finished(event, now)
            case Retry():
                line = f"again: {event.label}: {event.error.reason(LONGEST)}"
                self.note = line
            case Waiting(count):
                self.note = line = f"waiting for {counted(count, 'run')} that another process holds"
            case Remark(said):
                self.note = line = said
            case PausedRun(_, label, epoch):
                line = f"stopped: {label}: it will continue from its checkpoint after epoch {epoch}"
            case Stopping(running, stop_now):
                runs = counted(running, "run")
                end = "to finish or stop at a checkpoint" if event.pausing else "to finish"
                why = f"stopping, {event.why}" if event.why else "stopping"
                how = "twice" if event.why else "again"
                later = f"{why}: waits for {runs} {end}; Ctrl-C {how} stops now"
                self.note = line = "stopping now" if stop_now else later
        if line and self._live is None:
            self._print(line)

    def _finished(self, run: Finished, now: float) -> str:
        tally = self.tally
        width = len(str(tally.total))
        what = run.state if run.validation is None else f"val {run.validation:.2f} %"
        left = tally.seconds_left(now)
        rest = f", {duration(left)} left" if left else ""
        count = f"[{tally.done:{width}}/{tally.total}]"
        return f"{count} {run.label}: {what}, {run.seconds:.1f} s{rest}"

    def _print(self, line: str) -> None:
        print(printable(line), file=self.stream, flush=True)

    def _view(self, console: Console) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        tally, now = self.tally, time.monotonic()
        head = Table.grid(padding=(0, 2))
        left = tally.seconds_left(now)
        eta = "" if not left else f"{duration(left)} left"
        share = 100 * tally.done // max(1, tally.total)
        head.add_row(
            ProgressBar(max(1, tally.total), tally.done, width=max(10, console.width // 3)),
            Text(f"{tally.done}/{tally.total} runs"),
            Text(f"{share} %"),
            Text(eta, style="cyan"),
            Text(self._counts(), style="yellow"),
        )
        rows = Table.grid(padding=(0, 2))
        rows.add_column(width=max(20, console.width - 44), no_wrap=True, overflow="ellipsis")
        for run in tuple(tally.running.values()):
            rows.add_row(Text("  " + printable(run.label)), *_epochs(run), _seconds(run, now))
        lines: list[RenderableType] = [head, rows]
        if tally.best is not None:
            best = printable(f"best by validation: {tally.best.label}")
            lines.append(Text(f"  {best}  {tally.best.validation:.2f} %", style="green"))
        if self.note:
            note = Text("  " + printable(self.note), style="yellow", no_wrap=True)
            note.overflow = "ellipsis"
            lines.append(note)
        return Group(*lines)

    def _counts(self) -> str:
        shown = ("diverged", "failed", "infra")
        return ", ".join(f"{self.tally.states[s]} {s}" for s in shown if self.tally.states[s])


def _epochs(run: Running) -> tuple[Text, Text]:
    from rich.text import Text

    epoch = run.metrics["epoch"] if run.metrics else 0
    of = f"/{run.epochs}" if run.epochs else ""
    accuracy = run.metrics.get(CHOOSES) if run.metrics else None
    return (
        Text(f"epoch {epoch}{of}", style="dim"),
        Text("" if accuracy is None else f"val {accuracy:.1f} %", style="dim"),
    )


def _seconds(run: Running, now: float) -> Text:
    from rich.text import Text

    return Text(duration(now - run.began), style="dim")


def _log(results: Path | None, id: str) -> str:
    folder = Path("attempts") / id[:2] / id
    return f"{results / folder}" if results is not None else f"{folder} in the store"
