"""What can be read off a plot: labels that stand apart, and no picture of nothing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic
from matplotlib.text import Text

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.analysis.pareto import Pareto
from runner.analysis.test_set.class_change import ClassComparison
from runner.designs import registry as designs
from runner.designs.factor import Factor, Level
from runner.records.examples import Example
from runner.reporting.contents import document
from runner.reporting.plots.classes import class_changes, confusions
from runner.reporting.plots.forest import forest
from runner.reporting.plots.heatmap import heatmap
from runner.reporting.plots.learning import learning
from runner.reporting.plots.losses import losses
from runner.reporting.plots.paper import WIDTHS, sized
from runner.reporting.plots.pareto import pareto
from runner.reporting.plots.pictures import PictureRow, pictures
from runner.reporting.plots.ranges import drawable, drawable_effect
from runner.reporting.plots.seeds import seeds
from runner.reporting.plots.waterfall import waterfall
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
    assert "only mixtures of interactions, no single interaction" in section
    assert ".png" not in section
    assert "contains a part of each" in text.split("## Half-normal plot")[1].split("\n## ")[0]


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


def scattered(a, count, seed=3):
    """`count` arms at random places, of which nobody knows how probably they are on the front."""
    rng = np.random.default_rng(seed)
    arms = tuple(
        replace(arm, cpu_seconds=1 + x, mean=90 + 3 * y, low=None, high=None)
        for arm, x, y in zip(a.arms[:count], rng.random(count), rng.random(count), strict=True)
    )
    return replace(a, arms=arms, pareto=Pareto())


def test_names_of_arms_stand_beside_all_points(screen):
    fig = pareto(scattered(analyze(screen[0]), 14))
    fig.draw_without_rendering()
    ax = fig.axes[-1]
    points = np.concatenate([line.get_xydata() for line in ax.lines if len(line.get_xydata())])
    pixels = ax.transData.transform(points)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 14
    for box in boxes:
        assert not any(box.contains(*point) for point in pixels)
        assert sum(box.overlaps(other) for other in boxes) == 1, "itself alone"


def test_of_many_arms_the_baseline_and_the_outliers_are_named(screen):
    a = scattered(analyze(screen[0]), 20)
    fig = pareto(a)
    texts = {text.get_text() for ax in fig.axes for text in ax.texts}
    assert "baseline" in texts
    below = [t.get_text() for t in fig.legends[0].get_texts()]
    by_time = sorted(a.arms, key=lambda arm: arm.cpu_seconds)
    by_mean = sorted(a.arms, key=lambda arm: arm.mean)
    for arm in (by_time[0], by_time[-1], by_mean[0], by_mean[-1]):
        assert arm.label in texts or any(arm.label[:90] in line for line in below)


def test_outliers_get_a_panel_of_their_own(screen):
    a = scattered(analyze(screen[0]), 12)
    far = replace(a.arms[5], cpu_seconds=30.0)
    fig = pareto(replace(a, arms=(*a.arms[:5], far, *a.arms[6:])))
    whole, closer = fig.axes
    assert whole.get_xlim()[1] > 30 > 3 > closer.get_xlim()[1]
    assert len(whole.texts) + len(closer.texts) == 12
    assert len(whole.texts) >= 1


def test_no_interval_is_wider_than_the_metric(screen):
    a = analyze(screen[0])
    for low, high, told in ((-30.0, 120.0, None), (85.0, 104.0, (85.0, 100.0)), (90, 91, (90, 91))):
        assert drawable(a, low, high) == told
    assert drawable_effect(a, -110.0, 110.0) is None
    assert drawable_effect(a, -101.0, 20.0) == (-100.0, 20.0)
    assert drawable(replace(a, unit="s"), -30.0, 120.0) == (-30.0, 120.0)
    wide = tuple(replace(arm, low=-50.0, high=150.0) for arm in a.arms)
    experiment = screen[0]
    fig = seeds(replace(a, arms=wide), experiment.runs, experiment.factors)
    assert fig.axes[0].get_xlim()[1] < 110


def test_a_single_epoch_is_drawn(screen):
    experiment, curves, *_ = screen
    name = next(iter(BAG))
    once = curves[curves["epoch"].eq(1)]
    fig = learning(analyze(experiment), experiment.runs, once, {name: experiment.factors[name]})
    assert all(line.get_marker() == "o" for line in fig.axes[0].lines)
    fig.draw_without_rendering()
    for text in (fig._supxlabel, fig._supylabel):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= fig.bbox.x1


def test_the_staircase_goes_from_each_mean_to_the_next():
    a = analyze(synthetic.study("cumulative", 4, diverge=False)[0])
    fig = waterfall(a)
    ax = fig.axes[0]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["baseline", *(f"+ {e.label}" for e in a.effects)]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
    assert [end for _, end in ends] == pytest.approx([e.mean for e in a.effects])
    assert [start for start, _ in ends[1:]] == pytest.approx([end for _, end in ends[:-1]])
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([ends[0][0], *(end for _, end in ends)])


def test_titles_of_pictures_are_folded_and_not_cut():
    image = np.zeros((8, 8, 3), np.uint8)
    title = "attention of " + " + ".join(f"trick-{i}" for i in range(12))
    fig = pictures(
        title, [PictureRow("original", [image] * 2, ["a rather long name of a file.png"] * 2)]
    )
    fig.draw_without_rendering()
    assert fig.get_suptitle().replace("\n", " ") == title
    for text in (fig._suptitle, *(ax.title for ax in fig.axes)):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= fig.bbox.x1


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


def with_losses(curves):
    return curves.assign(loss=2 / curves["epoch"], val_loss=3 / curves["epoch"])


def test_losses_of_all_arms_stand_beside_each_other(screen):
    experiment, curves = screen[0], with_losses(screen[1])
    fig = losses(analyze(experiment), experiment.runs, curves)
    assert [ax.get_title() for ax in fig.axes] == ["training loss", "validation loss"]
    assert [len(ax.lines) for ax in fig.axes] == [24, 24]
    black = [line for line in fig.axes[0].lines if line.get_linewidth() > 2]
    assert len(black) == 1
    assert losses(analyze(experiment), experiment.runs, curves.drop(columns="val_loss")) is None
    once = curves[curves["epoch"].eq(1)]
    assert losses(analyze(experiment), experiment.runs, once) is None


def test_a_loss_that_explodes_leaves_room_for_the_others(screen):
    experiment, curves = screen[0], with_losses(screen[1])
    first = curves["id"].eq(curves["id"].iloc[0])
    wild = curves.assign(val_loss=curves["val_loss"].where(~first, 1e6))
    fig = losses(analyze(experiment), experiment.runs, wild)
    assert [ax.get_yscale() for ax in fig.axes] == ["linear", "log"]


@pytest.mark.parametrize("columns", [1, 2])
def test_figures_for_a_paper_have_its_width_and_letters(screen, columns):
    a = analyze(screen[0])
    one = sized(forest(a), columns)
    many = sized(learning(a, screen[0].runs, screen[1], screen[0].factors), columns)
    assert one.get_size_inches()[0] == WIDTHS[columns]
    assert many.get_size_inches()[0] == WIDTHS[2], "no panels of a thumb's width"
    for fig in (one, many):
        fig.draw_without_rendering()
        for text in fig.findobj(Text):
            if text.get_text() and text.get_visible():
                assert 3.9 < text.get_fontsize() < 9.1
        for legend in fig.legends:
            box = legend.get_window_extent()
            assert -1 <= box.x0 < box.x1 <= fig.bbox.x1 + 1


def comparison(count):
    rng = np.random.default_rng(0)
    before, after = rng.integers(0, 9, (2, 3, count, count)) + 20 * np.eye(count, dtype=int)
    return ClassComparison("mixup", tuple(f"class {i}" for i in range(count)), before, after)


@pytest.mark.parametrize(
    ("count", "rows", "matrix"), [(3, 3, True), (40, 30, True), (90, 30, False)]
)
def test_classes_are_drawn_as_far_as_they_can_be_read(count, rows, matrix):
    found = comparison(count)
    assert len(class_changes(found).axes[0].get_yticks()) == rows
    fig = confusions(found)
    assert (fig is not None) == matrix
    if fig:
        assert len(fig.axes[0].get_xticks()) == count
        assert bool(fig.axes[0].texts) == (count <= 12)


def test_the_report_shows_augmentations_and_classes(tmp_path, no_drawing):
    bag = {"mixup": ("off", "on"), "optimizer": ("sgd", "lars")}
    image = np.zeros((2, 8, 8, 3), np.uint8)
    made = [Example(text, image) for text in ("", "mixup", "cutmix")]
    study = synthetic.study("add-one", 3, bag)
    whole = synthetic.material(*study, examples=made, classes=comparison(3))
    text = write_report(whole, tmp_path, ("md",)).read_text()
    assert "## Augmentations" in text
    assert "(augmentations.png)" in text
    assert "## Classes: the baseline and mixup" in text
    assert "| class 0 |" in text
    labels = [ax.get_ylabel() for f in document(whole).figures() if f.name == "augmentations"
              for ax in f.picture.axes]  # fmt: skip
    assert [label for label in labels if label] == ["original", "mixup"], "cutmix is not asked for"
    assert "## Augmentations" not in write_report(synthetic.material(*study), tmp_path).read_text()
