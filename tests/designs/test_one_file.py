"""A design is one file: a plug-in's design is listed, planned, and analyzed by its layout."""

import json

import numpy as np
import pandas as pd
import pytest

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.cli import call
from runner.designs.design import BY_NAME

FILE = """
from typing import ClassVar

from runner.designs.design import Design, changed, reference_arm, register
from runner.designs.layout import ONE_AT_A_TIME


@register
class Ends(Design):
    name: ClassVar[str] = "ends"
    summary: ClassVar[str] = "the baseline, and the last level of each factor alone"
    layout: ClassVar[str] = ONE_AT_A_TIME
    estimand: ClassVar[str] = "at the baseline"

    def candidates(self):
        base = reference_arm(self.factors)
        yield base
        for place, factor in enumerate(self.factors):
            yield changed(base, place, len(factor.levels) - 1)
"""
LINE = "run --grid ends --tricks none --factor lr_scale=1,2,4 --factor epochs=5,10 --dry-run --json"


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "ends.py"
    file.write_text(FILE)
    yield file
    BY_NAME.pop("ends", None)


def test_a_design_is_one_file(plugin, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call([*LINE.split(), "--plugin", str(plugin)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["grid"], told["arms"], told["runs"]) == ("ends", 3, 9)
    assert call(["list", "grids"]) == 0
    assert "ends" in capsys.readouterr().out


def test_its_layout_decides_the_analysis(plugin, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert call([*LINE.split(), "--plugin", str(plugin)]) == 0
    rng = np.random.default_rng(0)
    rows = [
        {"a": a, "b": b, "accuracy": 90 + (a == "3") + rng.normal()}
        for a, b in (("1", "1"), ("3", "1"), ("1", "2"))
        for _ in range(5)
    ]
    factors = {"a": ("1", "2", "3"), "b": ("1", "2")}
    found = analyze(Experiment(pd.DataFrame(rows), factors, "ends"))
    assert found.layout == "one-at-a-time"
    assert found.estimand == "at the baseline"
    # The level that the design leaves out is planned by its layout, and has no run.
    assert [(e.factor, e.level, e.runs) for e in found.effects] == [
        ("a", "2", 5), ("a", "3", 10), ("b", "2", 10),
    ]  # fmt: skip
