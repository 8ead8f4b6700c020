"""An interrupted training ends with the same bits as one that was never interrupted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from runner.execution.pausing import Paused
from runner.images import sources as data
from runner.images.sources import Files
from runner.records import checkpoints
from runner.records.spec import RunSpec
from runner.training import feed
from runner.training.loaders import Loaders
from runner.training.loop import train
from runner.training.outcome import weights_sha256
from runner.training.saved import Keeper, path_of
from tests.bag import outcome, tiny_splits
from tests.training.resuming import CPU, STATEFUL, bag, compare, compare_tricks, interrupted, pairs

FEW_PAIRS = [
    ("ema", "sam"), ("lookahead", "sam"), ("adamw", "swa"), ("lars", "lookahead"),
    ("head-first", "muon"), ("distillation", "ema"), ("cutmix", "mixup"), ("dropout", "lookahead"),
]  # fmt: skip
# Of optimizers that keep alike states one each; the long form in resuming.py leaves none out.
PAIRED = (
    "adamw", "adopt", "caution", "counterfactual-attention", "cutmix", "distillation", "drop-block",
    "ema", "fp16", "frozen-backbone", "ghost-batch-norm", "head-first", "lars", "lawa", "lookahead",
    "mixup", "muon", "nadam", "progressive-resizing", "repeated-augmentation", "sam",
    "schedule-free-sgd", "swa",
)  # fmt: skip


@pytest.mark.parametrize("name", STATEFUL)
def test_a_trick_with_a_state_goes_on_after_an_epoch(name):
    assert compare_tricks([name], points=[2]) == 1


@pytest.mark.parametrize("pair", FEW_PAIRS, ids="+".join)
def test_pairs_go_on_within_an_epoch(pair):
    assert compare_tricks(pair, points=[3]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", bag())
def test_every_trick_goes_on_after_each_step(name):
    assert compare_tricks([name], points=[1, 2, 3]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("pair", pairs(PAIRED), ids="+".join)
def test_every_pair_with_a_state_goes_on(pair):
    assert compare_tricks(pair, points=[3]) == 1


def test_asked_to_leave_it_stops_at_the_next_step_and_goes_on(small, saves, leaving):
    recipe, splits = small("dropout", "ema", epochs=3), tiny_splits()
    told = []
    plain = train(recipe, splits, 0, CPU)
    assert interrupted(recipe, splits, saves, after=2).epoch == 1
    training = train(
        recipe,
        splits,
        0,
        CPU,
        watch=lambda model, figures: told.append(figures),
        saves=saves(float("inf")),
    )
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert training.epochs == plain.epochs
    assert [figures["epoch"] for figures in told] == [2, 3]
    assert training.resumed == 1


def test_a_short_rest_is_finished(small, saves):
    asked = saves(float("inf"), asked=lambda: True)
    assert len(train(small(epochs=2), tiny_splits(), 0, CPU, saves=asked).epochs) == 2
    assert not asked.pausing.file.exists()


def test_times_and_memory_are_those_of_the_whole(small, saves, leaving):
    recipe, splits = small(epochs=3), tiny_splits()
    interrupted(recipe, splits, saves, after=2)
    with checkpoints.reading(saves().pausing.file) as (_, file):
        before = torch.load(file, weights_only=True)["training"]
    result = outcome(recipe, splits, 0, CPU, saves=saves(float("inf")))
    seconds = result["seconds"]
    for name, value in before["seconds"].items():
        assert seconds[name] >= round(value, 4) - 1e-4, name
    assert seconds["train"] + seconds["evaluate"] <= seconds["total"]
    assert result["images_per_second"] == pytest.approx(48 / seconds["train"], rel=0.01)
    assert result["resumed"] == 1
    assert result["memory"]["peak"]["ram"] >= before["memory"]["peak"]["ram"]


def test_the_record_names_all_code_that_trained_it(small, saves, leaving, monkeypatch):
    recipe, splits = small(epochs=3), tiny_splits()
    for revision in ("first", "first", "second+"):
        for module in ("checkpoint", "outcome"):
            monkeypatch.setattr(f"runner.training.{module}.code_revision", lambda: revision)  # noqa: B023
        if revision == "first":
            interrupted(recipe, splits, saves, after=1)
    result = outcome(recipe, splits, 0, CPU, saves=saves(float("inf")))
    assert (result["resumed"], result["code_revision"]) == (2, "first, then second+")
    assert outcome(recipe, splits, 0, CPU)["code_revision"] == "second+"


def test_the_record_tells_the_weights(small):
    recipe, splits = small(epochs=1), tiny_splits()
    one, two = outcome(recipe, splits, 0, CPU), outcome(recipe, splits, 1, CPU)
    assert one["weights_sha256"] == weights_sha256(train(recipe, splits, 0, CPU).model)
    assert one["weights_sha256"] != two["weights_sha256"]
    assert (one["resumed"], len(one["weights_sha256"])) == (0, 64)


def test_the_best_epoch_so_far_is_kept(small, saves, leaving, tmp_path):
    recipe, splits = small(epochs=3), tiny_splits()
    spec = RunSpec({"task": "tiny"}, recipe, 0)
    keepers = [Keeper(tmp_path / name, spec, splits, best=True) for name in ("a", "b", "c")]
    outcome(recipe, splits, 0, CPU, keeper=keepers[0])
    asked = iter([False] * 4 + [True] * 9)
    made = saves(float("inf"), keeper=keepers[1], asked=lambda: next(asked))
    with pytest.raises(Paused):
        outcome(recipe, splits, 0, CPU, keeper=keepers[1], saves=made)
    made = saves(float("inf"), keeper=keepers[2])
    assert outcome(recipe, splits, 0, CPU, keeper=keepers[2], saves=made)["resumed"] == 1
    for best in (False, True):
        whole, gone_on = (path_of(tmp_path / name, spec.id, best) for name in "ac")
        assert whole.read_bytes() == gone_on.read_bytes()


@pytest.fixture
def files(tmp_path):
    """The tiny splits, its training images in 16 files of 12×12 pixels."""
    draw = np.random.default_rng(0)
    paths = []
    for place in range(16):
        paths.append(tmp_path / f"{place}.png")
        Image.fromarray(draw.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(paths[-1])
    part = Files(tuple(paths), torch.arange(16) % 4)
    parts = dict.fromkeys(("train", "validation", "test", "probe"), part)
    return dataclasses.replace(tiny_splits(), **parts, channels=3, mean=(0.5,) * 3, std=(0.25,) * 3)


FROM_FILES = {"crop": "random-resized", "resolution": 8, "epochs": 2, "batch_size": 4}


@pytest.mark.parametrize("repeats", [1, 3])
def test_what_was_trained_on_is_not_decoded_again(
    small, saves, files, leaving, repeats, monkeypatch
):
    recipe = small(**FROM_FILES, repeats=repeats)
    plain = train(recipe, files, 0, CPU)
    interrupted(recipe, files, saves, after=2)
    seen = []
    original = data.read_image
    monkeypatch.setattr(data, "read_image", lambda path, side: seen.append(path) or original(path))
    training = train(recipe, files, 0, CPU, saves=saves(float("inf")))
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert len(seen) == (16 - 3 * 4) + 16 + 2 * 2 * 16  # the rest, an epoch, four evaluations


def test_loader_processes_change_nothing(small, files, saves, leaving):
    recipe = small("randaugment", "alternating-flips", **FROM_FILES)
    plain = train(recipe, files, 0, CPU)
    interrupted(recipe, files, saves, after=2, loaders=2)
    training = train(recipe, files, 0, CPU, Loaders(2), saves=saves(float("inf")))
    assert weights_sha256(training.model) == weights_sha256(plain.model)
    assert training.epochs == plain.epochs


@pytest.mark.slow
def test_files_go_on_after_every_step(small, files):
    recipe = small(**FROM_FILES, repeats=3)
    assert compare(recipe, files) == compare(recipe, files, loaders=2) == 7


def test_repeated_runs_give_equal_weights_and_other_seeds_other_batches(small, monkeypatch):
    orders = {}
    original = feed.batches

    def watched(source, order, *rest):
        orders.setdefault(seed, []).append(order)
        return original(source, order, *rest)

    monkeypatch.setattr(feed, "batches", watched)
    found = []
    for seed in (0, 0, 1):
        found.append(weights_sha256(train(small(epochs=1), tiny_splits(), seed, CPU).model))
    assert found[0] == found[1] != found[2]
    assert orders[0][0] == orders[0][1] != orders[1][0]
