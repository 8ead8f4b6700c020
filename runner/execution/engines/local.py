"""The engine `local`: processes on this machine, forked from a warm template."""

from __future__ import annotations

import time
from collections import Counter
from multiprocessing.connection import wait

from runner.execution.engines import fork_server, registry
from runner.execution.engines.child import Child
from runner.execution.engines.process import PAUSE, serve
from runner.execution.failure import of_exit
from runner.execution.messages import (
    Alive,
    Assignment,
    Begun,
    Ended,
    EpochDone,
    Message,
    Mistake,
    PausedAt,
    Recorded,
)
from runner.execution.order import Order
from runner.records import checkpoints
from runner.records.store import Store


class Local:
    """The child processes of one execution."""

    def __init__(self, store: Store, order: Order) -> None:
        self.store, self.order = store, order
        self.children: list[Child] = []
        self.leaving: list[Child] = []

    def room(self) -> bool:
        """Whether fewer runs are running than the number of workers."""
        return sum(child.run is not None for child in self.children) < self.order.workers

    def begin(self, assignment: Assignment) -> None:
        """Give the run to an idle process, or to a new process on the GPU with the fewest."""
        idle = next((child for child in self.children if child.run is None), None)
        if idle is not None:
            idle.begin(assignment)
            return
        held = Counter(child.gpu for child in self.children)
        gpu = min(self.order.gpus, key=lambda name: held[name], default=None)
        fork_server.warm_up(self.order.work.preload())
        root = str(self.store.root.absolute())
        process, pipe = fork_server.start(serve, root, self.order.work, assignment, gpu)
        left = self.order.runs_per_process - 1
        self.children.append(Child(process, pipe, assignment.run.id, left, gpu))

    def listen(self, seconds: float) -> list[tuple[str, Message]]:
        """The messages of the processes, and the ends of processes."""
        sources = [x for child in self.children for x in (child.pipe, child.process.sentinel)]
        if sources:
            wait(sources, timeout=seconds)
        else:
            time.sleep(seconds)
        heard: list[tuple[str, Message]] = []
        for child in tuple(self.children):
            alive = child.process.is_alive()  # asked first: its last words are then in the pipe
            heard += self._hear(child)
            if not alive and child in self.children:
                if child.run is not None:
                    heard.append((child.run, _end(child)))
                self._bury(child)
        for child in tuple(self.leaving):
            if not child.process.is_alive():
                child.bury()
                self.leaving.remove(child)
        return heard

    def pause(self) -> None:
        """Ask running runs to stop at a checkpoint."""
        for child in self.children:
            if child.run is not None:
                child.say(PAUSE)

    def end(self, id: str) -> str:
        """Kill the process of the run. Returns the end of the run's log."""
        child = next((child for child in self.children if child.run == id), None)
        if child is None:
            return ""
        child.process.kill()
        self._bury(child)
        return child.log()

    def close(self) -> None:
        """Kill every process."""
        everyone = (*self.children, *self.leaving)
        for child in everyone:
            if child.process.is_alive():
                child.process.kill()
        for child in everyone:
            child.bury()
        self.children, self.leaving = [], []

    def _hear(self, child: Child) -> list[tuple[str, Message]]:
        heard: list[tuple[str, Message]] = []
        try:
            while child in self.children and child.run is not None and child.pipe.poll():
                message: Message = child.pipe.recv()
                heard.append((child.run, message))
                if isinstance(message, Begun):
                    attempts = checkpoints.attempts(self.store.root, child.run)
                    child.attempt = attempts / str(message.attempt)
                elif not isinstance(message, (Alive, EpochDone)):
                    self._release(child, message)
        except (EOFError, OSError):
            pass  # it has ended: its sentinel tells the rest
        return heard

    def _release(self, child: Child, fate: Message) -> None:
        """The child is done with its run: keep it for the next run, or end it.

        A child whose training failed must end, since its CUDA context may be unusable.
        """
        well = isinstance(fate, PausedAt)
        well |= isinstance(fate, Recorded) and fate.state in ("ok", "diverged")
        keep = well or child.attempt is None
        child.run, child.attempt = None, None
        if not keep or child.runs_left < 1:
            self.children.remove(child)
            self.leaving.append(child)
            child.say(None)

    def _bury(self, child: Child) -> None:
        self.children.remove(child)
        child.bury()


def _end(child: Child) -> Message:
    """The message for a run whose child ended without a message."""
    code, began = child.process.exitcode, child.attempt is not None
    if code == fork_server.UNGUARDED and not began:
        return Mistake(fork_server.NO_GUARD)
    return Ended(*of_exit(code, child.log(), child.starved(), began))


registry.register("local", Local)
