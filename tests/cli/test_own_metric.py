"""A metric from one file: computed by a training, in the table, and in analyze."""

import json

import pytest

from runner.analysis.metrics import registry
from runner.records.run_frames import table
from runner.records.store import Store
from runner.records.studies import load_study

PLUGIN = '''
"""The share of images whose class is among the two most probable ones."""
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.registry import register


def top2(found):
    return 100 * float((found.rank < 2).mean())


register(Metric("top2", "pp", larger_is_better=True, share=True, what="One of two.", compute=top2))
'''

RUN = (
    "run", "--tricks", "warmup", "--seeds", "2", "--set", "epochs=1", "--set", "train_images=64",
    "--set", "width=0.125", "--workers", "1", "--device", "cpu", "--json",
)  # fmt: skip


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "REGISTERED", {})
    file = tmp_path / "top2.py"
    file.write_text(PLUGIN)
    return file


def test_a_metric_is_one_file(cli, plugin, tmp_path, no_drawing):
    done = cli(*RUN, "--plugin", plugin)
    assert done.code == 0, done.err
    store = Store(tmp_path / "results")
    study = load_study(store)
    runs = table(store, study, "top2")
    for run in runs.to_dict("records"):
        record = store.record(run["id"])
        values, said = record.metrics, store.predictions(record)
        assert run["top2"] == values["test"]["top2"] == 100 * (said.rank < 2).mean()
        assert run["val_top5"] == values["validation"]["top5"]
        assert values["test"].keys() == values["validation"].keys() >= {"top2", "ece", "macro_f1"}
    assert runs["top2"].notna().all()
    [effect] = cli("analyze", "--metric", "top2", "--plugin", plugin, "--json").json["effects"]
    means = runs.groupby("warmup")["top2"].mean()
    assert effect["effect"] == pytest.approx(means["on"] - means["off"])
    for metric, unit in (("top2", "pp"), ("val_top2", "pp"), ("val_ece", "pp"), ("nll", "nat")):
        answer = cli("analyze", "--metric", metric, "--plugin", plugin, "--json").json
        assert (answer["metric"], answer["unit"]) == (metric, unit)
        assert answer["effects"][0]["runs"] == 4
    assert cli("report", "--metric", "macro_f1", "--out", "out").code == 0
    assert r"metric macro\_f1" in (tmp_path / "out" / "report.md").read_text()
    unknown = cli("analyze", "--metric", "top3")
    assert unknown.code == 2
    assert "top" in unknown.err


def test_a_metric_that_came_later_needs_no_training(cli, plugin, tmp_path):
    assert cli(*RUN).code == 0
    trained = {path: path.read_bytes() for path in (tmp_path / "results" / "runs").rglob("*.*")}
    assert {path.suffix for path in trained} == {".json", ".predictions"}
    answer = cli("analyze", "--metric", "top2", "--plugin", plugin, "--json")
    assert answer.json["effects"][0]["runs"] == 4
    assert all(path.read_bytes() == data for path, data in trained.items())
    assert json.loads(cli("doctor", "results", "--json").out)["problems"] == []
    cli("export", "-o", "runs.csv")
    assert cli("analyze", "runs.csv", "--metric", "val_macro_f1", "--json").json["unit"] == "pp"
    assert len(cli("analyze", "runs.csv", "--json").json["effects"]) == 1, "no metric is a factor"


def test_a_metric_that_cannot_be_is_told_with_its_file(cli, plugin):
    plugin.write_text(PLUGIN.replace('"top2"', '"loss"'))
    done = cli("analyze", "--plugin", plugin)
    assert done.code == 2
    assert "top2.py: metric loss: there is another column of that name" in done.err
