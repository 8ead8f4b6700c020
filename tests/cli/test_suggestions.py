"""The commands that a command suggests work when they are pasted."""

import shlex
import sys
from pathlib import Path

import pytest


def test_an_interrupted_grid_says_how_to_go_on(cli, stub, monkeypatch, tmp_path):
    from runner.execution.events import Summary

    def execute(runs, store, order, on_event):
        return Summary(ok=1, diverged=0, failed=0, infra=0, skipped=0, interrupted=True)

    monkeypatch.setattr("runner.execution.executor.execute", execute)
    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", lambda *a, **k: 0.01)
    result = cli("run", "--tricks", "warmup", "--name", "mine")
    assert result.code == 130
    assert "`tricks-bench run --study mine` continues from here" in result.out
    (tmp_path / "a plugin.py").write_text("")
    more = ("--data", "my data", "--device", "cpu", "--plugin", "a plugin.py", "--results", "r")
    said = cli("run", "--tricks", "warmup", "--name", "mine", *more).out
    plugin = tmp_path / "a plugin.py"
    assert (
        f"`tricks-bench run --study mine --data '{tmp_path / 'my data'}' --device cpu "
        f"--plugin '{plugin}' --results r` continues from here"
    ) in said


def test_a_start_says_what_it_is_at_and_an_interruption_that_it_was_one(cli, stub, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", interrupted)
    result = cli("run", "--tricks", "warmup", "--seeds", "1")
    checked, told = result.out.splitlines()
    assert checked.startswith("the baseline was not checked: `tricks-bench check --task digits`")
    assert told == "preparing to train 2 runs: building their networks, measuring a few steps"
    assert (result.code, result.err) == (130, "interrupted\n")


def test_one_of_a_kind_has_no_s(cli, stub):
    stub.states[("warmup",)] = "failed"
    line = ("run", "--tricks", "warmup", "--seeds", "1")
    assert "2 arms (0 excluded) with 1 seed: 2 runs\n" in cli(*line, "--dry-run").out
    assert "1 run failed: " in cli(*line).out
    assert "failed, 1 run: " in cli("status").out
    assert " 2 records (1 ok, 1 failed), 1 study\n" in cli("doctor", "results").out
    assert "1 run is open again: " in cli("retry").out
    assert "preparing to train 1 run:" in cli(*line).out
    next(Path("results", "runs").glob("*/*.json")).unlink()
    assert "results: 1 run, writable" in cli("doctor").out
    assert " 1 record (1 " in cli("doctor", "results").out


PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar
from tricks.trick import Edits, Trick

@dataclass(frozen=True)
class Lent(Trick):
    """Warm up for long."""
    name: ClassVar[str] = "lent-for-a-test"
    source: ClassVar[str] = "this test"
    def edits(self):
        return Edits(sets={"epochs": 20}, adds={"transforms": self})
'''


@pytest.fixture
def forget():
    """Makes this process forget plug-ins, like a new process; also at the end of the test."""

    def end():
        from tricks import loading
        from tricks.trick import REGISTERED

        REGISTERED.pop("lent-for-a-test", None)
        for name in [name for name in sys.modules if name.startswith("tricks_bench_plugin_")]:
            del sys.modules[name]
        loading._digest.cache_clear()

    yield end
    end()


def test_a_command_that_is_suggested_works_when_pasted(cli, stub, tmp_path, forget):
    (tmp_path / "a plugin.py").write_text(PLUGIN)
    (tmp_path / "my data").mkdir()
    stub.states[("lent-for-a-test",)] = "failed"
    where = ("--data", "my data", "--plugin", "a plugin.py", "--results", "my results")
    assert cli("run", "--tricks", "lent-for-a-test", "--seeds", "2", *where).code == 1
    stub.states.clear()
    results = ("--results", "my results")
    retried = cli("retry", *results).out
    told = cli("status", *results).out
    for said in (retried, told):
        command = shlex.split(said.rpartition("\n`" if said == told else ": `")[2].split("`")[0])
        assert command[:4] == ["tricks-bench", "run", "--study", "digits-add-one"]
        assert command[4:6] == ["--data", str(tmp_path / "my data")]
        forget()
        assert cli(*command[1:], "--dry-run", "--json").json["missing"] == 2
    assert cli(*command[1:]).code == 0
    assert cli("status", *results, "--json").json["ok"] == 4
    assert cli("export", "-o", "out", *results).code == 0
    assert str(tmp_path) not in (tmp_path / "out" / "study.toml").read_text()


def test_another_source_of_a_plugin_is_told_before_its_results_mix(cli, stub, tmp_path, forget):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    line = ("run", "--tricks", "lent-for-a-test", "--plugin", "mine.py", "--seeds")
    assert cli(*line, "2").code == 0
    assert "source" not in cli(*line, "2").out
    forget()
    file.write_text(PLUGIN.replace("Warm up", "Warm up now"))
    said = cli(*line, "3").out
    assert "2 recorded runs had another source of the plug-in's trick lent-for-a-test" in said
    assert "version" in said
    forget()
    file.write_text(PLUGIN.replace("    def", "    version: ClassVar[int] = 2\n    def"))
    plan = cli(*line, "3", "--dry-run", "--json").json
    assert (plan["recorded"], plan["missing"]) == (3, 3), "the baseline's stand"


def test_a_plugin_within_the_results_is_not_suggested(cli, stub, tmp_path, forget):
    stub.states[()] = "failed"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mine.py").write_text(PLUGIN)
    cli("run", "--tricks", "lent-for-a-test", "--seeds", "1", "--plugin", "results/mine.py")
    said = cli("retry").out
    assert "tricks-bench run --study digits-add-one" in said
    assert "plugin" not in said


def test_the_summary_counts_failures_and_advises_what_can_be_done(cli, stub):
    stub.states.update({(): "failed", ("warmup",): "infra"})
    result = cli("run", "--tricks", "warmup", "--seeds", "1", "--results", "else where")
    assert result.code == 1
    assert "digits-add-one: 1 failed, 1 infra" in result.out
    assert "report" not in result.out
    assert "--results 'else where'" in result.out
    assert "--results 'else where'" in cli("status", "--results", "else where").out
    assert "--results 'else where'" in cli("retry", "--results", "else where").out
