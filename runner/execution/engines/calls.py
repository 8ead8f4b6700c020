"""Call functions in processes forked from the template, and get their results."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import TypeVar, cast

from runner.execution.engines import fork_server
from runner.execution.engines.process import ignore_stops, leave, see
from runner.execution.orphans import leave_with_parent
from runner.streams import take_any_text
from tricks.errors import BadInput

SOON = 5.0  # seconds within which a process whose pipe is closed has ended
A = TypeVar("A")
B = TypeVar("B")


class EndedError(Exception):
    """A process ended without a result. code: its exit code; None: unknown."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


def each(
    function: Callable[[A], B],
    items: Sequence[A],
    at_a_time: int = 1,
    gpus: Sequence[str] = (),
) -> list[B]:
    """The results of the picklable `function` for `items`, in order.

    It runs in `at_a_time` processes, which each process many items and see one of `gpus`, in turn.
    Raises the exception of `function`, BadInput for a program that would start itself again in each
    process, or EndedError. Then, and at Ctrl-C, the other processes are ended.
    """
    results: dict[int, B] = {}
    left = list(enumerate(items))[::-1]
    with _processes(function, min(at_a_time, len(items)), gpus) as started:
        at = {pipe: _give(started, pipe, left.pop()) for pipe in started}
        while at:
            for pipe in wait(list(at)):
                assert isinstance(pipe, Connection)
                try:
                    answer = pipe.recv()
                except (EOFError, OSError) as error:
                    raise _ended(started[pipe]) from error
                if isinstance(answer, BaseException):
                    raise answer
                results[at.pop(pipe)] = cast("tuple[B]", answer)[0]
                if left:
                    at[pipe] = _give(started, pipe, left.pop())
    return [results[place] for place in range(len(items))]


@contextmanager
def _processes(
    function: Callable[[A], B], count: int, gpus: Sequence[str]
) -> Iterator[dict[Connection, _Start]]:
    """A context with processes by their pipes, which ends them on exit."""
    started: list[_Start] = []
    try:
        for number in range(count):
            started.append(_Start(function, gpus[number % len(gpus)] if gpus else None))
        yield {one.pipe(): one for one in started}
    finally:
        for one in started:
            one.end()


class _Start:
    """A process that is being started: the template may still import, and Ctrl-C does not wait."""

    def __init__(self, function: Callable[[A], B], gpu: str | None) -> None:
        self._unwanted = False
        self._made: tuple[ForkServerProcess, Connection] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function, gpu), daemon=True)
        self._thread.start()

    def pipe(self) -> Connection:
        """This side of its pipe, once it has started. Raises BadInput if it cannot be started."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._made is not None
        return self._made[1]

    def code(self) -> int | None:
        """The exit code of an ended process."""
        if self._made is None:
            return None
        self._made[0].join(SOON)
        return self._made[0].exitcode

    def end(self) -> None:
        """Kill the process, now or as soon as it has started."""
        self._unwanted = True
        self._kill()

    def _run(self, function: Callable[[A], B], gpu: str | None) -> None:
        try:
            self._made = fork_server.start(_serve, function, gpu)
        except BaseException as error:
            self._error = error
        if self._unwanted:
            self._kill()

    def _kill(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            made[0].kill()
            made[0].join()
            made[1].close()


def _give(started: dict[Connection, _Start], pipe: Connection, item: tuple[int, A]) -> int:
    try:
        pipe.send(item[1])
    except OSError as error:
        raise _ended(started[pipe]) from error
    return item[0]


def _ended(process: _Start) -> Exception:
    """The exception for a process that ended without a result."""
    code = process.code()
    return BadInput(fork_server.NO_GUARD) if code == fork_server.UNGUARDED else EndedError(code)


def _serve(pipe: Connection, function: Callable[[A], B], gpu: str | None) -> None:
    """The code of the process: sends a result, or the exception, for each item."""
    see(gpu)
    ignore_stops()
    leave_with_parent()
    take_any_text()
    try:
        while True:
            item = pipe.recv()
            try:
                answer: tuple[B] | BaseException = (function(item),)
            except BaseException as error:
                answer = _portable(error)
            pipe.send(answer)
    except (EOFError, OSError):
        leave()


def _portable(error: BaseException) -> BaseException:
    """The error with its traceback as a note; a foreign error becomes its text.

    Errors that are neither Python's nor ours may pickle, and still fail to unpickle.
    """
    if type(error).__module__ not in ("builtins", BadInput.__module__):
        error, told = RuntimeError(str(error) or type(error).__name__), error
        error.__cause__ = told
    error.add_note("".join(traceback.format_exception(error)))
    return error
