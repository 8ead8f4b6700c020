"""Combinations in which a trick changes nothing: correctly reported before a run."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
import torch

from runner.training.augmentation import alternating
from runner.training.loop import train
from runner.training.outcome import weights_sha256
from tests.bag import BASELINE, cut_network, tiny_splits
from tricks import Recipe, TrickConflict, compose, parse, resolve
from tricks import trick as composing
from tricks.optimizer.sgd import SGD

CPU = torch.device("cpu")
RATES = {"sgd": 0.01, "lars": 0.5, "adamw": 0.001}
# What acts, and what does nothing beside it.
IDLE = [
    ("frozen-backbone", "drop-path"), ("frozen-backbone", "drop-block"),
    ("frozen-backbone", "ghost-batch-norm(part=4)"), ("frozen-backbone", "adaptive-clip"),
    ("adam", "no-bias-decay"), ("adamw", "weight-decay(decay=0.01)"),
    ("gradient-accumulation", "ghost-batch-norm(part=4)"),
    ("bce(threshold=0.2)", "label-smoothing"), ("adam", "corrected-decay"),
    ("schedule-free-sgd", "corrected-decay"), ("warmup", "linear-lr-scaling(batch=8)"),
]  # fmt: skip


def trained(*texts):
    """The digest of the weights after four steps of tricks by name."""
    recipe = dataclasses.replace(BASELINE, epochs=2)
    recipe = resolve(compose(recipe, map(parse, texts)), RATES)
    torch.set_num_threads(1)
    return weights_sha256(train(recipe, tiny_splits(), 0, CPU).model)


@pytest.mark.parametrize(("acts", "idle"), IDLE)
def test_what_changes_nothing_is_told_and_changes_nothing(acts, idle, monkeypatch):
    with pytest.raises(TrickConflict, match="changes nothing here: "):
        compose(BASELINE, [parse(acts), parse(idle)])
    monkeypatch.setattr("runner.training.model._network", cut_network)
    asked = composing.edits_of
    monkeypatch.setattr(
        composing, "edits_of", lambda trick: dataclasses.replace(asked(trick), acts=())
    )
    assert trained(acts, idle) == trained(acts)


@pytest.mark.parametrize(
    "texts",
    [
        ("head-first", "drop-path"), ("adam", "no-bias-decay", "weight-decay"),
        ("bce", "label-smoothing"),
        ("ghost-batch-norm(part=2)", "gradient-accumulation"),
        ("schedule-free-sgd", "corrected-decay", "warmup"),
        ("linear-lr-scaling(batch=16)", "warmup"), ("adamw", "weight-decay(decay=0.02)"),
    ],
)  # fmt: skip
def test_what_changes_something_is_not(texts, monkeypatch):
    monkeypatch.setattr("runner.training.model._network", cut_network)
    digests = [trained(*texts)]
    for left_out in texts:
        with contextlib.suppress(TrickConflict):  # of three, where one lets another act
            digests.append(trained(*(text for text in texts if text != left_out)))
    assert len(set(digests)) == len(digests) > 2


def test_labels_that_do_not_count_are_not_smoothed():
    teacher = "distillation(teacher='resnet18', weight=1.0)"
    with pytest.raises(TrickConflict, match="label-smoothing changes nothing here"):
        compose(Recipe(optimizer=SGD()), [parse(teacher), parse("label-smoothing")])


def test_smoothing_moves_some_targets_of_mixed_images_past_a_threshold():
    mixed = compose(Recipe(), map(parse, ("bce(threshold=0.2)", "label-smoothing", "mixup")))
    assert mixed.smoothing == 0.1


@pytest.mark.parametrize("mixer", ["mixup", "cutmix"])
def test_a_batch_of_one_image_has_nothing_to_mix(mixer):
    with pytest.raises(TrickConflict, match="a batch of one image has no partners"):
        compose(dataclasses.replace(BASELINE, batch_size=1), [parse(mixer)])


def test_an_image_without_colour_loses_none():
    with pytest.raises(TrickConflict, match="grayscale-input removes the colour of every image"):
        compose(BASELINE, [parse("grayscale"), parse("grayscale-input")])


def test_copies_of_an_image_would_alternate_together():
    flipped = alternating([3, 3, 5, 5, 8, 8], seed=0, epoch=1)
    assert flipped[::2].tolist() == flipped[1::2].tolist()
    with pytest.raises(TrickConflict, match="all copies of an image"):
        compose(BASELINE, [parse("alternating-flips"), parse("repeated-augmentation")])


def test_a_pass_holds_an_image_at_least():
    with pytest.raises(TrickConflict, match="batch_size=8: 9 passes need at least as many images"):
        compose(BASELINE, [parse("gradient-accumulation(parts=9)")])
