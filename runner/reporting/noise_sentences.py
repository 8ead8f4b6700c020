"""Sentences on noise: of runs, of test images, and the gain from more of either."""

from __future__ import annotations

from runner.analysis.effects import Effect
from runner.analysis.result import Analysis
from runner.reporting.numbers import interval, signed
from runner.reporting.wording import confidence


def scope(e: Effect) -> str:
    """The test images for which the verdict on an effect holds: these, or in general."""
    general = e.verdict_population
    if general is None:
        return "on these test images"
    if general == e.verdict:
        return "in general"
    return f"on these test images; in general: {general}"


def what_more_buys(a: Analysis) -> list[str]:
    """Two texts: an effect's noise by source, and its interval with more runs or images."""
    noise = a.noise
    if not noise.seeds or not noise.images:
        return []
    first, last = noise.seeds[0], noise.seeds[-1]
    bigger = noise.images[-1]
    unit = a.unit
    parts = [
        f"the middle effect's {confidence(a)} interval is ±{first.here:.2f} {unit} on these "
        f"{noise.test_images:,} test images and ±{first.general:.2f} in general",
        f"the run-to-run sd is {noise.sd_run:.2f} {unit}"
        if noise.sd_run is not None and not a.sigma_source.startswith("residual")
        else "",
    ]
    said = "; ".join(part for part in parts if part)
    gain = {row.times: row.general for row in noise.seeds}.get(4)
    images = {row.times: row.general for row in noise.images}.get(4)
    floor = f"With these test images no number of runs gets below ±{last.general:.2f}"
    if not last.general or last.general < 0.005:
        floor = "The noise of the test images is too small to be seen beside the noise of the runs"
    return [
        f"{said[0].upper()}{said[1:]}.",
        f"In general, four times the runs would give ±{gain:.2f}, and four times the test images "
        f"±{images:.2f}. {floor}; with this number of runs no number of test images gets below "
        f"±{bigger.general:.2f}.",
    ]


def pairing_text(a: Analysis) -> str:
    """One sentence on the correlation at equal seeds; "" if it is not known."""
    found = a.pairing
    if found.ci is None or found.pairs is None:
        return ""
    low, high = found.ci
    return (
        f"Correlation of arms at equal seeds: ρ = {signed(found.rho)} "
        f"({interval(low, high)}; {found.pairs} pair{'s' * (found.pairs > 1)} of arms, "
        f"{found.seeds} seeds): "
        f"{found.says}."
    )


def floor_lines(a: Analysis) -> list[str]:
    """Lines on the noise that follows from the size of the test set; none if it is unknown."""
    floor = a.floor
    if floor.effects is None:
        return []
    lines = [
        f"noise of {floor.test_images:,} test images alone: an accuracy's sampling sd is "
        f"{floor.sampling_sd:.3f} pp (√(p (1 - p) / N)); re-runs of a calibrated network would "
        f"differ by sd {floor.run_sd:.3f} pp (√((1 - p) / 2N), assumed)"
    ]
    same = floor.homogeneity
    if same:
        lines.append(
            f"test that all runs are one recipe with sampling noise only: χ²({same.df}) = "
            f"{same.chi2:.2f}, p = {same.p:.2g}"
        )
    each = [
        f"{e.label} {e.effect:+.2f} ± {e.half:.2f}" for e in floor.effects if e.half is not None
    ]
    if each:
        lines.append(
            "effects if re-runs were the only noise (assumed, each effect alone): "
            f"{', '.join(each)}"
        )
    has = any(e.ci_low is not None for e in a.effects)
    used = f"used for intervals and verdicts: {a.error_term}" if has else (
        "used for verdicts: none of these, because assumed noise decides nothing"
    )  # fmt: skip
    return [*lines, used]


def noise_lines(a: Analysis) -> list[str]:
    """For the command line: intervals in general, sources of noise, the noise floor."""
    lines = []
    if a.noise.seeds is None:
        # The assumed floor is shown only where replicates do not measure the noise.
        return floor_lines(a)
    for e in a.effects:
        general = e.population
        if general and general.ci_low is not None:
            lines.append(
                f"{e.label}, in general (other test images too): "
                f"{general.ci_low:+.2f} to {general.ci_high:+.2f}, {e.verdict_population}"
            )
    return [*lines, *what_more_buys(a), *filter(None, [pairing_text(a)])]
