"""Diverged and collapsed runs: counted and named, never dropped in silence."""

from __future__ import annotations

import pytest

from runner.analysis.analyze import analyze
from tests.analysis.made_runs import by_label, collapsing_fraction, experiment, grid, two_level


def test_divergence_is_counted_with_wilsons_interval():
    rows = [{"a": x, "state": "ok", "accuracy": 90 + r} for x in ("off", "on") for r in range(9)]
    rows += [{"a": "on", "state": "diverged", "accuracy": None}] * 9
    a = analyze(experiment(rows, two_level("a")))
    on = next(x for x in a.divergence if x.level == "on")
    assert (on.diverged, on.runs) == (9, 18)
    assert on.low == pytest.approx(0.2903, abs=1e-4)  # Wilson's for 9 of 18, by hand
    assert any("unevenly" in note for note in a.notes)
    assert any("diverged" in note for note in a.notes)
    assert not any("never succeeded" in note for note in a.notes)


def test_arms_that_never_succeeded_are_named():
    notes = analyze(collapsing_fraction()).notes
    said = next(note for note in notes if "never succeeded" in note)
    assert said.startswith("2 of 16 arms never succeeded (every run diverged): b + c; b + c + d")
    assert "extrapolation" in said


def test_collapsed_arms_are_listed_and_their_weight_is_shown():
    found = grid("abcd", lambda on: 12 if on["a"] and on["b"] else 95, sd=0.5, repeats=2)
    found.runs["chance_accuracy"] = 10.0
    collapsed = analyze(found).collapsed
    assert len(collapsed.arms) == 4
    weight = {x.factor: x.effect for x in collapsed.without}
    assert abs(weight["a"]) < 1
    assert by_label(analyze(found))["a"].estimate.value < -40
