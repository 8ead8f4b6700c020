from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from runner.planning import probe_run
from runner.records.spec import RunSpec
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from runner.training.device import choose
from tricks import BadInput, compose, parse, resolve

WORK = RecipeRun("digits", device="cpu")


def spec(*tricks, **fields):
    task = find("digits")
    baseline = dataclasses.replace(task.baseline, **fields)
    recipe = resolve(compose(baseline, map(parse, tricks)), task.learning_rates)
    return RunSpec(task.identity(None, 64), recipe, 0, tricks)


def test_train_gives_the_outcome_of_the_spec_on_the_subset():
    seen = []
    found = WORK(spec("cosine", epochs=2).run(), seen.append)
    result = found.fields
    assert (found.state, found.validation) == ("ok", result["val_accuracy"])
    assert found.seconds == result["seconds"]["total"]
    assert result["steps"] == 2  # 64 images in batches of 64, twice
    assert [epoch["epoch"] for epoch in seen] == [1, 2]
    assert seen == result["epochs"]


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    with pytest.raises(BadInput, match="--device"):
        RecipeRun("digits", device="cuda:99")(spec().run(), print)
    with pytest.raises(BadInput, match="try auto, cpu or cuda"):
        choose("abacus")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(BadInput, match="cuda:2: there is no such GPU; the last one here is cuda:1"):
        choose("cuda:2")
    assert [choose(name).index for name in ("cuda", "cuda:1")] == [None, 1]


def asleep(work, run):
    time.sleep(300)


def test_an_interruption_does_not_wait_for_what_is_measured():
    def interrupt():
        while not multiprocessing.active_children():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    # A shell's background jobs ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            probe_run._in_children(asleep, [spec()], WORK)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not multiprocessing.active_children()


def killed(work, run):
    os.kill(os.getpid(), signal.SIGKILL)


def starved(work, run):
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def at_fault(work, run):
    raise KeyError("of the recipe's own")


@pytest.mark.parametrize("function", [killed, starved])
def test_memory_that_runs_out_before_the_grid_is_told_in_one_line(function):
    with pytest.raises(
        BadInput, match=r"could not be tried out.* memory ran out: use fewer"
    ) as told:
        probe_run._in_children(function, [spec()], WORK)
    assert "\n" not in str(told.value)


def test_a_fault_of_the_code_is_no_lack_of_memory():
    with pytest.raises(KeyError, match="own"):
        probe_run._in_children(at_fault, [spec()], WORK)


def test_prediction_is_near_the_time_it_takes():
    chosen = spec(epochs=2)
    predicted = probe_run.seconds_per_run(WORK, chosen.run())
    took = WORK(chosen.run(), lambda epoch: None).seconds
    assert took / 5 < predicted < took * 5  # a busy machine, a short run


def test_networks_are_checked_in_a_child_that_knows_the_plugins(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from tricks import BadInput, Edits, Trick\n"
        "@dataclass(frozen=True)\n"
        "class Picky(Trick):\n"
        '    """Refuse every network."""\n'
        '    name: ClassVar[str] = "picky"\n'
        '    source: ClassVar[str] = "this test"\n'
        "    def edits(self):\n"
        '        return Edits(adds={"init": self})\n'
        "    def edit(self, model):\n"
        '        raise BadInput("picky matches nothing")\n'
    )
    code = (
        "import sys\n"
        "from tests.tasks.test_work import RecipeRun, spec, probe_run, BadInput\n"
        "from tricks import load_plugin\n"
        f"load_plugin({str(plugin)!r})\n"
        "if __name__ == '__main__':\n"
        "    try:\n"
        "        probe_run.check_networks([spec('picky', model='resnet10t')],\n"
        f"                             RecipeRun('digits', plugins=({str(plugin)!r},)))\n"
        "    except BadInput as error:\n"
        "        print(error)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env={"PYTHONPATH": "."}
    )
    assert "picky matches nothing" in done.stdout, done.stderr


def test_an_unknown_model_is_found_before_anything_is_trained():
    with pytest.raises(BadInput, match="unknown model 'resnet5O'"):
        probe_run.check_networks([spec(model="resnet5O")], WORK)


def test_the_tasks_own_network_needs_no_check(monkeypatch):
    monkeypatch.setattr(probe_run, "_in_children", lambda *_: pytest.fail("started a process"))
    probe_run.check_networks([spec(), spec("evonorm")], WORK)


def test_a_folder_needs_a_resolution():
    with pytest.raises(BadInput, match="--set resolution=224"):
        probe_run.check_networks([spec()], RecipeRun("folder:somewhere"))
