"""The rules of a baseline's check: numbers by hand, and error rates against a known truth."""

import numpy as np
import pytest
from scipy import stats

from runner.analysis.baseline import rules
from runner.analysis.baseline.finding import Sample
from runner.analysis.baseline.reference import Reference, references

TIMES = 800
# With a rate of 5 %, 800 checks show more than this in one of a thousand such tests.
MOST_FALSE = float(stats.binom.ppf(0.999, TIMES, 0.05)) / TIMES


def sample(rng, mean, sd, n):
    return Sample(tuple(rng.normal(mean, sd, n)))


def rates_of(draw):
    """Verdict -> share of `TIMES` checks."""
    rng = np.random.default_rng(7)
    verdicts = [draw(rng).verdict for _ in range(TIMES)]
    return {verdict: verdicts.count(verdict) / TIMES for verdict in ("pass", "fail", "unknown")}


@pytest.mark.parametrize("sds", [(0.3, 0.3), (0.2, 0.8), (0.8, 0.2)])
@pytest.mark.parametrize("n", [3, 5])
def test_a_baseline_at_the_limit_of_its_budget_passes_or_fails_in_five_per_cent(sds, n):
    def draw(rng):
        base, twice = sample(rng, 90, sds[0], n), sample(rng, 90 + rules.GAIN, sds[1], n)
        return rules.budget(base, twice, 10)

    found = rates_of(draw)
    assert found["pass"] <= MOST_FALSE
    assert found["fail"] <= MOST_FALSE


def test_a_learnt_out_baseline_passes_and_an_undertrained_one_fails():
    def draw(gain):
        return lambda rng: rules.budget(sample(rng, 97, 0.2, 5), sample(rng, 97 + gain, 0.2, 5), 10)

    assert rates_of(draw(0.0))["pass"] > 0.9
    assert rates_of(draw(1.6))["fail"] > 0.9


@pytest.mark.parametrize("n", [3, 10])
def test_an_sd_at_the_limit_passes_or_fails_in_five_per_cent(n):
    found = rates_of(lambda rng: rules.noise(sample(rng, 90, rules.SD, n), 5))
    assert 0.02 < found["pass"] <= MOST_FALSE
    assert 0.02 < found["fail"] <= MOST_FALSE


# sds of the other rates, times the baseline's
@pytest.mark.parametrize(
    "times", [(1, 1, 1, 1), (3, 3, 3, 3), (0.3, 0.3, 0.3, 0.3), (1, 1, 1, 3), (0.5, 1, 2, 4)]
)
def test_equal_rates_are_told_apart_in_five_per_cent(times):
    def draw(rng):
        scales = zip((0.25, 0.5, 2.0, 4.0), times, strict=True)
        others = {rate: sample(rng, 90, 0.5 * more, 2) for rate, more in scales}
        return rules.rate(1.0, sample(rng, 90, 0.5, 5), others)

    assert rates_of(draw)["fail"] <= MOST_FALSE


def test_the_noise_of_a_rate_far_too_high_hides_nothing():
    base = Sample((98.4, 98.0, 99.6, 98.8, 98.4))
    low = {0.25: Sample((97.6, 96.8)), 0.5: Sample((98.4, 97.4)), 2.0: Sample((95.6, 94.4))}
    quiet = rules.rate(1.0, base, {**low, 4.0: Sample((60.0, 60.4))})
    noisy = rules.rate(1.0, base, {**low, 4.0: Sample((47.0, 71.3))})
    assert quiet.verdict == noisy.verdict == "pass"
    # The largest sd is that pooled over the three others of two runs each.
    sd = (sum(gap**2 / 2 for gap in (0.8, 1.0, 1.2)) / 3) ** 0.5
    half = stats.t.isf(0.05 / 4, 3) * (base.sd**2 / 5 + sd**2 / 2) ** 0.5
    assert (noisy.value, noisy.high) == pytest.approx((97.9 - base.mean, 97.9 - base.mean + half))
    assert noisy.high < 3 < rules.rate(1.0, base, {4.0: Sample((98.0, 71.3))}).high
    assert "worse, and noisy" in rules.rate(1.0, base, {4.0: Sample((47.0, 71.3))}).reason


def test_a_better_rate_is_found():
    def draw(rng):
        means = {0.25: 86, 0.5: 88, 2.0: 91.5, 4.0: 93}
        others = {rate: sample(rng, mean, 0.5, 2) for rate, mean in means.items()}
        return rules.rate(1.0, sample(rng, 90, 0.5, 5), others)

    found = rates_of(draw)
    assert found["fail"] > 0.8
    assert found["pass"] < 0.01


def test_noise_that_hides_a_better_rate_does_not_pass():
    def draw(rng):
        others = {rate: sample(rng, 90 + 5 * (rate == 2), 3, 2) for rate in (0.25, 0.5, 2.0, 4.0)}
        return rules.rate(1.0, sample(rng, 90, 3, 5), others)

    found = rates_of(draw)
    assert found["pass"] < 0.01
    assert found["unknown"] > 0.5


@pytest.mark.parametrize("truth", [0.9, 0.98])
def test_references_as_good_as_the_baseline_are_above_it_in_five_per_cent(truth):
    def draw(rng):
        # The baseline's own luck with the images, and with its seeds.
        mean = 100 * rng.binomial(250, truth) / 250
        found = [Reference(f"m{i}", "", int(rng.binomial(250, truth)), 250, 900) for i in range(3)]
        return references(sample(rng, mean, 0.7, 5), found, 250)

    assert rates_of(draw)["fail"] <= MOST_FALSE


def test_a_reference_well_above_the_baseline_fails_it():
    nearest = Reference("nearest neighbour", "pixels (8×8)", 237, 247, 850)
    finding = references(Sample((85.0, 87.0, 86.0, 88.0, 86.5)), [nearest], 247)
    assert finding.verdict == "fail"
    assert finding.value == pytest.approx(100 * 237 / 247 - 86.5)
    assert "nearest neighbour on pixels (8×8) 96.0 % (92.7 to 97.8)" in finding.reason
    assert references(Sample((95.0, 96.0)), [nearest], 247).verdict == "pass"
    assert references(Sample((95.0, 96.0)), [], None).verdict == "unknown"


def test_the_interval_of_the_budget_is_welchs():
    base, twice = Sample((90.0, 91.0, 92.0, 90.5)), Sample((92.0, 94.0, 93.0))
    finding = rules.budget(base, twice, 10)
    test = stats.ttest_ind(twice.values, base.values, equal_var=False)
    low, high = test.confidence_interval(0.9)
    assert (finding.low, finding.high) == (pytest.approx(low), pytest.approx(high))
    assert finding.verdict == "fail"
    assert finding.change == ("epochs", "20")
    assert finding.reason.startswith("still learning: +2.1 pp (")


def test_the_interval_of_the_sd_is_chi_squared():
    values = (90.0, 91.0, 92.5, 90.5, 91.5)
    finding = rules.noise(Sample(values), 5)
    sd = float(np.std(values, ddof=1))
    low, high = (sd * (4 / stats.chi2.ppf(q, 4)) ** 0.5 for q in (0.95, 0.05))
    assert (finding.value, finding.low, finding.high) == pytest.approx((sd, low, high))
    assert finding.verdict == "unknown"
    assert finding.change == ("seeds", "10")


def test_equal_runs_have_the_sd_of_whole_images():
    finding = rules.noise(Sample((90.0, 90.0, 90.0), images=250), 5)
    assert finding.value == pytest.approx(0.4 / 12**0.5)


def test_a_rate_with_lost_runs_is_no_candidate():
    low = {rate: Sample((88.0, 88.2)) for rate in (0.25, 0.5, 4.0)}
    base = Sample((90.0, 90.2, 90.4, 90.1, 90.3))
    finding = rules.rate(1.0, base, {**low, 2.0: Sample((99.0,), lost=1)})
    assert finding.verdict == "pass"
    assert "runs lost at lr_scale=2" in finding.reason


def test_what_cannot_be_told_is_unknown():
    one, some = Sample((90.0,), lost=1), Sample((90.0, 91.0))
    assert rules.budget(one, some, 10).verdict == "unknown"
    assert rules.budget(some, one, 10).verdict == "unknown"
    assert rules.noise(one, 5).verdict == "unknown"
    assert rules.rate(1.0, one, {2.0: some}).verdict == "unknown"
    assert rules.rate(1.0, some, {2.0: one}).verdict == "unknown"


def test_the_notes_count():
    assert rules.steps(130, 10).change == ("epochs", "24")
    assert rules.steps(4000, 10).change is None
    base = Sample((90.0, 90.0))
    assert rules.fit_gap(base, 99.0).value == pytest.approx(9.0)
    # 1.96 · √(2 · 0.9 · 0.1 / 700)
    assert rules.test_size(base, 700).value == pytest.approx(3.143, abs=1e-3)
