"""check: whether a baseline is worth ablating, its runs in the store, and other commands."""

import dataclasses
import json

import pytest

import tricks_bench as tb
from runner.designs.design import BEYOND
from runner.records.references import key, load
from runner.records.store import Store
from runner.records.studies import load_study

KEYS = {"name", "verdict", "value", "limit", "command", "reason"}
SMALL = ("--set", "train_images=100")


@pytest.fixture
def checked(cli, stub):
    """A check of digits that has run, with its answer: twice the epochs help by 6 pp."""
    stub.shifts |= {"epochs=80": 6.0, "lr_scale=0.25": -8.0}
    done = cli("check", *SMALL, "--json")
    assert done.code == 0, done.err
    return stub, done.json


def by_name(answer):
    return {part["name"]: part for part in answer["checks"]}


def test_the_answer_is_the_contract(checked):
    _, answer = checked
    assert {"task", "study", "metric", "passed", "checks"} <= set(answer)
    assert answer["task"] == "digits"
    assert answer["study"] == "digits-train_images-100-check"
    assert answer["metric"] == "val_accuracy"
    assert answer["passed"] is False
    assert all(set(part) >= KEYS for part in answer["checks"])
    parts = by_name(answer)
    assert set(parts) == {
        "references", "learning rate", "budget", "noise", "steps", "fit", "test set"
    }  # fmt: skip
    assert parts["budget"]["verdict"] == "fail"
    assert parts["budget"]["limit"] == 0.5
    assert parts["budget"]["value"] == pytest.approx(6, abs=1)
    assert parts["budget"]["command"] == (
        "tricks-bench check --task digits --set train_images=100 --set epochs=80"
    )
    # The stub takes two steps.
    assert "2 optimizer steps a run, too few for" in parts["steps"]["reason"]


def test_its_runs_are_a_study_on_seeds_of_its_own(cli, checked, tmp_path):
    stub, answer = checked
    stored = load_study(Store(tmp_path / "results", create=False), answer["study"])
    assert len(stub.ids) == len(stored.ids) == 18
    assert min(stored.seeds) >= BEYOND
    counts = {}
    for run in stored.runs:
        arm = run["lr_scale"], run["epochs"]
        counts[arm] = counts.get(arm, 0) + 1
    assert counts == {
        ("1", "40"): 5, ("1", "80"): 5,
        **{(rate, "40"): 2 for rate in ("0.25", "0.5", "2", "4")},
    }  # fmt: skip
    stub.ids.clear()
    again = cli("check", *SMALL, "--json")
    assert (again.code, again.json, stub.ids) == (0, answer, [])
    more = cli("check", *SMALL, "--seeds", "6", "--json")
    assert more.json["runs"] == 6 + 6 + 4 * 3
    assert len(stub.ids) == 6
    status = cli("status", answer["study"], "--json").json
    assert (status["planned"], status["ok"], status["missing"]) == (24, 24, 0)
    assert cli("run", "--study", answer["study"]).code == 0
    assert len(stub.ids) == 6
    assert cli("analyze", answer["study"], "--json").code == 0


def test_a_study_with_the_same_baseline_shares_its_runs(cli, checked):
    stub, answer = checked
    stub.ids.clear()
    assert cli("run", "--tricks", "cosine", *SMALL, "--seeds", "2", "--name", "mine").code == 0
    stub.ids.clear()
    done = cli("check", "--study", "mine", "--json")
    assert done.json["study"] == "mine-check"
    assert stub.ids == []
    assert done.json["checks"][2]["value"] == answer["checks"][2]["value"]


def test_run_says_in_one_line_what_the_check_says(cli, stub):
    missing = cli("run", "--tricks", "cosine", *SMALL, "--seeds", "2")
    assert missing.out.count("the baseline was not checked") == 1
    assert "`tricks-bench check --task digits --set train_images=100`" in missing.out
    stub.shifts |= {"epochs=80": 6.0}
    said = cli("check", *SMALL)
    assert "baseline was not checked" not in said.out
    assert "fail" in said.out
    assert (
        "fix: tricks-bench check --task digits --set train_images=100 --set epochs=80" in said.out
    )
    failed = cli("run", "--tricks", "cosine", *SMALL, "--seeds", "3")
    assert failed.out.count("the baseline did not pass its check (still learning") == 1
    other = cli("run", "--tricks", "cosine", "--set", "train_images=200", "--name", "other")
    assert "the baseline was not checked" in other.out


def test_a_diverged_baseline_fails(cli, stub):
    stub.states[()] = "diverged"
    found = by_name(cli("check", *SMALL, "--json").json)
    assert found["divergence"]["verdict"] == "fail"
    assert found["divergence"]["command"].endswith("--set lr_scale=0.5")
    assert found["budget"]["verdict"] == found["noise"]["verdict"] == "unknown"


def test_a_failed_run_is_exit_code_1(cli, stub):
    stub.states[("lr_scale=4",)] = "failed"
    done = cli("check", *SMALL)
    assert done.code == 1
    assert "runs lost at lr_scale=4" in done.out


def test_a_dry_run_says_what_it_would_train_and_writes_nothing(cli, tmp_path):
    plan = cli("check", "--dry-run", "--json").json
    assert (plan["study"], plan["runs"], plan["missing"]) == ("digits-check", 18, 18)
    assert "each other learning rate gets 2 seeds" in cli("check", "--dry-run").out
    assert not list(tmp_path.iterdir())


def test_the_rates_are_around_the_baselines_own(cli):
    plan = cli("check", "--set", "lr_scale=2", "--set", "epochs=4", "--dry-run", "--json").json
    levels = {factor["name"]: factor["levels"] for factor in plan["factors"]}
    assert levels == {"lr_scale": ["2", "0.5", "1", "4", "8"], "epochs": ["4", "8"]}
    assert plan["study"] == "digits-epochs-4-lr_scale-2-check"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--task digit", "did you mean digits"),
        ("--set epoch=5", "did you mean epochs"),
        ("--study nothing", "unknown study"),
        ("--seeds 0", "at least 1"),
        ("--sede 3", "did you mean"),
    ],
)
def test_mistakes_are_one_line(cli, line, said):
    refused = cli("check", *line.split())
    assert refused.code == 2
    assert said in refused.err
    assert len(refused.err.splitlines()) == 1


def test_references_are_computed_once(cli, checked, tmp_path, monkeypatch):
    _, answer = checked
    found = by_name(answer)["references"]
    assert "nearest neighbour on pixels (8×8)" in found["reason"]
    assert "logistic regression on pixels (8×8)" in found["reason"]
    [file] = (tmp_path / "results" / "references").iterdir()
    kept = json.loads(file.read_text())
    assert kept["images"] == 247
    assert [method["trained_on"] for method in kept["methods"]] == [100] * 3

    def again(*_):
        raise AssertionError("computed twice")

    monkeypatch.setattr("runner.training.references.references", again)
    assert cli("check", *SMALL).code == 0
    store = Store(tmp_path / "results", create=False)
    record = store.record(load_study(store, answer["study"]).ids[0])
    assert load(store, key(record.data, record.recipe.values)) is not None
    file.write_text("no JSON")
    assert load(store, file.stem) is None
    assert cli("doctor", "--json").code == 0


def test_from_python(cli, stub, tmp_path):
    stub.shifts |= {"epochs=80": 6.0}
    study = tb.study(tricks=["cosine"], settings={"train_images": 100}, name="mine")
    found = tb.check(study, "results", quiet=True)
    assert found.passed is False
    assert len(found.runs) == 18
    budget = found.checks.set_index("name").loc["budget"]
    assert budget["verdict"] == "fail"
    assert budget["ci_low"] < budget["value"] < budget["ci_high"]
    assert "still learning" in repr(found)
    same = tb.check(task="digits", settings={"train_images": 100}, quiet=True)
    assert same.checks["reason"].tolist() == found.checks["reason"].tolist()
    assert same.outcome.summaries[0].skipped == 18


def test_an_interruption_keeps_what_is_there(cli, stub, monkeypatch):
    from runner.execution import executor

    execute = executor.execute

    def cut(runs, store, order, on_event=None):
        done = execute(list(runs)[:7], store, order, on_event)
        return dataclasses.replace(done, interrupted=True)

    monkeypatch.setattr("runner.execution.executor.execute", cut)
    first = cli("check", *SMALL)
    assert first.code == 130
    assert "7 of 18 runs so far" in first.out
    again = "`tricks-bench check --task digits --set train_images=100` continues from here"
    assert f"interrupted: {again}" in first.out
    assert len(stub.ids) == 7
    monkeypatch.setattr("runner.execution.executor.execute", execute)
    assert cli("check", *SMALL).code == 0
    assert len(stub.ids) == 18
