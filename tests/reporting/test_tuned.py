"""The section of a tuned study: both stages side by side, edges and doubts said, and its plots."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import synthetic

from runner.analysis.analyze import analyze
from runner.reporting.markdown import inline, written
from runner.reporting.plots.style import save as style_save
from runner.reporting.plots.tuned import fixed_tuned
from runner.reporting.plots.tuned import tuning as plot
from runner.reporting.report import write_report
from runner.reporting.sections.fixed_and_tuned import chosen_by, compared, remarks, value_counts
from runner.studies.choice import Choice, Score
from runner.studies.stages import ArmTuning, StudyTuning
from runner.studies.tuned_comparison import Spent, TunedComparison, TuningCost

BAG = synthetic.factors(("zero-gamma", "mixup", "evonorm"), optimizer=False)
VALUES = ("0.5", "1", "2")


def arm(label, levels, value="1", edge=None, tied=(), diverged=0, missing=0, values=VALUES):
    """The tuning of one arm: 90 % on average, one point more at the chosen value."""
    scores = tuple(
        Score(v, () if missing else (89.0 + (v == value), 91.0 + (v == value)), diverged, missing)
        for v in values
    )
    return ArmTuning(label, levels, Choice(scores, value, tuple(tied), edge))


def tuned(grid="add-one"):
    """A tuned study with known effects; zero-gamma is better by 3 where it is tuned."""
    experiment, curves, asked, records = synthetic.study(grid, 4, BAG, diverge=False)
    fixed = analyze(experiment)
    better = experiment.runs["zero-gamma"].eq("on")
    runs = experiment.runs.assign(accuracy=experiment.runs["accuracy"] + 3 * better)
    later = analyze(replace(experiment, runs=runs))
    off = {name: levels[0] for name, levels in BAG.items()}
    arms = [arm("baseline", off)]
    arms += [arm(name, {**off, name: "on"}, "2", "highest") for name in BAG]
    study = StudyTuning("lr_scale", VALUES, 2, "1", tuple(arms))
    cost = TuningCost(Spent(24, 1.5, 2.0), Spent(28, 1.75, 2.5), 4)
    return TunedComparison(study, fixed, later, cost), (experiment, curves, asked, records)


def with_arms(t, arms):
    """The comparison with other arms."""
    return replace(t, tuning=replace(t.tuning, arms=tuple(arms)))


def test_the_report_has_the_section_with_both_pictures(tmp_path, monkeypatch):
    def save(fig, out, name):
        """Others are not rendered: that is most of a report's time."""
        return style_save(fig, out, name) if "tun" in name else f"{name}.png"

    monkeypatch.setattr("runner.reporting.plots.style.save", save)
    t, study = tuned()
    text = write_report(synthetic.material(*study, tuning=t), tmp_path).read_text()
    assert text.index("## Effects") < text.index("## Fixed and tuned") < text.index("## Arms")
    for name in ("fixed-tuned", "tuning"):
        assert f"({name}.png)" in text
        assert (tmp_path / f"{name}.png").stat().st_size > 2000
        assert (tmp_path / f"{name}.svg").stat().st_size > 2000
    plain = write_report(synthetic.material(*study), tmp_path / "plain").read_text()
    assert "tuned" not in plain


def test_each_effect_stands_at_both_values_with_what_its_arm_chose():
    t, _ = tuned()
    table = written(compared(t).blocks[:1])
    fixed = {e.label: e.effect for e in t.fixed.effects}
    for label, effect in fixed.items():
        [line] = [line for line in table.splitlines() if line.startswith(f"| {label} |")]
        cells = [cell.strip().replace("−", "-") for cell in line.strip("|").split("|")]
        moved = effect + 3 * (label == "zero-gamma")
        assert float(cells[1]) == pytest.approx(effect, abs=0.006)
        assert float(cells[4]) == pytest.approx(moved, abs=0.006)
        assert cells[-1] == "2"
    assert re.search(r"\*baseline\*.*\| 1 \|", table)


def test_the_caption_says_that_choosing_is_part_of_it_and_what_it_cost():
    t, _ = tuned()
    text = written([compared(t)])
    assert "compares the arms after this choice" in text
    assert "Its interval is over seeds, given the chosen values" in text
    assert "Tuning took 24 runs, 1.50 core-hours" in text
    counts = "28 fixed and tuned runs (4 of them count as fixed and as tuned), 1.75 core-hours"
    assert counts in text


def test_edges_ties_divergence_and_waiting_arms_are_said():
    t, _ = tuned()
    said = " ".join(map(inline, remarks(t)))
    assert "In 3 of 4 arms the best value is at the edge of the range. Widen the range" in said
    assert "mixup (2)" in said
    assert "diverged" not in said
    first, second, *others = t.tuning.arms
    tied = arm("baseline", first.levels, tied=["0.5"], diverged=1)
    waiting = arm("zero-gamma", second.levels, None, missing=2)
    t = with_arms(t, [tied, waiting, *others])
    said = " ".join(map(inline, remarks(t)))
    assert "Arms with several best values: 1." in said
    assert "3 tuning runs diverged: each counts as chance accuracy" in said
    assert "Arms without a choice so far: 1, because tuning runs are missing or failed (6)" in said
    assert "None" not in written([compared(t)])
    assert "not chosen yet" in written(compared(t).blocks[:1])


def test_a_verdict_that_tuning_changes_is_said():
    t, _ = tuned()
    t = replace(t, fixed=synthetic.changed(t.fixed, "zero-gamma", verdict="hurts"))
    said = inline(remarks(t)[0])
    start = "**zero-gamma**: hurts at lr\\_scale=1 in all arms, helps at each arm's tuned value"
    assert said.startswith(start)


def test_without_tuned_runs_only_the_fixed_value_is_shown():
    t, _ = tuned()
    t = replace(t, tuned="no run is recorded")
    text = written([compared(t)])
    assert "There are no effects at the tuned values yet: no run is recorded" in text
    assert fixed_tuned(t) is None
    t = replace(t, fixed="all diverged")
    assert "There are no effects at the fixed value yet: all diverged" in written([compared(t)])


def test_in_a_factorial_the_choices_of_all_arms_are_counted():
    t, _ = tuned()
    on, off = {"a": "on"}, {"a": "off"}
    arms = [arm("x", on, "1"), arm("y", on, "2"), arm("z", on, "2"), arm("b", off, "0.5")]
    tuning = with_arms(t, arms).tuning
    assert chosen_by(tuning, "a", "on") == "1 ×1, 2 ×2; without it 0.5"
    assert value_counts(tuning, [*arms, arm("w", off, None)]).endswith("not chosen yet ×1")


@pytest.mark.parametrize("count", [1, 5, 60])
def test_a_few_arms_have_a_panel_each_and_many_share_one(count):
    t, _ = tuned()
    arms = [arm(f"arm {i}", {"a": "on"}, VALUES[i % 3], diverged=i % 2) for i in range(count)]
    shown = [ax for ax in plot(with_arms(t, arms).tuning).axes if ax.axison]
    assert len(shown) == (count if count <= 24 else 1)


def test_a_zero_among_the_values_is_drawn():
    t, _ = tuned()
    values = ("0", "0.1", "0.2")
    arms = tuple(arm(x.label, x.levels, "0.1", values=values) for x in t.tuning.arms)
    assert plot(replace(t.tuning, values=values, arms=arms)) is not None
