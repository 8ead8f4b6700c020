"""The noise section: intervals in general, what more runs or images buy, published effects."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import synthetic
from synthetic import ASKED

from runner.analysis.analyze import analyze
from runner.reporting.document import unmarked
from runner.reporting.noise_sentences import what_more_buys
from runner.reporting.plots.noise_panel import noise_panel
from runner.reporting.plots.pareto import pareto
from runner.reporting.report import write_report
from runner.reporting.sections.findings import sentences
from runner.reporting.sections.noise import in_general

BAG = synthetic.factors(("zero-gamma", "mixup"), optimizer=False)


def with_bits(study, images=500):
    """The study with bits for each test image; accuracies are those of the bits."""
    experiment, *rest = study
    rng = np.random.default_rng(0)
    hard = rng.uniform(0, 1, images)
    runs = experiment.runs.copy()
    right = [hard + 0.05 * rng.standard_normal(images) < y / 100 for y in runs["accuracy"]]
    runs["accuracy"] = [100 * x.mean() for x in right]
    runs["correct"] = [base64.b64encode(np.packbits(x).tobytes()).decode() for x in right]
    return (replace(experiment, runs=runs.assign(test_images=float(images))), *rest)


def test_the_report_has_both_intervals_and_the_panel(tmp_path):
    study = with_bits(synthetic.study("add-one", 5, BAG, diverge=False))
    text = write_report(synthetic.material(*study), tmp_path).read_text()
    assert "## Noise" in text
    assert "in general" in text
    assert "four times the runs would give" in text
    assert (tmp_path / "noise.png").stat().st_size > 2000
    assert (tmp_path / "noise.svg").exists()
    assert "<summary>Published elsewhere</summary>" in text
    assert "+0.84 (unverified)" in text


def test_findings_say_for_which_images_they_hold():
    study = with_bits(synthetic.study("add-one", 8, BAG, diverge=False))
    answer = analyze(study[0])
    first = unmarked(sentences(answer, ASKED)[0].text)
    assert "zero-gamma helps at the baseline, in general: " in first
    gamma = answer.effects[0]
    assert f"{gamma.population.ci_low:+.2f}" in first
    answer = synthetic.changed(answer, "zero-gamma", verdict_population="undecided")
    assert "on these test images; in general: undecided" in unmarked(
        sentences(answer, ASKED)[0].text
    )
    bare = analyze(synthetic.study("add-one", 8, BAG, diverge=False)[0])
    assert "on these test images: " in unmarked(sentences(bare, ASKED)[0].text)


def test_without_bits_the_reason_stands_there(tmp_path, no_drawing):
    study = synthetic.study("add-one", 3, BAG, diverge=False)
    text = write_report(synthetic.material(*study), tmp_path).read_text()
    assert "No intervals in general: the runs have no bits" in text
    answer = analyze(study[0])
    assert in_general(answer) is None
    assert what_more_buys(answer) == []
    assert noise_panel(answer) is None


def test_the_front_is_drawn_with_and_without_probabilities():
    answer = analyze(synthetic.study("add-one", 3, BAG, diverge=False)[0])
    known = pareto(answer)
    assert "P(on the front)" in [ax.get_ylabel() for ax in known.axes]
    one = analyze(synthetic.study("add-one", 1, BAG, diverge=False)[0])
    assert one.pareto.reason
    assert len(pareto(one).axes) == 1
    assert pareto(replace(answer, arms=answer.arms[:1])) is None
