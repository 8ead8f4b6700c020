"""The section of the design: as planned, and as the runs that succeeded left it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import synthetic
from msgspec import structs

from runner.planning.planned_vs_actual_design import (
    PlannedDesign,
    RealisedDesign,
    RunDesign,
    study_design,
)
from runner.records.export import read_export
from runner.reporting.markdown import written
from runner.reporting.sections.design import compared
from runner.studies.experiments import experiment as of_study

REFERENCE = Path(__file__).parents[2] / "results/ten-epochs"


@pytest.fixture(scope="module")
def fraction():
    found = read_export(REFERENCE / "digits-fraction")
    return found.study, of_study(found.study, found.runs)


def test_the_design_of_an_export_is_built_again(fraction):
    study, runs = fraction
    told = study_design(study, runs, "accuracy")
    assert told.reason is None
    assert (told.planned.runs, told.planned.arms) == (192, 48)
    assert (told.run.runs, told.run.arms) == (179, 44)
    assert told.planned.df == (pytest.approx(124, abs=1), 144)
    assert 0.9 < told.run.d_efficiency < told.planned.d_efficiency < 1
    # The aliases of a fraction of resolution IV: seven sets of four pairs, with main effects clear.
    assert len(told.planned.sets) == len(told.run.sets) == 7
    assert told.planned.clear is told.run.clear is True


def test_lost_arms_may_cost_a_main_effect(fraction):
    study, runs = fraction
    gone = runs.runs["mixup"].eq("on") & runs.runs["cosine"].eq("on")
    lost = runs.runs.assign(state=runs.runs["state"].mask(gone, "diverged"))
    told = study_design(study, replace(runs, runs=lost), "accuracy")
    assert told.planned.clear is True
    assert told.run.clear is False
    assert told.run.arms < 40


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"seeds": 2}, "would plan other arms"), ({"tricks": ["no-such-trick"]}, "no-such-trick"),
     ({"task": "gone"}, "gone")],
)  # fmt: skip
def test_another_design_is_not_taken_for_the_one_that_was_run(fraction, change, reason):
    study, runs = fraction
    told = study_design(
        replace(study, asked=structs.replace(study.asked, **change)), runs, "accuracy"
    )
    assert told.planned is None
    assert reason in told.reason
    assert told.run.runs == 179


def test_a_study_that_does_not_say_its_seeds_is_built_with_those_of_its_grid(fraction):
    study, runs = fraction
    silent = structs.replace(study.asked, seeds=None)
    told = study_design(replace(study, asked=silent), runs, "accuracy")
    assert (told.planned, told.run.runs) == (None, 179)
    assert "would plan other arms" in told.reason


def test_the_section_sets_planned_beside_run():
    effects = [synthetic.effect("a", se=1.0, df=9.0), synthetic.effect("b", se=3.0, df=12.0),
               synthetic.effect("c")]  # fmt: skip
    a = synthetic.bare_analysis(effects, sigma=2.0, estimand="averaged over the grid")
    planned = PlannedDesign(16, 8, 1.0, True, (), (0.5, 0.5), (8, 8), "noise")
    run = RunDesign(12, 6, 0.8, False, ("a = b|c",))
    found = RealisedDesign(run, planned, ("It is small.",))
    text = written([compared(a, found)])
    assert "| runs | 16 | 12 |" in text
    assert "| standard error in σ: middle (largest) effect | 0.50 | 1.00 (1.50) |" in text
    assert "| the same in pp, at σ = 2.00 | 1.00 | 2.00 (3.00) |" in text
    assert "| error df of an effect | 8 df | 9 to 12 df |" in text
    assert "| main effects clear of two-factor interactions | yes | **no** |" in text
    assert "Terms that the remaining runs cannot tell apart" in text
    assert "- a = b\\|c" in text
    bare = written([compared(a, replace(found, planned=None, reason="gone"))])
    assert "| runs | 12 |" in bare
    assert "as planned" not in bare.split("|", 1)[1]
