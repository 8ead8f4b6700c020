"""What the commands print, and the JSON that other programs rely on."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from runner.records.store import Store
from tricks.errors import BadInput


def test_a_report_explains_the_metric_asked_for(cli, stub, tmp_path):
    assert cli("run", "--tricks", "cosine", "--seeds", "2").code == 0
    assert cli("report", "--metric", "val_accuracy").code == 0
    text = (tmp_path / "reports" / "digits-add-one" / "report.md").read_text()
    assert "effect on val\\_accuracy" in text
    assert "did you mean val_loss" in cli("report", "--metric", "val_los").err


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


@pytest.mark.parametrize("cache", ["0", "1"])
def test_images_are_checked_only_if_something_is_to_be_trained(cli, stub, tmp_path, cache):
    for i in range(12):
        path = tmp_path / "pets" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((4, 4), 3000 + i % 2, np.uint16)
        pixels[0, 0] = i
        Image.fromarray(pixels).save(path)
    line = ("run", "--task", "folder:pets", "--set", "start=scratch", "--tricks", "warmup")
    first, second = (cli(*line, "--seeds", "1", "--cache-gb", cache) for _ in range(2))
    assert first.code == second.code == 0, first.err
    assert first.out.count("pets/a/0.png and 11 more: its 16-bit values end below 4096") == 1
    assert "nearly black" not in second.out


def test_diverged_runs_are_a_result(cli, stub):
    stub.states[("warmup",)] = "diverged"
    assert cli("run", "--tricks", "warmup,cosine", "--seeds", "2").code == 0
    assert cli("status", "--json").json["diverged"] == 2


def test_a_setting_that_the_baseline_has_makes_the_same_run(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    plan = cli("run", "--tricks", "warmup", "--seeds", "1", "--name", "same", "--dry-run", "--json",
               "--set", "optimizer=sgd(decay=0.02)", "--set", "lr_scale=1.0").json  # fmt: skip
    assert plan["recorded"] == 2


def test_json_has_no_nan(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")

    def refuse(name):
        raise AssertionError(name)

    json.loads(cli("analyze", "--json").out, parse_constant=refuse)


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


def test_a_study_in_the_store_comes_before_a_shipped_one(cli, stub):
    line = ("run", "--tricks", "warmup", "--seeds", "1", "--name", "digits-tuned")
    assert cli(*line).code == 0
    plan = cli("run", "--study", "digits-tuned", "--dry-run", "--json").json
    assert (plan["runs"], plan["recorded"]) == (2, 2)


def test_export_takes_the_latest_study(cli, stub):
    cli("run", "--tricks", "warmup", "--seeds", "1")
    assert cli("export", "-o", "runs.csv").code == 0
    assert cli("export", "-o", "runs.csv", "--json").json == {
        "study": "digits-add-one", "runs": 2, "planned": 2, "output": "runs.csv",
    }  # fmt: skip


def test_one_run_is_probed_before_anything_is_written(cli, stub, tmp_path, monkeypatch):
    probed = []

    def probe(specs, *options):
        probed.append(len(specs))
        raise BadInput("a.png is no image")

    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", probe)
    result = cli("run", "--tricks", "warmup", "--seeds", "1", "--device", "cpu")
    assert (result.code, probed) == (2, [1])
    assert "a.png is no image" in result.err
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", lambda *a, **k: 0.01)
    assert cli("run", "--tricks", "warmup", "--seeds", "1", "--device", "cpu").code == 0
    monkeypatch.setattr("runner.planning.probe_run.predict_seconds", probe)
    assert cli("run", "--tricks", "warmup", "--seeds", "3", "--device", "cpu").code == 0
    assert cli("run", "--tricks", "warmup", "--name", "b", "--device", "cpu",
               "--set", "train_images=64").code == 2  # fmt: skip


@pytest.mark.slow
def test_a_real_grid_is_trained_reported_and_not_trained_again(cli, tmp_path):
    line = ("run", "--tricks", "warmup", "--set", "epochs=1", "--set", "train_images=64",
            "--seeds", "2", "--workers", "1")  # fmt: skip
    assert cli(*line).code == 0
    assert cli("status", "--json").json["ok"] == 4
    assert "4 recorded before" in cli(*line).out
    assert cli("report").code == 0
    assert (tmp_path / "reports" / "digits-add-one" / "report.md").is_file()
