"""Seed and test-image noise: intervals in general, against numbers by hand and by simulation."""

from __future__ import annotations

import base64
import itertools
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from runner.analysis.analyze import analyze
from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import group
from runner.analysis.data.experiment import Experiment
from runner.analysis.model.factorial import factorial
from runner.analysis.test_set.image_noise import parts, residual
from runner.analysis.test_set.per_image_correctness import MOST_BITS, bits, read_bits
from runner.analysis.to_json import to_json
from runner.studies.experiments import study_experiment

REFERENCE = Path(__file__).parents[2] / "results/ten-epochs"


def packed(right):
    """(images,) of 0 and 1 as the records keep it."""
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def study(right, names="ab", grid="add-one", codes=None, seeds=None):
    """An experiment whose runs have these bits. right: (runs, images)."""
    rows = []
    for i, answers in enumerate(right):
        levels = {n: ("off", "on")[c] for n, c in zip(names, codes[i], strict=True)}
        rows.append({**levels, "seed": i if seeds is None else seeds[i], "state": "ok",
                     "accuracy": 100 * answers.mean(), "test_images": len(answers),
                     "correct": packed(answers)})  # fmt: skip
    return Experiment(pd.DataFrame(rows), dict.fromkeys(names, ("off", "on")), grid)


def two_arms(seeds, images, arm_sd, rng, run_sd=0.06):
    """(2 · seeds, images) answers of two arms without any effect over the population of images.

    Each image has a difficulty of its own, and an arm suits it by chance (`arm_sd`, probit scale).
    """
    base = rng.normal(2.2, 1.6, images) + rng.normal(0, arm_sd, (2, images))
    run = rng.normal(0, run_sd, (2, seeds, 1))
    noise = rng.standard_normal((2, seeds, images), dtype=np.float32)
    return (base[:, None] + run + noise > 0).astype(np.uint8).reshape(2 * seeds, images)


def holds_nothing(estimate, found, sizes):
    """(2,) whether 0 is in the interval on these test images, and in the one in general."""
    known = parts(estimate, found, residual(found, sizes)).estimate(estimate.value)
    ends = np.array([estimate.interval(), known.interval()])
    return (ends[:, 0] <= 0) & (ends[:, 1] >= 0)


def arm_coverage(seeds, images, arm_sd, studies, shared=True):
    """Shares of 95 % intervals that hold no effect: on these test images, and in general."""
    rng = np.random.default_rng(7)
    codes = np.repeat([[0], [1]], seeds, axis=0)
    seed = np.tile(np.arange(seeds), 2) if shared else np.arange(2 * seeds)
    held = np.zeros(2)
    for _ in range(studies):
        found = bits(two_arms(seeds, images, arm_sd, rng), codes, seed)
        held += holds_nothing(welch(group(codes, found.accuracy), 1, 0), found, [2])
    return held / studies


def factorial_coverage(repeats, arm_sd, studies, half=False):
    """The same for the main effects of a 2^5 (or its half, e = abcd), each run its own seed."""
    rng = np.random.default_rng(8)
    levels = np.array([x for x in itertools.product((0, 1), repeat=5)
                       if not half or sum(x) % 2 == 0])  # fmt: skip
    codes = np.repeat(levels, repeats, axis=0)
    images, held = 300, np.zeros(2)
    for _ in range(studies):
        # On each image every factor has an effect, and every pair an interaction, all of mean 0.
        base = rng.normal(2.2, 1.6, images)
        own = (2 * codes - 1) @ rng.normal(0, arm_sd / 2, (5, images))
        pairs = [(2 * codes[:, i] - 1) * (2 * codes[:, j] - 1)
                 for i, j in itertools.combinations(range(5), 2)]  # fmt: skip
        both = np.array(pairs).T @ rng.normal(0, arm_sd / 4, (10, images))
        noise = rng.standard_normal((len(codes), images)) + rng.normal(0, 0.06, (len(codes), 1))
        found = bits((base + own + both + noise > 0).astype(np.uint8), codes)
        fitted = factorial(group(codes, found.accuracy), [2] * 5)
        estimate = fitted.fit.estimate(fitted.coding.main_effect(0))
        held += holds_nothing(estimate, found, [2] * 5)
    return held / studies


def test_the_parts_are_those_of_the_crossed_analysis():
    rng = np.random.default_rng(0)
    seeds, images = 4, 9
    right = rng.integers(0, 2, (2 * seeds, images)).astype(np.uint8)
    codes = np.repeat([[0], [1]], seeds, axis=0)
    found = bits(right, codes, np.tile(np.arange(seeds), 2))
    estimate = welch(group(codes, found.accuracy), 1, 0)
    known = parts(estimate, found, residual(found, [2]))
    d = 100.0 * (right[seeds:].astype(float) - right[:seeds])
    mean, by_seed, by_image = d.mean(), d.mean(axis=1), d.mean(axis=0)
    ms_image = seeds * ((by_image - mean) ** 2).sum() / (images - 1)
    left = d - by_seed[:, None] - by_image + mean
    ms_residual = (left**2).sum() / ((seeds - 1) * (images - 1))
    assert known.image == pytest.approx(ms_image / (seeds * images))
    assert known.residual == pytest.approx(ms_residual / (seeds * images))
    assert known.run == pytest.approx(estimate.se**2)
    assert estimate.value == pytest.approx(mean)
    # Other seeds in each arm: the residuals of the arms add up.
    apart = parts(estimate, bits(right, codes, np.arange(2 * seeds)), residual(found, [2]))
    squares = 0.0
    for arm in (right[:seeds], right[seeds:]):
        left = 100.0 * (arm - arm.mean(axis=0) - arm.mean(axis=1, keepdims=True) + arm.mean())
        squares += (left**2).sum() / ((seeds - 1) * (images - 1))
    assert apart.residual == pytest.approx(squares / (seeds * images))


def test_the_residual_of_a_grid_without_replicates_is_that_of_its_model():
    rng = np.random.default_rng(1)
    codes = np.array(list(itertools.product((0, 1), repeat=4)))
    right = rng.integers(0, 2, (16, 30)).astype(np.uint8)
    left = residual(bits(right, codes), [2] * 4)
    signs = 2 * codes - 1
    pairs = [signs[:, i] * signs[:, j] for i, j in itertools.combinations(range(4), 2)]
    X = np.column_stack([np.ones(16), signs, *pairs])
    rest = 100.0 * right - X @ np.linalg.lstsq(X, 100.0 * right, rcond=None)[0]
    rest -= rest.mean(axis=1, keepdims=True)
    assert left.pooled
    assert left.square == pytest.approx((rest**2).sum() / (5 * 29))


@pytest.mark.parametrize("seeds", [3, 10])
def test_intervals_in_general_cover(seeds):
    here, general = arm_coverage(seeds, 720, 1.0, 300)
    assert general >= 0.93
    assert here < general


def test_with_many_seeds_an_interval_on_these_images_says_little_about_others():
    here, general = arm_coverage(20, 1500, 1.0, 100)
    assert here < 0.8
    assert general >= 0.9


LAYOUTS = {
    "add-one": [(0, 0), (1, 0), (0, 1)],
    "leave-one-out": [(1, 1), (0, 1), (1, 0)],
    "cumulative": [(0, 0), (1, 0), (1, 1)],
    "pairs": [(0, 0), (1, 0), (0, 1), (1, 1)],
    "full": [(0, 0), (1, 0), (0, 1), (1, 1)],
}


def layout(grid, images=400):
    """A study of two tricks at five seeds; `a` helps on every image alike, `b` is luck."""
    rng = np.random.default_rng(3)
    codes = np.repeat(LAYOUTS[grid], 5, axis=0)
    lucky = rng.normal(0, 1, images)
    z = rng.normal(1.5, 1.2, images) + codes[:, :1] * 1.5 + codes[:, 1:] * lucky
    right = (z + 0.7 * rng.standard_normal(z.shape) > 0).astype(np.uint8)
    seeds = np.tile(np.arange(5), len(LAYOUTS[grid]))
    return study(right, "ab", grid, codes, seeds)


@pytest.mark.parametrize("grid", LAYOUTS)
def test_every_layout_has_both_intervals(grid):
    answer = to_json(analyze(layout(grid)))
    for effect in answer["effects"]:
        general = effect["population"]
        assert general["reason"] is None
        assert general["ci_low"] <= effect["ci_low"] < effect["ci_high"] <= general["ci_high"]
        assert general["p"] >= effect["p"]
        assert effect["verdict_population"] in (effect["verdict"], "undecided")
    a, b = answer["effects"]
    assert a["verdict_population"] == "helps"
    wide = [e["population"]["ci_high"] - e["population"]["ci_low"] for e in (a, b)]
    assert wide[1] > b["ci_high"] - b["ci_low"] + 0.1
    assert answer["noise"]["test_images"] == 400


def test_the_noise_budget_names_what_each_noise_is():
    noise = to_json(analyze(layout("add-one")))["noise"]
    assert noise["sd_run"] ** 2 == pytest.approx(
        noise["sd_seed"] ** 2 + noise["residual"] ** 2 / 400, rel=0.3
    )
    for rows, other in ((noise["seeds"], "runs"), (noise["images"], "images")):
        general = [row["general"] for row in rows]
        assert general == sorted(general, reverse=True)
        assert rows[-1]["times"] is None
        assert rows[-1][other] is None
    # Any number of seeds leaves the test set's luck, any number of images leaves that of the seeds.
    assert noise["seeds"][-1]["here"] == 0 < noise["seeds"][-1]["general"]
    assert noise["images"][-1]["general"] == pytest.approx(noise["images"][-1]["here"])


def test_what_has_no_bits_has_no_interval_in_general_and_says_why():
    found = layout("add-one")
    cases = {
        "have no bits of right": found.runs.drop(columns="correct"),
        "1 of 15 runs have no bits": found.runs.assign(correct=[None, *found.runs["correct"][1:]]),
        "same test images": found.runs.assign(test_images=[399.0] + [400.0] * 14),
        "not base64": found.runs.assign(correct="??"),
        "one bit for each": found.runs.assign(test_images=4000.0),
        "add up": found.runs.assign(accuracy=found.runs["accuracy"] + 1),
    }
    for reason, runs in cases.items():
        answer = to_json(analyze(Experiment(runs, found.factors, "add-one")))
        for effect in answer["effects"]:
            assert reason in effect["population"]["reason"]
            assert effect["population"]["ci_low"] is None
            assert effect["verdict_population"] is None
            assert effect["ci_low"] is not None
        assert reason in answer["noise"]["reason"]


def test_other_metrics_and_scales_have_none():
    found = layout("add-one")
    found.runs["val_accuracy"] = found.runs["accuracy"]
    effect = to_json(analyze(found, "val_accuracy"))["effects"][0]
    assert "only test accuracy" in effect["population"]["reason"]
    one = Experiment(found.runs[found.runs["seed"] == 0], found.factors, "add-one")
    effect = to_json(analyze(one))["effects"][0]
    assert effect["population"]["reason"]
    assert effect["verdict_population"] in (None, "undecided")


def test_diverged_runs_need_no_bits():
    found = layout("add-one")
    found.runs.loc[7, ["state", "accuracy", "correct"]] = ["diverged", None, None]
    effect = to_json(analyze(found))["effects"][0]
    assert effect["population"]["reason"] is None


def test_a_recorded_study_has_both():
    found = study_experiment(REFERENCE, str(REFERENCE / "digits-add-one"))
    answer = to_json(analyze(found))
    gamma = next(e for e in answer["effects"] if e["label"] == "zero-gamma")
    assert gamma["population"]["se"] > 1.15 * gamma["se"]
    found = read_bits(found, "accuracy")
    assert found.accuracy.mean() == pytest.approx(np.mean([x["mean"] for x in answer["arms"]]))


@pytest.mark.slow
def test_a_hundred_thousand_runs_are_read_in_seconds():
    rng = np.random.default_rng(5)
    right = rng.integers(0, 2, (1000, 720)).astype(np.uint8)
    codes = np.array(list(itertools.product((0, 1), repeat=10)))[:1000]
    part = study(right, "abcdefghij", "full", codes)
    runs = pd.concat([part.runs] * 100, ignore_index=True)
    answers = ["correct", "accuracy"]
    runs[answers] = runs[answers].to_numpy()[rng.permutation(len(runs))]
    whole = Experiment(runs.astype({"accuracy": float}), part.factors, "full")
    assert len(whole.runs) * 720 < MOST_BITS
    start = time.process_time()
    effect = to_json(analyze(whole))["effects"][0]
    assert time.process_time() - start < 10
    assert effect["population"]["se"] > 0


def test_intervals_of_a_factorial_cover():
    here, general = factorial_coverage(2, 0.5, 200)
    assert 0.93 <= general <= 0.98
    assert here < 0.85


@pytest.mark.slow
def test_twenty_seeds_and_three_thousand_images():
    here, general = arm_coverage(20, 3000, 1.15, 1000)
    assert 0.62 <= here <= 0.72
    assert 0.93 <= general <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(("arm_sd", "shared"), [(0.5, False), (1.0, True)])
def test_few_seeds_in_two_thousand_studies(seeds, arm_sd, shared):
    assert 0.93 <= arm_coverage(seeds, 720, arm_sd, 2000, shared)[1] <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(
    ("repeats", "half", "arm_sd"), [(1, False, 0.6), (2, False, 0.2), (2, True, 0.6)]
)
def test_factorials_in_two_thousand_studies(repeats, half, arm_sd):
    assert 0.93 <= factorial_coverage(repeats, arm_sd, 2000, half)[1] <= 0.97
