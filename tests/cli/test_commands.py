"""What the commands print, and the JSON that other programs rely on."""

import csv
import dataclasses
import json
import shlex
import sys
from pathlib import Path

import pytest

from runner import tasks
from runner.records.store import Store
from tricks.errors import BadInput


def test_dry_run_keeps_the_contract(cli, tmp_path):
    plan = cli("run", "--grid", "full", "--dry-run", "--json").json
    assert plan["study"] == "digits-full"
    assert (plan["task"], plan["grid"], plan["arms"], plan["excluded"]) == (
        "digits", "full", 768, 0,
    )  # fmt: skip
    assert (plan["runs"], plan["recorded"], plan["missing"]) == (768, 0, 768)
    assert {factor["name"]: factor["levels"] for factor in plan["factors"]}["mixup"] == [
        "off", "on",
    ]  # fmt: skip
    assert not list(tmp_path.iterdir()), "a dry run writes nothing"


def test_impossible_arms_are_counted_aloud(cli):
    line = ("run", "--grid", "full", "--tricks", "cosine,step-decay(gamma=0.5),warmup", "--dry-run")
    plan = cli(*line, "--json").json
    assert (plan["arms"], plan["excluded"]) == (6, 2)
    assert "2 impossible arms are left out: cosine and step-decay" in cli(*line).out


def test_what_all_on_means_is_said_aloud(cli):
    line = ("run", "--grid", "leave-one-out", "--tricks", "warmup,lars,adamw", "--dry-run")
    assert '"all on" means optimizer=lars; adamw takes no part' in cli(*line).out
    chosen = cli(*line, "--reference", "optimizer=adamw", "--json").json
    assert chosen["factors"][1]["levels"] == ["sgd", "adamw"]


def test_list_tricks_keeps_the_contract(cli):
    tricks = {trick["name"]: trick for trick in cli("list", "tricks", "--json").json}
    assert {"name", "group", "factor", "source", "parameters", "standard"} <= tricks["mixup"].keys()
    assert tricks["mixup"]["parameters"] == {"alpha": 0.2}
    assert tricks["lars"]["factor"] == "optimizer"
    assert sum(trick["standard"] for trick in tricks.values()) == 10
    lines = {line.split()[0]: line for line in cli("list", "tricks").out.splitlines()}
    for name, trick in tricks.items():
        assert f"[{trick['group']}, " in lines[name]
        assert lines[name].endswith(trick["source"])


@pytest.mark.parametrize("what", ["tricks", "tasks", "grids", "studies"])
def test_lists_print(cli, what):
    result = cli("list", what)
    assert result.code == 0
    lines = [line for line in result.out.splitlines() if not line.startswith("`tricks-bench")]
    assert len(cli("list", what, "--json").json) == (
        len(lines) if "no studies" not in result.out else 0
    )


def test_a_results_folder_that_is_no_store_yet_has_no_studies(cli, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "README.md").write_text("what will be here")
    listed = cli("list", "studies")
    assert listed.code == 0
    assert "digits-learning-rates" in listed.out
    assert cli("run", "--study", "nobody", "--dry-run").code == 2


def test_a_shipped_study_is_what_its_flags_would_be(cli):
    flags = (
        "--grid", "full", "--tricks", "lars,adamw", "--factor", "lr_scale=0.25,0.5,1,2,4",
        "--seeds", "4", "--name", "digits-learning-rates",
    )  # fmt: skip
    shipped = cli("run", "--study", "digits-learning-rates", "--dry-run", "--json")
    assert shipped.code == 0
    assert shipped.out == cli("run", *flags, "--dry-run", "--json").out


def test_a_report_explains_the_metric_asked_for(cli, stub, tmp_path):
    assert cli("run", "--tricks", "cosine", "--seeds", "2").code == 0
    assert cli("report", "--metric", "val_accuracy").code == 0
    text = (tmp_path / "reports" / "digits-add-one" / "report.md").read_text()
    assert "effect on val\\_accuracy" in text
    assert "did you mean val_loss" in cli("report", "--metric", "val_los").err


def test_show_a_trick(cli):
    out = cli("show", "mixup(alpha=0.4)").out
    for text in ("mixup(alpha=0.4)", "mix (standard bag)", "alpha = 0.4", "1710.09412", "mixers"):
        assert text in out


def test_show_a_recipe_and_what_differs(cli):
    result = cli("show", "baseline+mixup(alpha=0.4)+cosine")
    assert "mixers: none -> mixup(alpha=0.4)" in result.out
    assert "2 of" in result.out
    assert cli("show", "baseline+lars", "--json").json["changed"] == ["optimizer"]
    assert "0 of" in cli("show", "baseline").out


def test_help_and_version(cli):
    for line in ("--help", "run --help", "analyze --help", "--version"):
        result = cli(*line.split())
        assert result.code == 0, line
        assert "tricks-bench" in result.out
        assert result.err == ""


def test_a_study_from_beginning_to_end(cli, stub, tmp_path):
    line = ("run", "--tricks", "warmup,lars,adamw", "--seeds", "2")
    result = cli(*line)
    assert result.code == 0, result.err
    assert "`tricks-bench report digits-add-one` writes the report" in result.out
    assert len(stub.ids) == 8
    status = cli("status", "--json").json
    assert {key: status[key] for key in ("planned", "ok", "missing", "running")} == {
        "planned": 8, "ok": 8, "missing": 0, "running": 0,
    }  # fmt: skip
    plan = cli(*line, "--dry-run", "--json").json
    assert (plan["recorded"], plan["missing"]) == (8, 0)
    analysis = cli("analyze", "--json").json
    assert [(e["factor"], e["level"], e["reference"]) for e in analysis["effects"]] == [
        ("warmup", "on", "off"), ("optimizer", "lars", "sgd"), ("optimizer", "adamw", "sgd"),
    ]  # fmt: skip
    keys = {"factor", "level", "reference", "effect", "ci_low", "ci_high", "p_adjusted", "verdict",
            "runs"}  # fmt: skip
    assert keys <= analysis["effects"][0].keys()
    assert {"metric", "unit", "estimand", "sigma", "error_term", "df"} <= analysis.keys()
    text = cli("analyze").out
    assert "optimizer=adamw" in text
    assert "baseline" in text
    assert cli("export", "digits-add-one", "-o", "runs.csv").code == 0
    rows = list(csv.DictReader((tmp_path / "runs.csv").open()))
    assert len(rows) == 8
    assert {row["optimizer"] for row in rows} == {"sgd", "lars", "adamw"}
    assert cli("export", "digits-add-one", "-o", "kept/mine").code == 0
    kept = cli("analyze", "kept/mine", "--json").json
    assert [e["effect"] for e in kept["effects"]] == [
        pytest.approx(e["effect"], abs=1e-6) for e in analysis["effects"]
    ]
    again = cli("analyze", "runs.csv", "--json").json
    assert {e["level"]: e["effect"] for e in again["effects"]} == {
        e["level"]: pytest.approx(e["effect"], abs=1e-4) for e in analysis["effects"]
    }
    assert [study["name"] for study in cli("list", "studies", "--json").json][-1:] == [
        "digits-add-one"
    ]


def test_more_seeds_and_arms_extend_and_train_nothing_twice(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    cli("run", "--tricks", "warmup", "--seeds", "3")
    assert len(stub.ids) == 6
    cli("run", "--tricks", "warmup,cosine", "--seeds", "3")
    assert len(stub.ids) == len(set(stub.ids)) == 9
    assert cli("status", "--json").json["planned"] == 9
    result = cli("run", "--study", "digits-add-one")
    assert result.code == 0
    assert len(stub.ids) == 9
    assert cli("run", "--study", "digits-add-one", "--seeds", "4").code == 0
    assert len(stub.ids) == 12


def test_another_study_shares_the_store(cli, stub):
    cli("run", "--tricks", "warmup,cosine", "--seeds", "1")
    plan = cli("run", "--grid", "pairs", "--tricks", "warmup,cosine", "--seeds", "1", "--dry-run",
               "--json").json  # fmt: skip
    assert (plan["runs"], plan["recorded"]) == (4, 3)


def test_failed_runs_give_exit_1_and_can_be_opened_again(cli, stub):
    stub.states[("warmup",)] = "failed"
    result = cli("run", "--tricks", "warmup,cosine", "--seeds", "2")
    assert result.code == 1
    assert "tricks-bench retry digits-add-one" in result.out
    status = cli("status", "--json").json
    assert (status["failed"], status["ok"], status["missing"]) == (2, 4, 0)
    stub.states.clear()
    assert cli("retry", "--json").json["opened"] == 2
    assert cli("status", "--json").json["missing"] == 2
    assert cli("run", "--study", "digits-add-one").code == 0
    assert cli("status", "--json").json["ok"] == 6
    assert "no failed runs" in cli("retry").out


def test_retry_opens_only_what_is_failed_and_free(cli, stub, monkeypatch):
    stub.states[("warmup",)] = "failed"
    cli("run", "--tricks", "warmup", "--seeds", "2")
    store = Store("results")
    first, second = (id for id, state in store.states().items() if state == "failed")
    claim = store.claims.take(first)
    result = cli("retry", "--json").json
    assert (result["opened"], result["held"]) == (1, 1)
    assert store.state(first) == "failed"
    assert store.state(second) is None
    assert "left alone: 1 failed run that another" in cli("retry").out
    claim.release()
    # Another runner trains it again between the look and the removal.
    record = store.read(first)
    states = Store.states

    def slow(self, ids=None):
        found = states(self, ids)
        store.remove(first)
        assert store.commit({**record, "state": "ok"})
        return found

    monkeypatch.setattr(Store, "states", slow)
    assert cli("retry", "--json").json["opened"] == 0
    assert store.state(first) == "ok"
    assert not list(store.claims.folder.rglob("*.0"))


def test_images_are_checked_only_if_something_is_to_be_trained(cli, stub, monkeypatch):
    checked = []
    task = dataclasses.replace(tasks.find("digits"), check=checked.append)
    monkeypatch.setattr(tasks, "find", lambda name: task)
    for _ in range(2):
        assert cli("run", "--tricks", "warmup", "--seeds", "1").code == 0
    assert len(checked) == 1


def test_diverged_runs_are_a_result(cli, stub):
    stub.states[("warmup",)] = "diverged"
    assert cli("run", "--tricks", "warmup,cosine", "--seeds", "2").code == 0
    assert cli("status", "--json").json["diverged"] == 2


def test_flags_override_the_study_file(cli, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ngrid = "full"\ntricks = ["warmup"]\nseeds = 2\n'
        "[set]\nepochs = 3\nbatch_size = 32\n[factor]\nlr_scale = [0.5, 1, 2.0]\n"
    )
    line = ("run", "--study", "mine.toml", "--dry-run", "--json")
    plan = cli(*line).json
    assert (plan["study"], plan["arms"], plan["runs"]) == ("mine", 6, 12)
    assert plan["settings"] == {"epochs": "3", "batch_size": "32"}
    assert plan["factors"][1]["levels"] == ["1", "0.5", "2"]
    over = cli(*line, "--set", "epochs=4", "--seeds", "1", "--tricks", "warmup,cosine").json
    assert (over["runs"], over["settings"]["epochs"]) == (12, "4")


def test_a_setting_that_the_baseline_has_makes_the_same_run(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    plan = cli("run", "--tricks", "warmup", "--seeds", "1", "--name", "same", "--dry-run", "--json",
               "--set", "optimizer=sgd", "--set", "lr_scale=1.0").json  # fmt: skip
    assert plan["recorded"] == 2


def test_recorded_runs_of_a_grid_too_large_to_list(cli, stub, monkeypatch):
    line = ("--grid", "full", "--tricks", "warmup,lars,mixup,cutmix", "--factor", "lr_scale=1,2,4")
    cli("run", *line, "--seeds", "1")
    cli("run", "--tricks", "randaugment,warmup", "--set", "epochs=3", "--name", "other")
    listed = cli("run", *line, "--seeds", "2", "--dry-run", "--json").json["recorded"]
    fewer = ("run", "--grid", "full", "--tricks", "warmup,lars", "--name", "few", "--dry-run",
             "--json")  # fmt: skip
    few = cli(*fewer).json["recorded"]
    monkeypatch.setattr("runner.studies.recorded.LISTED", 0)
    assert cli("run", *line, "--seeds", "2", "--dry-run", "--json").json["recorded"] == listed == 48
    assert cli(*fewer).json["recorded"] == few == 4


def test_json_has_no_nan(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")

    def refuse(name):
        raise AssertionError(name)

    json.loads(cli("analyze", "--json").out, parse_constant=refuse)


def test_doctor(cli):
    result = cli("doctor", "--json")
    assert result.code == 0
    assert {"python", "torch", "cores", "device", "store", "plugins"} <= result.json.keys()


def test_no_arguments_print_help(cli):
    result = cli()
    assert "Commands:" in result.out + result.err


def test_an_interrupted_grid_says_how_to_go_on(cli, stub, monkeypatch, tmp_path):
    from runner.execution.events import Summary

    def execute(specs, store, train, **options):
        return Summary(ok=1, diverged=0, failed=0, infra=0, skipped=0, interrupted=True)

    monkeypatch.setattr("runner.execution.executor.execute", execute)
    monkeypatch.setattr("runner.tasks.trial.predict_seconds", lambda *a, **k: 0.01)
    result = cli("run", "--tricks", "warmup", "--name", "mine")
    assert result.code == 130
    assert "`tricks-bench run --study mine` goes on from here" in result.out
    (tmp_path / "a plugin.py").write_text("")
    more = ("--data", "my data", "--device", "cpu", "--plugin", "a plugin.py", "--results", "r")
    said = cli("run", "--tricks", "warmup", "--name", "mine", *more).out
    plugin = tmp_path / "a plugin.py"
    assert (
        f"`tricks-bench run --study mine --data '{tmp_path / 'my data'}' --device cpu "
        f"--plugin '{plugin}' --results r` goes on from here"
    ) in said


def test_a_start_says_what_it_is_at_and_an_interruption_that_it_was_one(cli, stub, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("runner.tasks.trial.predict_seconds", interrupted)
    result = cli("run", "--tricks", "warmup", "--seeds", "1")
    assert result.out == "preparing to train 2 runs: builds their networks, measures a few steps\n"
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
    """Makes this process forget plug-ins, as one that begins knows none; and does so at the end."""

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


def test_what_a_run_came_to_as_json(cli, stub):
    stub.states[("warmup",)] = "failed"
    line = ("run", "--tricks", "warmup,cosine", "--seeds", "2", "--json")
    result = cli(*line)
    assert result.code == 1
    assert result.json == {
        "study": "digits-add-one", "ok": 4, "diverged": 0, "failed": 2, "infra": 0,
        "recorded_before": 0, "interrupted": False, "out_of_time": False, "paused": 0,
    }  # fmt: skip
    assert cli(*line).json["recorded_before"] == 6


def test_the_summary_counts_failures_and_advises_what_can_be_done(cli, stub):
    stub.states.update({(): "failed", ("warmup",): "infra"})
    result = cli("run", "--tricks", "warmup", "--seeds", "1", "--results", "else where")
    assert result.code == 1
    assert "digits-add-one: 1 failed, 1 infra" in result.out
    assert "report" not in result.out
    assert "--results 'else where'" in result.out
    assert "--results 'else where'" in cli("status", "--results", "else where").out
    assert "--results 'else where'" in cli("retry", "--results", "else where").out


def test_a_study_in_the_store_comes_before_a_shipped_one(cli, stub):
    line = ("run", "--tricks", "warmup", "--seeds", "1", "--name", "digits-budget")
    assert cli(*line).code == 0
    plan = cli("run", "--study", "digits-budget", "--dry-run", "--json").json
    assert (plan["runs"], plan["recorded"]) == (2, 2)


def test_export_takes_the_latest_study(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    assert cli("export", "-o", "runs.csv").code == 0
    assert cli("export", "-o", "runs.csv", "--json").json == {
        "study": "digits-add-one", "runs": 2, "planned": 2, "output": "runs.csv",
    }  # fmt: skip


def test_one_run_is_probed_before_anything_is_written(cli, stub, tmp_path, monkeypatch):
    probed = []

    def probe(specs, **options):
        probed.append(len(specs))
        raise BadInput("a.png is no image")

    monkeypatch.setattr("runner.tasks.trial.predict_seconds", probe)
    result = cli("run", "--tricks", "warmup", "--seeds", "1", "--device", "cpu")
    assert (result.code, probed) == (2, [1])
    assert "a.png is no image" in result.err
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("runner.tasks.trial.predict_seconds", lambda *a, **k: 0.01)
    assert cli("run", "--tricks", "warmup", "--seeds", "1", "--device", "cpu").code == 0
    monkeypatch.setattr("runner.tasks.trial.predict_seconds", probe)
    assert cli("run", "--tricks", "warmup", "--seeds", "3", "--device", "cpu").code == 0
    assert cli("run", "--tricks", "warmup", "--name", "b", "--device", "cpu",
               "--set", "train_images=64").code == 2  # fmt: skip


def test_what_the_baseline_cannot_take_is_left_out_of_the_standard_bag(cli):
    line = ("run", "--set", "start=pretrained", "--dry-run")
    result = cli(*line)
    assert result.code == 0
    assert "left out of the standard bag: zero-gamma needs start=scratch" in result.out
    assert cli(*line, "--tricks", "zero-gamma").code == 2


@pytest.mark.slow
def test_a_real_grid_is_trained_reported_and_not_trained_again(cli, tmp_path):
    line = ("run", "--tricks", "warmup", "--set", "epochs=1", "--set", "train_images=64",
            "--seeds", "2", "--workers", "1")  # fmt: skip
    assert cli(*line).code == 0
    assert cli("status", "--json").json["ok"] == 4
    assert "4 recorded before" in cli(*line).out
    assert cli("report").code == 0
    assert (tmp_path / "reports" / "digits-add-one" / "report.md").is_file()
