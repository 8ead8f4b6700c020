"""run --tune: one budget for all arms, a separate stream of seeds, no loss when interrupted."""

import csv
import dataclasses
import itertools
import re
from collections import Counter

import pytest

from runner.designs.design import BEYOND
from runner.records.store import Store
from runner.records.studies import load_study
from runner.studies.asked import Asked
from runner.studies.study import build
from runner.studies.tuning import fixed_runs, tuned_runs, tuning_runs

VALUES = ["0.25", "0.5", "1", "2", "4"]
LINE = ("run", "--tricks", "warmup,lars", "--seeds", "2", "--tune", "lr_scale=0.5,1,2")


MISTAKES = [
    ("--tune lrscale=1,2", "did you mean lr_scale"),
    ("--tune flip=true,false", "only numbers can be tuned"),
    ("--tune optimizer=sgd,lars", "only numbers can be tuned"),
    ("--tune stream=0,1", "only numbers can be tuned: width"),
    ("--tune train_images=100,200", "unknown recipe field"),
    ("--tune lr_scale=1", "needs at least two values"),
    ("--tune lr_scale=1,1.0", "1 is named twice"),
    ("--tune lr_scale=1,two", "must be a finite number"),
    ("--tune lr_scale=1,-2", "must be a number above 0"),
    ("--tune epochs=1.5,2", "must be a whole number"),
    ("--tune lr_scale", "write it as --tune name=value"),
    ("--tune lr_scale=1,2 --tune epochs=1,2", "takes one field, not 2"),
    ("--tune lr_scale=1,2 --factor lr_scale=1,2", "is a factor here"),
    ("--tune smoothing=0,0.1", "label-smoothing sets smoothing"),
    ("--tune width=0.5,1 --set model=resnet18", "give the same training"),
    ("--tune lr_scale=1,2 --tune-seeds 0", "--tune-seeds must be at least 1"),
    ("--tune-seeds 2", "--tune-seeds is for --tune"),
    ("--tune lr_scale=1,2 --until decided", "--until does not go with --tune"),
]


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line(cli, tmp_path, line, said):
    result = cli("run", *line.split(), "--dry-run")
    assert result.code == 2
    assert said in result.err
    assert len(result.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


GRIDS = ("add-one", "leave-one-out", "cumulative", "pairs", "full", "fraction", "screen")


@pytest.mark.parametrize("grid", GRIDS)
def test_every_arm_of_every_grid_has_the_same_budget_and_seeds_of_its_own(grid):
    tricks = None if grid == "fraction" else ["warmup", "mixup", "cosine"]
    tune = {"lr_scale": [0.5, 1, 2]}
    study = build(Asked(grid=grid, tricks=tricks, seeds=2, tune=tune, tune_seeds=2))
    fixed, tuning = list(fixed_runs(study)), list(tuning_runs(study))
    arms = set(study.design)
    assert Counter(run.arm for run in tuning) == dict.fromkeys(arms, 6)
    for arm in arms:
        budget = Counter((run.value, run.spec.seed) for run in tuning if run.arm == arm)
        seeds = {seed for _, seed in budget}
        assert budget == dict.fromkeys(itertools.product((0.5, 1, 2), seeds), 1)
        assert len(seeds) == 2
    own = {run.spec.seed for run in tuning}
    assert len(own) == (2 if study.design.shared_seeds else 2 * len(arms))
    assert min(own) >= BEYOND > max(run.spec.seed for run in fixed)
    tuned = list(tuned_runs(study, dict.fromkeys(arms, 1.0)))
    assert [run.spec.id for run in tuned] == [run.spec.id for run in fixed]
    other = list(tuned_runs(study, dict.fromkeys(arms, 2.0)))
    assert [run.spec.seed for run in other] == [run.spec.seed for run in fixed]
    assert not {run.spec.id for run in other} & {run.spec.id for run in fixed}


def rows(store="results", name="digits-add-one"):
    return load_study(Store(store, create=False), name).runs


def tuned_values(found):
    return {(r["warmup"], r["optimizer"]): r["lr_scale"] for r in found if r["stage"] == "tuned"}


def test_a_tuned_study_from_beginning_to_end(cli, stub):
    before = cli(*LINE, "--dry-run", "--json").json
    assert (before["runs"], before["recorded"], before["missing"]) == (6 + 18 + 6, 0, 30)
    result = cli(*LINE)
    assert result.code == 0, result.err
    assert "lr_scale chosen on validation" in result.out
    assert len(stub.ids) == len(set(stub.ids))
    found = rows()
    assert Counter(run["stage"] for run in found) == {"fixed": 6, "tuning": 18, "tuned": 6}
    held = Store("results").rows()
    for arm, value in tuned_values(found).items():
        means = Counter()
        for run in found:
            if run["stage"] == "tuning" and (run["warmup"], run["optimizer"]) == arm:
                means[run["lr_scale"]] += held[run["id"]]["val_accuracy"]
        assert means.most_common(1)[0][0] == value
    after = cli("run", "--study", "digits-add-one", "--dry-run", "--json").json
    shared = after["stages"]["tuned"]["shared"]
    assert shared == 2 * list(tuned_values(found).values()).count("1")
    assert after["runs"] == after["recorded"] == len(stub.ids) == 30 - shared
    assert after["missing"] == 0
    status = cli("status", "--json").json
    assert (status["planned"], status["ok"], status["missing"]) == (len(stub.ids),) * 2 + (0,)
    trained = len(stub.ids)
    assert cli("run", "--study", "digits-add-one").code == 0
    assert len(stub.ids) == trained


@pytest.mark.parametrize("cuts", [(6, 3), (24,), (23, 1, 1)])
def test_cut_anywhere_it_goes_on_and_ends_the_same(cli, stub, monkeypatch, cuts):
    from runner.execution import executor

    whole = executor.execute
    left = list(cuts)

    def cut(runs, store, order, on_event):
        """Stops after the number of new runs in the next cut, also at the end of a stage."""
        if not left:
            return whole(runs, store, order, on_event)
        states = store.states()
        new = [run for run in runs if run.id not in states]
        summary = whole(new[: left.pop(0)], store, order, on_event)
        return dataclasses.replace(summary, interrupted=True)

    monkeypatch.setattr(executor, "execute", cut)
    for place, count in enumerate(cuts):
        result = cli(*LINE)
        assert result.code == 130
        assert "continues from here" in result.out
        assert len(stub.ids) == sum(cuts[: place + 1])
        status = cli("status", "--json").json
        assert status["ok"] + status["missing"] == status["planned"]
        assert status["stages"]["tuned"]["runs"] == 6
        if place == 0 and count:
            assert cli("analyze", "--json").json["stage"] == "fixed"
    assert cli("run", "--study", "digits-add-one").code == 0
    assert len(stub.ids) == len(set(stub.ids))
    ended = rows()
    assert cli(*LINE, "--results", "again").code == 0
    assert sorted(map(str, rows("again"))) == sorted(map(str, ended))


def test_an_arm_whose_tuning_failed_waits_and_the_others_go_on(cli, stub):
    stub.states["warmup", "lr_scale=2"] = "failed"
    result = cli(*LINE)
    assert result.code == 1
    assert "2 tuned runs wait for arms with failed tuning runs" in result.out
    assert set(tuned_values(rows())) == {("off", "sgd"), ("off", "lars")}
    status = cli("status", "--json").json
    assert (status["failed"], status["missing"]) == (2, 2)
    assert status["stages"]["tuned"]["not_chosen"] == 2
    assert cli("analyze", "--json").json["stage"] == "fixed"
    stub.states.clear()
    assert cli("retry", "--json").json["opened"] == 2
    assert cli("run", "--study", "digits-add-one").code == 0
    assert ("on", "sgd") in tuned_values(rows())
    assert cli("analyze", "--json").json["stage"] == "tuned"


def test_values_that_diverge_are_not_chosen_and_said(cli, stub):
    for value in ("lr_scale=0.5", "lr_scale=2"):
        stub.states["warmup", value] = "diverged"
    assert cli(*LINE).code == 0
    assert tuned_values(rows())["on", "sgd"] == "1"
    arms = cli("analyze", "--json").json["tuning"]["arms"]
    values = next(arm for arm in arms if arm["arm"] == "warmup")["values"]
    assert [(v["value"], v["diverged"]) for v in values] == [("0.5", 2), ("1", 0), ("2", 2)]
    assert values[0]["val_accuracy"] == 10


def test_more_seeds_arms_and_values_extend_it(cli, stub):
    cli(*LINE)
    line = ("run", "--tricks", "warmup,lars,cosine", "--seeds", "3", "--tune",
            "lr_scale=0.5,1,2,4", "--tune-seeds", "3")  # fmt: skip
    assert cli(*line).code == 0
    found = rows()
    assert Counter(run["stage"] for run in found) == {"fixed": 12, "tuning": 48, "tuned": 12}
    by_arm = {}
    for run in found:
        if run["stage"] == "tuned":
            arm = (run["warmup"], run["optimizer"], run["cosine"])
            by_arm.setdefault(arm, []).append((run["lr_scale"], run["seed"]))
    for runs in by_arm.values():
        assert len({value for value, _ in runs}) == 1, "an arm has one value, not two"
        assert sorted(seed for _, seed in runs) == [0, 1, 2]
    assert len(stub.ids) == len(set(stub.ids))
    assert cli("run", "--study", "digits-add-one", "--dry-run", "--json").json["missing"] == 0
    for wrong, said in (
        ((*line[:6], "epochs=5,10"), "has --tune lr_scale, not epochs"),
        (line[:5], "has --tune lr_scale, which is not asked for"),
        ((*line[:6], "lr_scale=0.5,1"), "also has --tune lr_scale=2,4"),
        ((*line[:7], "--tune-seeds", "2"), "has --tune-seeds 3, not 2"),
    ):
        result = cli(*wrong)
        assert result.code == 2
        assert said in result.err, wrong


def test_a_plain_study_becomes_the_fixed_stage(cli, stub):
    cli("run", "--tricks", "warmup,lars", "--seeds", "4")
    assert "was run without --tune" in cli("analyze", "--stage", "fixed").err
    assert "stage" not in cli("analyze", "--json").json
    assert "stages" not in cli("status", "--json").json
    assert cli(*LINE).code == 0
    assert Counter(run["stage"] for run in rows()) == {"fixed": 12, "tuning": 18, "tuned": 6}
    assert {run["lr_scale"] for run in rows() if run["stage"] == "fixed"} == {"1"}


def test_stages_are_read_from_the_store_a_folder_and_a_csv(cli, stub, tmp_path):
    cli(*LINE)
    answers = {}
    for stage in ("fixed", "tuned"):
        answers[stage] = cli("analyze", "--stage", stage, "--json").json
        assert answers[stage]["stage"] == stage
        assert answers[stage]["runs"]["used"] == 6
        assert any(f"Stage {stage}" in note for note in answers[stage]["notes"])
        assert cli("export", "-o", f"{stage}.csv", "--stage", stage).code == 0
        again = cli("analyze", f"{stage}.csv", "--json").json
        assert [e["effect"] for e in again["effects"]] == [
            pytest.approx(e["effect"], abs=1e-6) for e in answers[stage]["effects"]
        ]
    assert cli("analyze", "--json").json == answers["tuned"]
    assert cli("export", "-o", "kept").code == 0
    kept, arms = (
        [(arm["arm"], arm["value"], arm["edge"]) for arm in answer["tuning"]["arms"]]
        for answer in (cli("analyze", "kept", "--json").json, answers["tuned"])
    )
    assert kept == arms
    assert cli("export", "-o", "tuning.csv", "--stage", "tuning").code == 0
    lines = list(csv.DictReader((tmp_path / "tuning.csv").open()))
    assert len(lines) == 18
    assert {line["lr_scale"] for line in lines} == {"0.5", "1", "2"}
    assert "did you mean tuned" in cli("analyze", "--stage", "tune").err
    assert "a table of runs has no stages" in cli("analyze", "tuned.csv", "--stage", "tuned").err


def test_the_report_shows_both_stages(cli, stub, tmp_path, no_drawing):
    cli(*LINE)
    assert cli("report").code == 0
    folder = tmp_path / "reports" / "digits-add-one"
    text = (folder / "report.md").read_text()
    assert "## Fixed and tuned" in text
    assert "Stage tuned: each arm at its own lr" in text
    took = re.search(r"Tuning took (\d+) runs.* study itself took (\d+)", text)
    assert int(took[1]) == 18
    assert int(took[1]) + int(took[2]) == len(stub.ids)
    assert "(fixed-tuned.png)" in text
    assert "(tuning.png)" in text


def test_the_shipped_study_is_the_standard_bag_at_five_learning_rates(cli):
    plan = cli("run", "--study", "digits-tuned", "--dry-run", "--json").json
    assert plan["tune"] == {"lr_scale": VALUES}
    assert {name: stage["runs"] for name, stage in plan["stages"].items()} == {
        "fixed": 55, "tuning": 110, "tuned": 55,
    }  # fmt: skip


@pytest.mark.slow
def test_a_real_tuned_study(cli):
    line = ("run", "--tricks", "lars", "--seeds", "1", "--tune", "lr_scale=0.5,2", "--tune-seeds",
            "1", "--set", "epochs=1", "--set", "train_images=128", "--workers", "2")  # fmt: skip
    result = cli(*line)
    assert result.code == 0, result.err
    found = rows()
    assert Counter(run["stage"] for run in found) == {"fixed": 2, "tuning": 4, "tuned": 2}
    held = Store("results").rows()
    assert {row["state"] for row in held.values()} <= {"ok", "diverged"}
    assert len(held) == 8
    assert cli("analyze", "--json").json["stage"] == "tuned"


def test_a_request_to_stop_on_the_last_run_of_tuning_is_kept(cli, stub):
    line = ("run", "--tricks", "warmup", "--tune", "lr_scale=0.5,1", "--seeds", "2")
    stub.asked_to_stop = True
    assert cli(*line).code == 130
    before = len(stub.ids)
    stub.asked_to_stop = False
    assert cli(*line).code == 0
    assert len(stub.ids) > before
