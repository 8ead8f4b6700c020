"""Reports of made-up studies: they say what is there, and nothing breaks out of its place."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.cli import call
from runner.records import record_schema
from runner.records.export import read_export
from runner.reporting.footprint import footprint as blocks
from runner.reporting.markdown import written
from runner.reporting.plots.rates import learning_rates
from runner.reporting.report import write_report
from runner.studies.experiments import experiment as of_study
from tricks.errors import BadInput

ROOT = Path(__file__).parents[2]


@pytest.fixture
def plain_files(monkeypatch):
    """Plots are written where they belong, but not rendered."""

    def save(fig, out, name):
        for ending in (".png", ".svg"):
            (out / f"{name}{ending}").touch()
        return f"{name}.png"

    monkeypatch.setattr("runner.reporting.plots.style.save", save)


def report(study, out):
    return write_report(synthetic.material(*study), out, ("md",)).read_text()


SMALL = synthetic.factors(("zero-gamma", "mixup", "evonorm"))
TWO = synthetic.factors(("zero-gamma", "mixup", "evonorm"), optimizer=False)


@pytest.mark.parametrize(
    ("grid", "bag"),
    [("add-one", SMALL), ("full", SMALL), ("cumulative", SMALL), ("pairs", TWO),
     ("leave-one-out", TWO)],
)  # fmt: skip
@pytest.mark.usefixtures("plain_files")
def test_every_grid_has_a_report_whose_images_exist(grid, bag, tmp_path):
    text = report(synthetic.study(grid, 3, bag), tmp_path)
    images = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(images) >= 4
    for name in images:
        assert (tmp_path / name).exists()
        assert (tmp_path / name.replace(".png", ".svg")).exists()
    for word in ("Estimand", "Error term", " df", " runs", "0 missing", "core-hours"):
        assert word in text
    assert "nan" not in text.lower().replace("finance", "")
    assert "None" not in text


@pytest.mark.usefixtures("plain_files")
def test_a_report_in_the_place_of_another_leaves_none_of_its_plots(tmp_path):
    (tmp_path / "mine.png").write_bytes(b"of the user")
    before = report(synthetic.study("full", 2, TWO), tmp_path)
    assert "interactions.png" in before
    after = report(synthetic.study("add-one", 2, TWO), tmp_path)
    shown = set(re.findall(r"\]\(([^)]+\.(?:png|svg))\)", after))
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "mine.png", *shown}


def test_findings_say_what_depends_on_what(tmp_path, no_drawing):
    text = report(synthetic.study("full", 2, SMALL), tmp_path)
    assert "**zero-gamma depends on evonorm" in text
    assert "describes none of these" in text
    assert "collapsed" in text


def test_one_seed_gives_no_interval_and_says_what_would(tmp_path, no_drawing):
    text = report(synthetic.study("add-one", 1, SMALL, diverge=False), tmp_path)
    assert "No interval, so no verdict" in text
    assert "--seeds 3" in text
    assert "helps" not in text


def test_names_cannot_break_out_of_their_cell(tmp_path, no_drawing):
    evil = "a|b <img src=x onerror=alert(1)> [x](http://y) $\\frac$"
    bag = {evil: ("off", "on"), "mixup": ("off", "on")}
    text = report(synthetic.study("full", 3, bag), tmp_path)
    assert "<img" not in text
    assert "[x](http" not in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_a_partial_study_says_so(tmp_path, no_drawing):
    experiment, curves, asked, records = synthetic.study("add-one", 3, SMALL)
    part = replace(experiment, runs=experiment.runs.iloc[3:8])
    found = synthetic.material(part, curves, asked, records[3:8], listed=18)
    text = write_report(found, tmp_path).read_text()
    assert "18 planned" in text
    assert "**Partial:** 13 of 18 planned runs are missing" in text
    assert "Not estimable" in text


def test_an_arm_that_only_diverged_keeps_its_row(tmp_path, no_drawing):
    experiment, curves, asked, records = synthetic.study("leave-one-out", 3, TWO, diverge=False)
    lost = experiment.runs["mixup"].eq("off")
    experiment.runs.loc[lost, ["state", "accuracy"]] = ["diverged", None]
    text = report((experiment, curves, asked, records), tmp_path)
    assert "**Not estimable**: mixup: no usable run: all 3 runs of the arm" in text
    assert re.search(r"^\| mixup .*–", text, re.MULTILINE)
    assert "1 of 4 arms never succeeded (every run diverged): zero-gamma + evonorm" in text


def test_failed_runs_are_listed(tmp_path, no_drawing):
    experiment, curves, asked, records = synthetic.study("add-one", 2, SMALL)
    experiment.runs.loc[3, ["state", "accuracy"]] = ["failed", None]
    records[3].update(state="failed", error={"type": "RuntimeError", "message": "a | b"})
    text = report((experiment, curves, asked, records), tmp_path)
    assert "a \\| b" in text
    assert "1 failed" in text


def test_an_empty_study_is_one_line_and_writes_nothing(tmp_path):
    experiment, curves, asked, _ = synthetic.study("add-one", 2, SMALL)
    empty = replace(experiment, runs=experiment.runs.iloc[:0])
    with pytest.raises(BadInput, match="no finished run"):
        write_report(synthetic.material(empty, curves, asked, []), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_bare_runs_are_enough(tmp_path, no_drawing):
    rows = [{"a": x, "accuracy": 90.0 + r} for x in ("off", "on") for r in range(3)]
    experiment = Experiment(pd.DataFrame(rows), {"a": ("off", "on")})
    empty = pd.DataFrame(columns=["id", "epoch", "val_accuracy", "lr"])
    asked = {"task": "", "grid": "", "factors": [{"name": "a", "levels": ["off", "on"]}]}
    text = report((experiment, empty, asked, []), tmp_path)
    assert "## Effects" in text


def test_a_sweep_without_a_test_set_reports_validation(tmp_path, no_drawing):
    bag = {"optimizer": ("sgd", "adamw"), "lr_scale": ("0.5", "1", "2")}
    experiment, curves, asked, records = synthetic.study("full", 3, bag, diverge=False)
    experiment.runs["accuracy"] = None
    study = (experiment, curves, asked, records)
    found = synthetic.material(*study, metric="val_accuracy")
    text = write_report(found, tmp_path).read_text()
    assert "metric val\\_accuracy" in text
    assert "optimizer=adamw + lr\\_scale=2" in text


def test_the_same_data_give_the_same_bytes(tmp_path):
    study = synthetic.study("pairs", 2, TWO)
    one, two = tmp_path / "one", tmp_path / "two"
    report(study, one)
    report(study, two)
    for file in one.iterdir():
        assert file.stat().st_size > 2000, "it is drawn"
        assert file.read_bytes() == (two / file.name).read_bytes(), file.name


def test_a_trick_with_parameters_is_not_taken_for_a_level(tmp_path, no_drawing):
    name = "mixup(alpha=0.4)"
    rows = [
        {"a": a, name: m, "accuracy": 90 + 6 * (a == "on") * (m == "on") + 0.1 * r}
        for a in ("off", "on") for m in ("off", "on") for r in range(3)
    ]  # fmt: skip
    experiment = Experiment(pd.DataFrame(rows), {"a": ("off", "on"), name: ("off", "on")})
    empty = pd.DataFrame(columns=["id", "epoch", "val_accuracy", "lr"])
    bag = [{"name": x, "levels": ["off", "on"]} for x in ("a", name)]
    asked = {"task": "", "grid": "", "factors": bag}
    text = report((experiment, empty, asked, []), tmp_path)
    assert "without mixup(alpha=0.4) it " in text
    assert "with mixup(alpha=0.4)=off" not in text


def rates(found, records):
    """(label, (epochs, rates)) of each line of the learning-rate plot."""
    study = of_study(found.study, found.runs)
    fig = learning_rates(analyze(study), found.runs, found.curves, records)
    return [(line.get_label(), line.get_data()) for line in fig.axes[0].lines]


def test_learning_rates_are_those_of_every_step():
    found = read_export(ROOT / "results/ten-epochs/digits-add-one")
    drawn = dict(rates(found, found.records))
    assert len(drawn) == 5
    epochs, lr = drawn["warmup"]
    assert len(lr) == found.records[0].steps + 1
    assert lr[0] < lr[1] < lr[2]
    assert epochs[lr.argmax()] < 1
    assert set(drawn["baseline (+6 arms)"][1].round(9)) == {0.025, 0.0025, 0.00025}


def test_an_unknown_schedule_is_drawn_as_it_was_noted():
    found = read_export(ROOT / "results/ten-epochs/digits-add-one")
    for record in found.records:
        schedule = record.recipe.values["schedule"]
        if schedule["name"] == "cosine":
            schedule["name"] = "not-loaded"
    drawn = dict(rates(found, found.records))
    assert list(drawn["cosine"][0]) == list(range(1, 11))
    assert len(drawn["warmup"][0]) > 100


def test_runs_cut_short_have_no_curve_of_their_own():
    found = read_export(ROOT / "results/ten-epochs/digits-fraction")
    assert len(rates(found, found.records)) == 3 * 2 * 2  # optimizer, cosine, warmup


def test_the_grid_line_counts_the_arms_that_are_there(tmp_path, no_drawing):
    experiment, curves, asked, records = synthetic.study("add-one", 3, SMALL)
    asked["arms"] = 64
    text = report((experiment, curves, asked, records), tmp_path)
    assert "**Grid:** add-one, 6 arms, 18 runs planned" in text


REPORTS = [
    path
    for path in sorted((ROOT / "reports").glob("*/*/report.md"))
    if (ROOT / "results" / path.parent.parent.name / path.parent.name).is_dir()
]


@pytest.mark.slow
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.parent.name)
def test_the_committed_reports_are_those_of_the_committed_runs(
    path, tmp_path, no_drawing, monkeypatch
):
    monkeypatch.chdir(ROOT)
    committed = path.read_text(encoding="utf-8")
    line = committed.splitlines()[2]
    metric = re.search(r"metric (.+)\.$", line).group(1).replace("\\", "")
    study = f"results/{path.parent.parent.name}/{path.parent.name}"
    words = ["report", study, "--metric", metric, "--out"]
    assert call([*words, str(tmp_path)]) == 0
    again = f"tricks-bench {' '.join(words)} {path.parent}"
    made = (tmp_path / "report.md").read_text(encoding="utf-8")
    here, there = (os.path.relpath(ROOT / "results", folder) for folder in (tmp_path, path.parent))
    assert made.replace(here, there) == committed, f"write: {again}"


def test_the_footprint_of_models_and_of_arms():
    def record(model, tricks, ram, gap):
        stages = {stage: {"ram": ram + i} for i, stage in enumerate(("data", "model"))}
        return {
            "id": "0" * 16, "state": "ok", "recipe": {"model": model}, "tricks": tricks,
            "parameters": 1234567,
            "generalisation_gap": gap, "memory": {**stages, "peak": {"ram": ram + 9}},
        }  # fmt: skip

    def footprint(*records):
        return blocks([record_schema.read(record) for record in records])

    old = {"id": "0" * 16, "state": "ok", "recipe": {"model": "a"}, "tricks": [], "parameters": 1}
    assert footprint(old) == ()
    runs = [record("a", [], 100, 1.0), record("a", [], 102, 3.0), record("a", ["<b>"], 50, -2.0)]
    lines = written(footprint(old, *runs)).splitlines()
    assert lines[2] == "| baseline | 2 | 1,234,567 | 101 | 102 | – | 110 | +2.00 |"
    assert lines[3].startswith("| &lt;b&gt; | 1 |")
    named = [record_schema.read(record | {"id": f"{i}" * 16}) for i, record in enumerate(runs)]
    lines = written(blocks(named, {"0" * 16: "optimizer=x", "1" * 16: "baseline"})).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:5]] == [
        "optimizer=x",
        "baseline",
        "&lt;b&gt;",
    ]
    by_model = written(footprint(*runs, record("b", ["x"], 10, 0.0)))
    assert by_model.splitlines()[0].startswith("| model |")
    runs[0]["memory"]["peak"] |= {"allocated": 500.0, "reserved": 600.4}
    on_gpu = written(footprint(*runs))
    assert "GPU reserved, peak" in on_gpu
    assert "| 500 | 600 |" in on_gpu
