"""Engines by name, workers without a pipe, and programs that start runs by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import inline_engine
import pytest
from injected.runners import in_session, until
from stub_training import Stub, runs

from runner.execution.engines import calls, registry
from runner.execution.engines.local import Local
from runner.execution.events import Event, Finished, Retry, Started
from runner.execution.executor import execute
from runner.execution.messages import Assignment, Elsewhere, Known, Lost, Message, Recorded
from runner.execution.order import Order
from runner.execution.worker import perform
from runner.records.store import Store
from tricks.errors import BadInput

ROOT = Path(__file__).parents[2]


def test_an_engine_of_one_file_does_a_grid(tmp_path: Path) -> None:
    store, diary, events = Store(tmp_path / "results"), tmp_path / "diary", list[Event]()
    order = Order(Stub(diary=str(diary)), workers=1, retries=1, engine="inline")
    summary = execute(runs([0, 1, 90001, 90004, 90006]), store, order, events.append)
    assert (summary.ok, summary.diverged, summary.failed, summary.infra) == (2, 1, 1, 1)
    assert {line.split()[1] for line in diary.read_text().splitlines()} == {str(os.getpid())}
    assert [sum(isinstance(e, kind) for e in events) for kind in (Started, Retry, Finished)] == [
        6, 1, 5,
    ]  # fmt: skip
    assert execute(runs([0, 1]), store, order).skipped == 2


def test_engines_are_found_by_name() -> None:
    assert registry.find("local") is Local
    assert registry.find("inline") is inline_engine.Inline
    with pytest.raises(BadInput, match=r"unknown engine 'locl'.*local"):
        registry.find("locl")


def test_both_engines_record_the_same(tmp_path: Path) -> None:
    found = []
    for engine in ("local", "inline"):
        store = Store(tmp_path / engine)
        execute(runs([0, 90001, 90006]), store, Order(Stub(), workers=1, engine=engine))
        records = [store.read(run.id) or {} for run in runs([0, 90001, 90006])]
        varies = ("started", "finished", "wall_seconds", "checksum", "error")
        found.append([{k: v for k, v in r.items() if k not in varies} for r in records])
        assert list(records[0]) == [
            "schema", "id", "data", "recipe", "seed", "tricks", "state", "epochs",
            "test_accuracy", "test_loss", "val_accuracy", "test_images", "correct", "classes",
            "chance_accuracy", "seconds", "images_per_second", "parameters", "device", "versions",
            "code_revision", "host", "started", "finished", "wall_seconds", "error", "attempt",
            "checksum",
        ]  # fmt: skip
    assert found[0] == found[1]


def test_a_worker_needs_no_engine(tmp_path: Path) -> None:
    store, (run, lost) = Store(tmp_path / "results"), runs([0, 90004])
    held = store.claims.take(run.id)
    assert held is not None
    assert perform(store, Stub(), Assignment(run)) == Elsewhere()
    held.release()
    fate = perform(store, Stub(), Assignment(run))
    assert isinstance(fate, Recorded)
    assert (fate.state, fate.validation) == ("ok", 92.0)
    assert perform(store, Stub(), Assignment(run)) == Known("ok")
    fate = perform(store, Stub(), Assignment(lost, last=False))
    assert isinstance(fate, Lost)
    assert (fate.error.type, store.state(lost.id)) == ("MemoryError", None)
    assert store.claims.running() == set()


def test_news_of_a_run_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    class Echoes(inline_engine.Inline):
        """Sends every message twice, as an engine that watches a folder may do."""

        def listen(self, seconds: float) -> list[tuple[str, Message]]:
            return 2 * super().listen(seconds)

    registry.register("echoes", Echoes)
    store = Store(tmp_path / "results")
    assert execute(runs([0, 1]), store, Order(Stub(), 1, engine="echoes")).ok == 2


def square(number: int) -> int:
    if number == 13:
        raise KeyError(number)
    return number**2


def test_calls_come_back_in_their_order() -> None:
    assert calls.each(square, range(5), at_a_time=2) == [0, 1, 4, 9, 16]
    with pytest.raises(KeyError, match="13") as caught:
        calls.each(square, [1, 13, 2])
    assert "in square" in caught.value.__notes__[0], "where it was raised"


def test_an_interruption_does_not_wait_for_the_template(tmp_path: Path) -> None:
    code = (
        "import os, signal, threading\n"
        "from runner.execution.engines import calls, fork_server\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "fork_server.warm_up(['time', ('time:sleep', [60])])\n"
        "threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "calls.each(abs, [1])\n"
    )
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stderr=said, start_new_session=True
        )
    assert process.wait(timeout=40) == -signal.SIGINT
    assert until(lambda: not in_session(process.pid)), "nor does the template outlive it"
    assert "KeyboardInterrupt" in (tmp_path / "said").read_text()


SCRIPT = """
import sys
sys.path[:0] = {folders!r}
from stub_training import Stub, runs
from runner.execution.executor import execute
from runner.execution.order import Order
from runner.records.store import Store
from tricks.errors import BadInput
{own}
try:
    done = execute(runs([0, 1]), Store('results'), Order({work}(), workers=2))
    print(done.ok)
except BadInput as error:
    print(error)
"""
OWN = "class Mine(Stub):\n    pass\n"


def script(folder: Path, own: str, work: str, guard: bool = False) -> list[str]:
    """The output lines of a program that starts two runs."""
    text = SCRIPT.format(folders=[str(ROOT), str(Path(__file__).parent)], own=own, work=work)
    if guard:
        head, main = text.split("try:")
        text = f"{head}if __name__ == '__main__':\n  " + f"try:{main}".replace("\n", "\n  ")
    (folder / "program.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_program_without_a_guard_starts_runs(tmp_path: Path) -> None:
    assert script(tmp_path, "", "Stub") == ["2"]


def test_a_program_that_defines_the_work_needs_a_guard(tmp_path: Path) -> None:
    told = script(tmp_path, OWN, "Mine")
    assert len(told) == 1
    assert 'if __name__ == "__main__":' in told[0]
    assert script(tmp_path, OWN, "Mine", guard=True) == ["2"]


def test_a_program_without_a_guard_is_told_so_where_recipes_are_tried_out(tmp_path: Path) -> None:
    """Its processes would start it again and end, which is no lack of memory."""
    (tmp_path / "program.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from runner.execution.engines import calls\nfrom tricks.errors import BadInput\n"
        "def mine(x):\n    return x\n"
        "try:\n    print(calls.each(mine, [1, 2]))\n"
        "except BadInput as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert 'if __name__ == "__main__":' in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(("code", "told"), [(3, "left with exit code 3"), (-9, "memory ran out")])
def test_a_process_that_ended_as_recipes_were_tried_is_told_by_its_end(
    code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.execution.engines.calls import EndedError
    from runner.planning import probe_run
    from runner.records.spec import RunSpec
    from runner.tasks.recipe_run import RecipeRun
    from tricks.recipe import Recipe

    def each(*arguments: object) -> None:
        raise EndedError(code)

    monkeypatch.setattr(probe_run.calls, "each", each)
    monkeypatch.setattr(probe_run.fork_server, "warm_up", lambda preload: None)
    spec = RunSpec({"task": "digits"}, Recipe(), 0)
    with pytest.raises(BadInput, match=told):
        probe_run.measured_seconds([spec], RecipeRun("digits"))


@pytest.mark.slow
def test_a_grid_without_a_guard_is_tried_out_and_trained(tmp_path: Path) -> None:
    (tmp_path / "grid.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from runner.cli import call\n"
        "print('imported')\n"
        "call('run --tricks none --factor lr_scale=1,2 --set epochs=1 --set train_images=64 "
        "--seeds 1 --json'.split())\n"
    )
    done = subprocess.run(
        [sys.executable, "grid.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.count("imported") == 1, "its processes do not import it"
    assert '"ok": 2' in done.stdout, done.stderr
