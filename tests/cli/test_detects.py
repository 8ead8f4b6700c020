"""A dry run says the smallest effect that the study will detect; `plan` takes a study."""

import pytest

from runner.analysis.power import detectable, upper_sd
from runner.planning.pilot_noise import find_sigma
from runner.studies.asked import Asked
from runner.studies.study import build


def test_without_runs_it_says_what_would_tell(cli):
    found = cli("run", "--dry-run", "--json").json["detects"]
    assert found["effect"] is None
    assert "`tricks-bench check` will show it" in found["reason"]
    assert "will detect is unknown" in cli("run", "--dry-run").out


def test_the_noise_is_that_of_the_checks_baseline_alone(cli, stub, tmp_path):
    stub.shifts |= {"lr_scale=4": -50.0}
    assert cli("check").code == 0
    line = ("run", "--dry-run", "--tricks", "cosine", "--seeds", "4")
    found = cli(*line, "--json").json["detects"]
    study = build(Asked(tricks=["cosine"], seeds=4))
    sigma = find_sigma(study, tmp_path / "results", None)
    assert sigma.df == 4
    assert sigma.value == pytest.approx(upper_sd(sigma.estimate, 4))
    # Two arms of four runs, one effect.
    assert found["effect"] == pytest.approx(detectable(sigma.value * 0.5**0.5, 6))
    assert f"smallest effect that it will detect: {found['effect']:.2g} pp" in cli(*line).out
    one = cli("run", "--dry-run", "--tricks", "cosine", "--seeds", "1", "--json").json["detects"]
    assert (one["effect"], "use more seeds" in one["reason"]) == (None, True)


def test_plan_takes_the_factors_of_a_study(cli, tmp_path):
    (tmp_path / "mine.toml").write_text('tricks = ["cosine", "mixup"]\n[set]\nepochs = 4\n')
    line = ("plan", "--effect", "1", "--sigma", "0.5", "--json")
    by_study = cli(*line, "--study", "mine.toml").json
    by_flags = cli(*line, "--tricks", "cosine,mixup", "--set", "epochs=4").json
    assert by_study == by_flags
    assert by_study != cli(*line).json
    assert cli(*line, "--study", "digits-bag").code == 0
    assert "unknown study" in cli(*line, "--study", "nothing").err
