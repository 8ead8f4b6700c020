"""Sections of a report: their order, what stands under each, and what their words say."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic
from test_noise import with_bits

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.designs.factor import PLACEBO
from runner.planning.planned_vs_actual_design import PlannedDesign, RealisedDesign, RunDesign
from runner.records.study_toml import from_mapping
from runner.reporting.document import Item, Items
from runner.reporting.markdown import written
from runner.reporting.plots.forest import forest, noise_floor
from runner.reporting.plots.half_normal import half_normal
from runner.reporting.plots.heatmap import heatmap
from runner.reporting.report import write_report
from runner.reporting.sections.findings import footnote, sentences
from runner.reporting.sections.read_with_care import warnings

TWO = synthetic.factors(("zero-gamma", "mixup", "evonorm"), optimizer=False)
FOUR = synthetic.factors(("warmup", "zero-gamma", "cutmix", "mixup"), optimizer=False)
EMPTY = pd.DataFrame(columns=["id", "epoch", "val_accuracy", "lr"])


pytestmark = pytest.mark.usefixtures("no_drawing")


def report(study, out, **more):
    return write_report(synthetic.material(*study, **more), out).read_text()


def findings(a, asked=None):
    """Each finding as markdown, as it stands in the list."""
    return [
        written([Items((item,))]).removeprefix("- ")
        for item in sentences(a, from_mapping(asked) if asked else synthetic.ASKED)
    ]


def answer(bag, accuracy, seeds=3, grid="", **columns):
    """The analysis of a full grid over `bag`: accuracy(arm, seed) of each run."""
    rows = [
        {**arm, "seed": r, "accuracy": accuracy(arm, r), **columns}
        for arm in synthetic.full(bag)
        for r in range(seeds)
    ]
    return analyze(Experiment(pd.DataFrame(rows), bag, grid))


def unreplicated(bag=FOUR):
    arms = synthetic.full(bag)
    table = synthetic.runs(arms, diverge=False)
    meta = synthetic.asked("half", "full", bag, len(arms), 1)
    return Experiment(table, bag, "full"), EMPTY, meta, synthetic.records(table)


def test_sections_stand_in_the_order_of_their_value(tmp_path):
    experiment, curves, asked, records = synthetic.study("full", 2, TWO)
    held = RealisedDesign(RunDesign(16, 8), reason="no such trick")
    text = report((experiment, curves, asked, records), tmp_path, design=held)
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    wanted = [
        "Findings", "Effects", "Noise", "Seeds", "Interactions", "Accuracy and cost",
        "Half-normal plot", "Learning curves", "Diverged and collapsed", "Design", "What was run",
        "Arms", "Reproduce",
    ]  # fmt: skip
    assert found == wanted
    assert "The design as planned cannot be shown: no such trick" in text


def test_every_plot_has_a_line_that_says_what_it_is(tmp_path):
    for study in (synthetic.study("full", 2, TWO), synthetic.study("cumulative", 2, TWO)):
        text = report(study, tmp_path)
        lines = [line for line in text.splitlines() if line]
        for i, line in enumerate(lines):
            if line.startswith("![") and "learning rate" not in line:
                assert lines[i + 2].startswith("*"), line  # after the link to the SVG
                assert "runs" in lines[i + 2], line


def test_what_is_folded_is_closed_again(tmp_path):
    text = report(synthetic.study("full", 2, TWO), tmp_path)
    assert text.count("<details>") == text.count("</details>") >= 3
    assert len(re.findall(r"</summary>\n\n", text)) == text.count("<details>")


def test_findings_tell_the_baseline_where_it_differs_from_the_grid():
    bag = {"a": ("off", "on"), "b": ("off", "on")}

    def accuracy(arm, r):
        both = arm["a"] == arm["b"] == "on"
        return 90 + 2 * (arm["a"] == "on") - 9 * both + 0.1 * ((7 * r) % 5)

    a = answer(bag, accuracy, 5)
    text = "\n".join(findings(a))
    assert "interval of that effect alone" in footnote(a, sentences(a, synthetic.ASKED)).text
    assert footnote(a, [Item("a helps averaged over the grid")]) is None
    assert re.search(r"\*\*a depends on b\*\*; at the baseline it helps: \+2\.0", text)
    assert re.search(r"without b it helps: \+2\.0.*, but with b it hurts: −7\.0", text)
    assert "describes none of these" in text


def test_undecided_effects_are_a_list_with_the_runs_they_need():
    found = answer(TWO, lambda arm, r: 90 + 0.3 * (arm["mixup"] == "on") + (r * 5) % 3)
    said = next(line for line in findings(found) if line.startswith("**Undecided**"))
    head, *lines = said.splitlines()
    assert "does not mean “no effect”" in head
    assert len(lines) == 3
    assert re.match(r"  - mixup: \+0\.30 pp \(.* to .*\); about \d+ more runs", lines[0])


def test_a_crowd_of_undecided_effects_is_cut():
    bag = {f"t{i:02d}": ("off", "on") for i in range(30)}
    a = analyze(synthetic.study("add-one", 2, bag, diverge=False)[0])
    said = next(line for line in findings(a) if line.startswith("**Undecided**"))
    assert len(said.splitlines()) == 14
    assert "and 18 smaller effects" in said


def test_the_winner_has_its_probability_and_the_remedy_of_its_curse():
    experiment, _, asked, _ = synthetic.study("add-one", 5, TWO, diverge=False)
    a = analyze(experiment)
    [line] = [x for x in findings(a, asked) if "est arm**" in x or "the best**" in x]
    assert re.search(r"zero-gamma.* >?\d+ %", line)
    assert "lucky as well as good" in line
    confirmed = {**asked, "confirm": {"study": "s", "winner": {}}}
    assert "lucky" not in findings(a, confirmed)[-1]


def test_the_smallest_visible_effect_is_one_sentence():
    a = analyze(synthetic.study("add-one", 5, TWO, diverge=False)[0])
    [line] = [x for x in findings(a) if "can detect" in x]
    assert f"effects of {a.detectable.low:.2g} pp or more" in line
    assert "80 % power" in line


def test_a_placebo_is_named_as_such(tmp_path):
    bag = {**TWO, PLACEBO: ("off", "on")}
    study = synthetic.study("add-one", 3, bag, diverge=False)
    text = report(study, tmp_path)
    assert "**Placebo**, a factor that changes only random draws: its true effect is 0" in text
    assert "| placebo (changes nothing: true effect 0) |" in text
    undecided = text.split("**Undecided**")[1].split("\n- ")[0]
    assert "placebo" not in undecided
    fig = forest(analyze(study[0]))
    assert "placebo\n(true effect 0)" in [t.get_text() for t in fig.axes[0].get_yticklabels()]
    a = analyze(study[0])
    a = synthetic.changed(a, PLACEBO, verdict="helps")
    said = "\n".join(findings(a))
    assert "Its verdict here is “helps”" in said
    assert "**placebo helps**" not in said


def test_in_general_says_that_images_are_taken_as_independent(tmp_path):
    text = report(with_bits(synthetic.study("add-one", 5, TWO, diverge=False)), tmp_path)
    assert "These intervals assume independent images" in text
    assert "They are too narrow if images come in groups" in text


def test_the_forest_has_the_floor_of_the_test_images():
    plain = synthetic.study("add-one", 5, TWO, diverge=False)
    bits = analyze(with_bits(plain)[0])
    *now, endless = bits.noise.seeds
    seeds = (*now, replace(endless, general=0.4))  # what endless runs on these images come to
    bits = replace(bits, noise=replace(bits.noise, seeds=seeds))
    floor, label = noise_floor(bits)
    assert floor == 0.4
    assert "500 test images" in label
    assert label in [t.get_text() for t in forest(bits).legends[0].get_texts()]
    assert noise_floor(analyze(plain[0])) is None


def test_an_unreplicated_grid_has_its_half_normal_plot(tmp_path):
    study = unreplicated()
    text = report(study, tmp_path)
    section = text.split("## Half-normal plot")[1].split("\n## ")[0]
    a = analyze(study[0])
    found = a.half_normal
    assert f"of all at once (simulated) ±{found.simultaneous_margin:.3g}" in section
    assert "15 orthogonal contrasts of 16 runs" in section
    fig = half_normal(a)
    heights = {line.get_ydata()[0] for line in fig.axes[0].lines if len(set(line.get_ydata())) == 1}
    assert {found.margin, found.simultaneous_margin} <= heights
    largest = found.contrasts[-1].label
    assert any(largest in t.get_text() for t in fig.axes[0].texts)
    assert half_normal(analyze(synthetic.study("add-one", 2, TWO)[0])) is None


def test_notes_of_the_study_itself_stand_on_top(tmp_path):
    experiment, *rest = synthetic.study("add-one", 3, TWO)
    note = "Run --until decided, which val_accuracy decides: intervals at 97.9 %."
    text = report((replace(experiment, notes=(note,)), *rest), tmp_path)
    top = text.split("## Findings")[0]
    assert "> Run --until decided, which val\\_accuracy decides" in top
    assert text.count("97.9 %.") == 1


def test_divergence_has_a_worst_rank_line(tmp_path):
    experiment, curves, asked, records = synthetic.study("full", 4, TWO, diverge=False)
    lost = experiment.runs.index[experiment.runs["evonorm"].eq("on")][::2]
    experiment.runs.loc[lost, ["state", "accuracy"]] = ["diverged", None]
    text = report((experiment, curves, asked, records), tmp_path)
    section = text.split("## Diverged")[1].split("\n## ")[0]
    assert "P(better with it)" in section
    row = re.search(r"\| evonorm \| (0\.\d\d) \|", section)
    assert float(row[1]) < 0.3
    assert "16 against 16" in section


@pytest.mark.parametrize(("sd", "said"), [(0.3, "or more"), (80.0, "no possible effect")])
def test_an_effect_above_a_hundred_points_is_none(sd, said):
    rng = np.random.default_rng(4)
    bag = synthetic.factors(("warmup", "mixup"), optimizer=False)
    lines = findings(answer(bag, lambda arm, seed: 50 + sd * rng.standard_normal(), seeds=2), {})
    [seen] = [line for line in lines if "can detect" in line]
    assert said in seen


def test_lost_aliases_are_said_first():
    found = synthetic.material(*synthetic.study("full", 2, TWO))
    planned = PlannedDesign(16, 8, clear=True)
    whole = replace(found, design=RealisedDesign(RunDesign(16, 8, clear=True), planned))
    assert "no longer separate" not in "".join(warnings(whole))
    lost = replace(found, design=RealisedDesign(RunDesign(16, 8, clear=False), planned))
    assert "no longer separate main effects" in warnings(lost)[0]


def test_the_heatmap_of_thirty_factors_has_no_numbers():
    labels = [f"a-long-name-{i:02d}" for i in range(30)]
    terms = [(labels[i], labels[j]) for i in range(30) for j in range(i)]
    pairs = [synthetic.interaction([t]) for t in terms]
    a = synthetic.bare_analysis(map(synthetic.effect, labels), pairs)
    fig = heatmap(a)
    assert max(fig.get_size_inches()) < 14
    assert not fig.axes[0].texts
    assert len(heatmap(replace(a, interactions=a.interactions[:10])).axes[0].texts) == 0


@pytest.mark.parametrize(("level", "weight"), [(0.05, "bold"), (0.01, "normal")])
def test_the_heatmap_marks_interactions_by_the_level_of_the_study(level, weight):
    terms = [("a", "b"), ("a", "c"), ("b", "c")]
    pairs = [synthetic.interaction([t], p_adjusted=0.03) for t in terms]
    a = synthetic.bare_analysis(map(synthetic.effect, "abc"), pairs, level=level)
    assert {text.get_fontweight() for text in heatmap(a).axes[0].texts} == {weight}


def test_norms_of_clipped_gradients_are_told_by_arm(tmp_path):
    experiment, curves, asked, records = synthetic.study("add-one", bag=TWO)
    assert "Gradient norms" not in report((experiment, curves, asked, records), tmp_path / "a")
    clipped = experiment.runs.loc[experiment.runs["mixup"].eq("on"), "id"]
    mine = curves["id"].isin(clipped)
    curves["grad_norm"] = np.where(mine, curves["epoch"].astype(float), np.nan)
    curves["grad_norm_max"] = np.where(mine, 10.0 + curves["epoch"], np.nan)
    text = report((experiment, curves, asked, records), tmp_path / "b")
    assert "| mixup=on | 1 | 10 | 20 |" in text
    assert text.count("=on | 1 | 10 |") == 1
