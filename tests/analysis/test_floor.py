"""The noise floor of a test set's size, and the published table that is no more than it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from runner.analysis.analyze import analyze
from runner.analysis.data.runs_file import from_file
from runner.analysis.to_json import to_json
from runner.cli import call
from tricks.errors import BadInput

DOCS = Path(__file__).parents[2] / "docs"
TABLE = DOCS / "hoya012.csv"
COUNTS = np.array([2824, 2837, 2826, 2810, 2810, 2821, 2828, 2812])


def answer():
    return to_json(analyze(from_file(TABLE, test_images=3000)))


def test_the_published_table_against_its_test_set():
    floor = answer()["floor"]
    same = stats.chi2_contingency(np.array([COUNTS, 3000 - COUNTS]))
    assert floor["homogeneity"]["chi2"] == pytest.approx(same.statistic, rel=1e-3)
    assert floor["homogeneity"]["p"] == pytest.approx(0.79, abs=0.005)
    assert floor["run_sd"] == pytest.approx(0.315, abs=0.001)
    half = {e["label"]: e["half"] for e in floor["effects"]}
    for label in ("cosine", "smoothing", "mixup"):
        assert half[label] == pytest.approx(0.49, abs=0.005)


def test_every_effect_of_it_is_undecided_with_the_runs_that_would_decide():
    for effect in answer()["effects"]:
        assert effect["verdict"] == "undecided"
        assert effect["to_decide"]["runs"] > 8


def test_the_document_shows_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.chdir(DOCS.parent)
    block = (DOCS / "hoya012.md").read_text().split("```console\n")[1].split("```")[0]
    command, _, shown = block.partition("\n")
    assert call(command.removeprefix("$ tricks-bench ").split()) == 0
    assert capsys.readouterr().out == shown


def test_one_seed_has_a_floor_and_no_verdict(tmp_path, capsys):
    file = tmp_path / "runs.csv"
    file.write_text("a,b,accuracy\n0,0,90\n1,0,99\n0,1,91\n")
    assert call(["analyze", str(file), "--test-images", "1000", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [e["verdict"] for e in found["effects"]] == ["undecided"] * 2
    assert [e["ci_low"] for e in found["effects"]] == [None] * 2
    error = 1 - (0.9 + 0.99 + 0.91) / 3
    expected = 1.96 * 100 * np.sqrt(2 * error / 2000)
    assert found["floor"]["effects"][0]["half"] == pytest.approx(expected, rel=1e-3)
    assert found["floor"]["sampling_sd"] == pytest.approx(100 * np.sqrt(error * (1 - error) / 1000))
    assert call(["analyze", str(file), "--test-images", "1000"]) == 0
    assert "assumed noise decides nothing" in capsys.readouterr().out


def test_without_the_number_there_is_a_reason():
    floor = to_json(analyze(from_file(TABLE)))["floor"]
    assert floor["sampling_sd"] is None
    assert "--test-images" in floor["reason"]


@pytest.mark.parametrize("images", [0, -5])
def test_a_number_that_cannot_be_is_refused(images):
    with pytest.raises(BadInput, match="at least 1"):
        from_file(TABLE, test_images=images)


def test_a_number_beside_the_files_own_is_refused(tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text("a,accuracy,test_images\n0,90,1000\n1,91,1000\n")
    assert to_json(analyze(from_file(file)))["floor"]["test_images"] == 1000
    with pytest.raises(BadInput, match="already"):
        from_file(file, test_images=500)


def test_it_is_for_accuracies_of_a_csv(capsys, tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text("a,loss\n0,1.5\n1,1.4\n")
    with pytest.raises(BadInput, match="per cent"):
        from_file(file, metric="loss", test_images=10)
    study = DOCS.parent / "results/ten-epochs/digits-add-one"
    assert call(["analyze", str(study), "--test-images", "9"]) == 2
    assert "is for a table" in capsys.readouterr().err
