"""What can be read off a plot: labels that stand apart, and no picture of nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.analysis.pareto import Pareto
from runner.designs import registry as designs
from runner.designs.factor import Factor, Level
from runner.reporting.plots.heatmap import heatmap
from runner.reporting.plots.learning import learning
from runner.reporting.plots.pareto import pareto
from runner.reporting.plots.seeds import seeds
from runner.reporting.report import write_report
from tricks.recipe import Recipe

BAG = synthetic.factors(optimizer=False)


@pytest.fixture(scope="module")
def screen():
    """(experiment, curves, asked, records) of one fold-over of 24 runs."""
    levels = [Level("off"), Level("on")]
    factors = [Factor(name, tuple(levels), "field") for name in BAG]
    arms = [
        dict(zip(BAG, ("off" if i == 0 else "on" for i in arm), strict=True))
        for arm in designs.make("screen", factors, Recipe())
    ]
    table = synthetic.runs(arms, diverge=False)
    asked = synthetic.asked("screened", "screen", BAG, len(arms), 1)
    curves = synthetic.curves(table, epochs=2)
    return Experiment(table, BAG, "screen"), curves, asked, synthetic.records(table)


def test_interactions_of_which_none_has_a_number_are_said_and_not_drawn(
    screen, tmp_path, no_drawing
):
    a = analyze(screen[0])
    assert a.interactions
    assert heatmap(a) is None
    text = write_report(synthetic.material(*screen), tmp_path).read_text()
    section = text.split("## Interactions")[1].split("\n## ")[0]
    assert "only mixtures of them: none has a number" in section
    assert ".png" not in section
    assert "holds a part of each" in text.split("## Half-normal plot")[1].split("\n## ")[0]


def test_the_arms_of_a_screen_have_names_of_their_own(screen):
    experiment = screen[0]
    fig = seeds(analyze(experiment), experiment.runs, experiment.factors)
    names = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert len(names) == len(set(names)) == 24


def test_epochs_are_whole_and_every_column_of_panels_has_them(screen):
    experiment, curves, *_ = screen
    a = analyze(experiment)
    five = {name: experiment.factors[name] for name in list(BAG)[:5]}
    fig = learning(a, experiment.runs, curves, five)
    fig.draw_without_rendering()
    shown = [ax for ax in fig.axes if ax.get_visible()]
    low, high = shown[0].get_xlim()
    assert {x for x in shown[0].get_xticks() if low <= x <= high} == {1.0, 2.0}
    told = [[t.get_text() for t in ax.get_xticklabels() if t.get_visible()] for ax in shown]
    assert [bool(texts) for texts in told] == [False, True, True, True, True]


def test_numbers_on_the_front_stand_beside_all_points(screen):
    rng = np.random.default_rng(3)
    a = analyze(screen[0])
    arms = tuple(
        replace(arm, cpu_seconds=1 + x, mean=90 + 3 * y, low=None, high=None)
        for arm, x, y in zip(a.arms[:14], rng.random(14), rng.random(14), strict=True)
    )
    fig = pareto(replace(a, arms=arms, pareto=Pareto()))
    fig.draw_without_rendering()
    ax = fig.axes[-1]
    points = np.concatenate([line.get_xydata() for line in ax.lines if len(line.get_xydata())])
    pixels = ax.transData.transform(points)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 8
    for box in boxes:
        assert not any(box.contains(*point) for point in pixels)
        assert sum(box.overlaps(other) for other in boxes) == 1, "itself alone"


def test_the_table_of_interactions_says_its_df(tmp_path, no_drawing):
    study = synthetic.study("full", 2, synthetic.factors(("warmup", "mixup", "cutmix"), False))
    df = [item.df for item in analyze(study[0]).interactions]
    text = write_report(synthetic.material(*study), tmp_path).read_text()
    section = text.split("## Interactions")[1].split("\n## ")[0]
    low, high = (f"{end(df):.0f}" for end in (min, max))
    assert f"intervals with {low} {f'to {high} ' if high != low else ''}df" in section


@pytest.mark.parametrize("factors", [3, 12])
def test_the_words_around_a_heatmap_are_inside_it(factors):
    labels = [f"trick-{i}" for i in range(factors)]
    pairs = [(a, b) for i, a in enumerate(labels) for b in labels[:i]]
    # Twice the same pair: as an alias set it is hatched.
    aliased = [synthetic.interaction([pair, pair], 3.0) for pair in pairs]
    a = synthetic.bare_analysis(map(synthetic.effect, labels), aliased)
    fig = heatmap(a)
    fig.draw_without_rendering()
    bar = fig.axes[-1].yaxis.label
    for text in (fig._suptitle, bar):
        box, whole = text.get_window_extent(), fig.bbox
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1


def test_learning_curves_say_that_epochs_were_not_evaluated(screen):
    experiment, curves, *_ = screen
    a, name = analyze(experiment), next(iter(BAG))
    one = {name: experiment.factors[name]}
    last = curves.assign(epoch=curves["epoch"] + 2)
    four = pd.concat([curves, last], ignore_index=True)
    gaps = four.assign(val_accuracy=four["val_accuracy"].where(four["epoch"] != 3))
    for told, shown in ((four, False), (gaps, True)):
        fig = learning(a, experiment.runs, told, one)
        assert ("not evaluated after every epoch" in fig.get_supxlabel()) == shown
        assert all(np.isfinite(line.get_ydata()).all() for line in fig.axes[0].lines)
