"""The costs of tricks: the file, and the text for tricks without a row in it."""

from __future__ import annotations

import csv

import pytest

from tests.cli.conftest import cli  # noqa: F401 - the fixture
from tricks import costs, registry

ROW = "mixup,mixup,1,1.05,1.01,1.2,1,0.98,1.04,4"


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "costs.csv"
    path.write_text(f"{','.join(costs.COLUMNS)}\n{ROW}\nshift-tta,shift-tta,1,1,1,1,17,16,18,4\n")
    held = costs.measured(path)
    monkeypatch.setattr(costs, "measured", lambda: held)
    return path


def test_the_cost_of_a_trick(file):
    found = costs.cost_of("mixup", 1)
    assert str(found.training) == "1.05× (1.01–1.20)"
    assert found.repetitions == 4
    assert costs.cost_of("mixup", 2) is None  # measured before it came to mean something else
    assert costs.cost_of("cutmix", 1) is None


def test_lists_and_cards_say_it(file, cli):  # noqa: F811
    rows = {row["name"]: row for row in cli("list", "tricks", "--json").json}
    assert rows["mixup"]["cost"]["training"] == {"ratio": 1.05, "low": 1.01, "high": 1.2}
    assert rows["cutmix"]["cost"]["training"] is None
    assert "not measured" in rows["cutmix"]["cost"]["reason"]
    lines = {line.split()[0]: line for line in cli("list", "tricks").out.splitlines()}
    assert "cost on digits: 1.05× (1.01–1.20)]" in lines["mixup"]
    assert "cost on digits: not measured" in lines["cutmix"]
    assert "evaluation 17.00× (16.00–18.00)" in lines["shift-tta"]
    assert "1.05× (1.01–1.20)" in cli("show", "mixup").out
    assert cli("show", "mixup", "--json").json["cost"]["repetitions"] == 4


def test_what_is_committed_is_of_tricks_there_are():
    for name, cost in costs.measured().items():
        assert name in registry()
        for ratio in (cost.training, cost.evaluation):
            assert 0 < ratio.low <= ratio.ratio <= ratio.high


@pytest.mark.slow
def test_a_measurement(tmp_path, monkeypatch, capsys):
    import sys

    from benchmarks.costs import main

    out = tmp_path / "costs.csv"
    asked = ["costs", "sam", "pad-crop", "--repeats", "2", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", asked)
    assert main() == 0
    (row,) = csv.DictReader(out.open())
    assert row["trick"] == "sam"
    assert 0 < float(row["training_low"]) <= float(row["training"]) <= float(row["training_high"])
    assert "pad-crop: not measured" in capsys.readouterr().err
