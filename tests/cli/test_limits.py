"""Limits of a grid on the command line (time, silence, room), and failures in status."""

import json
import subprocess
import sys

import pytest

from runner.execution import limits
from runner.launch.options import Options
from runner.launch.room import RECORD, check_room
from runner.records import checkpoints
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tricks import compose, resolve
from tricks.errors import BadInput

LINE = ("run", "--tricks", "warmup", "--seeds", "2")


@pytest.mark.parametrize("option", ["--max-hours", "--stall-minutes"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
def test_a_limit_of_time_is_a_number_above_0(cli, option, value):
    result = cli(*LINE, option, value)
    assert (result.code, result.out) == (2, "")
    assert f"{option} must be a number above 0" in result.err


def test_limits_reach_the_executor(cli, stub, monkeypatch):
    from runner.execution import executor

    given = []
    execute = executor.execute

    def watched(runs, store, order, on_event):
        given.append(order.limits)
        return execute(runs, store, order, on_event)

    monkeypatch.setattr(executor, "execute", watched)
    assert cli(*LINE, "--max-hours", "2", "--stall-minutes", "5").code == 0
    assert cli(*LINE, "--seeds", "3").code == 0
    assert (given[0].wall, given[0].stall, given[0].run) == (7200, 300, 0.01)
    assert given[0].reserve > limits.RESERVE, "room for checkpoints, by networks as built"
    assert given[1].reserve > limits.RESERVE, "the same, by recorded networks"
    assert (given[1].wall, given[1].stall) == (float("inf"), limits.STALL)


def test_a_grid_that_the_disk_has_no_room_for_is_not_begun(cli, stub, monkeypatch):
    monkeypatch.setattr("runner.planning.probe_run.network_bytes", lambda *a, **k: 10**15)
    result = cli(*LINE, "--save-models")
    assert result.code == 2
    assert "has no room for this grid, which will write about 4000.0 TB of models" in result.err
    assert "free some space there, or choose another disk with --results" in result.err
    assert "4000.0 TB of checkpoints at a time" in cli(*LINE, "--workers", "1").err
    assert stub.ids == []
    assert cli(*LINE, "--no-checkpoint").code == 0


def test_a_grid_that_had_room_has_it_when_it_goes_on(tmp_path, monkeypatch):
    """Recorded runs and existing checkpoints need no more room."""
    network, asked = 1 << 20, []
    monkeypatch.setattr("runner.planning.probe_run.network_bytes", lambda *a, **k: network)
    recipes = [resolve(compose(find("digits").baseline, []), find("digits").learning_rates)] * 6
    missing = [RunSpec({"task": "digits"}, recipe, seed) for seed, recipe in enumerate(recipes)]
    options = Options(tmp_path / "results", 2, limits=limits.Limits(checkpoint=300.0))
    free = 10**9

    def lacks(folder, needed):
        asked.append(needed)
        return None if needed <= free else f"{free} free"

    monkeypatch.setattr("runner.launch.room.lacks", lacks)
    reserve = check_room(missing, None, RecipeRun("digits"), options)
    free = whole = asked[-1]
    store = Store(options.results)
    record = {
        "id": missing[0].id,
        **missing[0].to_json(),
        "state": "ok",
        "parameters": network // 4,
    }
    store.commit(record)
    for spec in missing[1:3]:
        file = checkpoints.path_of(store.root, spec.id)
        file.parent.mkdir(parents=True)
        with file.open("wb") as out:
            out.truncate(3 * network)
    free = whole - 6 * network - RECORD
    assert check_room(missing[1:], store, RecipeRun("digits"), options) == reserve
    free -= 10 * RECORD
    with pytest.raises(BadInput, match="no room for this grid"):
        check_room(missing[1:], store, RecipeRun("digits"), options)


def test_status_tells_why_runs_failed_where_the_log_is_and_what_helps(cli, stub):
    stub.states[("warmup",)] = "failed"
    cli(*LINE)
    store = Store("results")
    bad = next(id for id, state in store.states().items() if state == "failed")
    record = store.read(bad)
    store.remove(bad)
    log = store.attempt(bad) / "log.txt"
    log.write_text("one\ntwo\n")
    error = {"type": "MemoryError", "message": "no \x1b[2J room", "traceback": ""}
    store.commit({**record, "error": error, "state": "infra"})
    status = cli("status", "--json").json
    assert (status["infra"], status["failed"], status["running_runs"]) == (1, 1, [])
    told = next(one for one in status["failures"] if one["id"] == bad)
    assert told["last_lines"] == ["one", "two"]
    assert told["log"] == str(log)
    assert (told["state"], told["type"]) == ("infra", "MemoryError")
    assert "memory ran out: use fewer --workers" in told["advice"]
    text = cli("status").out
    for words in (
        "infra, 1 run: MemoryError",
        "  | two",
        f"log: {log}",
        "fewer --workers",
        "failed, 1 run",
        "retry digits-add-one",
        "trains the missing runs, and the infra",
    ):
        assert words in text, words  # fmt: skip
    assert "\x1b" not in text


def test_status_tells_what_is_at_hand_and_how_far_it_is(cli, stub):
    cli(*LINE)
    store = Store("results")
    runs = (store.root / "studies/digits-add-one/runs.csv").read_text().splitlines()[1:]
    id = next(line.split(",")[0] for line in runs if line.endswith(",on"))
    store.remove(id)
    claim = store.claims.take(id)
    epochs = store.attempt(id) / "epochs.jsonl"
    epochs.write_text('{"epoch": 1, "val_accuracy": 50.0}\n{"epoch": 2, "val_accuracy": 60.5}\n')
    (running,) = cli("status", "--json").json["running_runs"]
    assert (running["id"], running["epoch"], running["val_accuracy"]) == (id, 2, 60.5)
    assert running["label"].startswith("warmup, seed")
    assert "epoch 2 is done" in cli("status").out
    claim.release()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_real_grid_stops_at_its_time_limit_and_goes_on(tmp_path):
    line = [sys.executable, "-c", "from runner.cli import main; main()", *LINE, "--yes", "--json",
            "--set", "epochs=60", "--seeds", "6", "--workers", "2"]  # fmt: skip
    first = subprocess.run(
        [*line, "--max-hours", "0.006"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert first.returncode == 75, first.stderr
    told = json.loads(first.stdout)
    assert told["out_of_time"]
    assert told["interrupted"]
    assert told["ok"] < 12


def test_a_full_disk_for_the_output_loses_no_run(tmp_path):
    code = (
        "import sys\nfrom runner.execution.progress import Progress\n"
        "from runner.execution.events import Finished\n"
        "with Progress(2) as progress:\n"
        "    progress(Finished('0' * 16, 'a', 'ok', 90.0, 1.0))\n"
        "    progress(Finished('1' * 16, 'b', 'ok', 90.0, 1.0))\n"
        "print(progress.tally.done, file=sys.stderr)\n"
        "import os; os._exit(0)\n"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=True
        )
    assert done.stderr == "2\n"
