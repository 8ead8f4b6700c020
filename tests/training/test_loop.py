from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from runner.training import feed, loop, outcome
from runner.training.loop import train
from tests.bag import outcome as run
from tricks import TrickConflict, registry
from tricks.recipe import identity

CPU = torch.device("cpu")
STANDARD = [name for name, trick in registry().items() if trick.standard]


def weights(training) -> list[torch.Tensor]:
    return [value for value in training.model.state_dict().values() if value.is_floating_point()]


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def test_the_same_seed_gives_bit_identical_weights_and_another_does_not(recipe, tiny):
    full = recipe("mixup", "cutmix", "randaugment", "warmup", "cosine", epochs=2)
    assert same(train(full, tiny, 0, CPU), train(full, tiny, 0, CPU))
    assert not same(train(full, tiny, 0, CPU), train(full, tiny, 1, CPU))


def test_what_ran_before_in_the_process_changes_nothing(recipe, tiny):
    first = train(recipe(), tiny, 0, CPU)
    train(recipe("mixup", "randaugment"), tiny, 3, CPU)
    assert same(first, train(recipe(), tiny, 0, CPU))


@pytest.mark.parametrize("pair", list(itertools.combinations(STANDARD, 2)), ids="+".join)
def test_every_pair_trains_two_steps_or_conflicts(pair, recipe, tiny):
    if set(pair) == {"lars", "adamw"}:
        with pytest.raises(TrickConflict):
            recipe(*pair)
        return
    training = train(recipe(*pair), tiny, 0, CPU)
    assert training.steps == 2
    assert not training.diverged
    assert all(torch.isfinite(value).all() for value in weights(training))


@pytest.mark.parametrize("name", STANDARD)
def test_every_trick_changes_what_is_trained(name, recipe, tiny):
    # Warmup alone leaves the first of two steps smaller; all the others act as they are.
    assert not same(train(recipe(), tiny, 0, CPU), train(recipe(name), tiny, 0, CPU))


def test_batches_hold_each_image_at_most_once_an_epoch_and_ignore_tricks(recipe, tiny, monkeypatch):
    seen: dict[str, list] = {}

    def spy(name):
        original = feed.batches

        def watched(source, order, *args):
            if len(source) == len(tiny.train):
                seen.setdefault(name, []).append([list(map(int, batch)) for batch in order])
            return original(source, order, *args)

        return watched

    for name, tricks in {"plain": (), "mixed": ("mixup", "randaugment", "evonorm")}.items():
        with monkeypatch.context() as patch:
            patch.setattr(feed, "batches", spy(name))
            train(recipe(*tricks, epochs=2), tiny, 0, CPU)
    assert seen["plain"] == seen["mixed"]
    first, second = seen["plain"]
    assert first != second
    assert sorted(itertools.chain.from_iterable(first)) == list(range(32))


def test_turning_mixup_on_leaves_the_initial_weights(recipe, tiny):
    still = {"lr_scale": 1e-30}
    a, b = (
        train(recipe(*names, **still), tiny, 0, CPU).model.fc.weight for names in ((), ("mixup",))
    )
    assert torch.allclose(a, b, atol=1e-12)


def test_the_test_set_is_read_once_and_last(recipe, tiny, monkeypatch):
    calls = []

    def watched(original):
        def evaluate(model, source, *args):
            calls.append(source)
            return original(model, source, *args)

        return evaluate

    monkeypatch.setattr(loop, "evaluate", watched(loop.evaluate))
    monkeypatch.setattr(outcome, "evaluate", watched(outcome.evaluate))
    run(recipe(epochs=2), tiny, 0, CPU)
    is_test = [torch.equal(source.images, tiny.test.images) for source in calls]
    assert is_test == [False] * 4 + [True]


def test_an_exploding_run_is_diverged_and_has_no_accuracy(recipe, tiny):
    result = run(recipe(lr_scale=1e12, epochs=3), tiny, 0, CPU)
    assert result["state"] == "diverged"
    assert result["test_accuracy"] is None
    assert result["correct"] is None
    assert len(result["epochs"]) >= 1


def test_the_outcome_is_json_and_its_bits_are_its_accuracy(recipe, tiny):
    import base64
    import json

    import numpy as np

    result = run(recipe(), tiny, 0, CPU)
    assert isinstance(result.pop("predictions"), bytes)  # for the file beside the record
    json.dumps(result, allow_nan=False)
    bits = np.unpackbits(np.frombuffer(base64.b64decode(result["correct"]), np.uint8), count=16)
    assert result["test_accuracy"] == pytest.approx(100 * bits.mean())
    assert result["steps"] == 2
    assert {"train", "evaluate", "wait", "cpu", "total"} <= set(result["seconds"])
    assert set(result["epochs"][0]) == {
        "epoch", "loss", "val_loss", "val_accuracy", "probe_accuracy", "lr",
    }  # fmt: skip


@pytest.mark.parametrize("more", [(), ("sam",)])
def test_the_norms_of_clipped_gradients(recipe, tiny, more, monkeypatch):
    """As torch's clipping gives them for each pass of an epoch."""
    from torch.nn import utils

    own = []
    clip = utils.clip_grad_norm_
    monkeypatch.setattr(utils, "clip_grad_norm_", lambda *a: own.append(clip(*a)))
    training = train(recipe("clip-norm(max_norm=0.01)", *more, epochs=2), tiny, 0, CPU)
    norms = torch.stack(own).view(2, -1)
    for line, passes in zip(training.epochs, norms, strict=True):
        assert line["grad_norm"] == pytest.approx(passes.mean().item(), rel=1e-5)
        assert line["grad_norm_max"] == pytest.approx(passes.max().item(), rel=1e-5)
        assert line["grad_norm_max"] > 0


def test_a_gradient_that_overflows_has_no_norm(recipe, tiny, monkeypatch):
    monkeypatch.setattr(torch.nn.utils, "get_total_norm", lambda grads: torch.tensor(torch.inf))
    training = train(recipe("clip-norm(max_norm=0.01)"), tiny, 0, CPU)
    assert training.epochs[0]["grad_norm"] is None
    assert "grad_norm" not in train(recipe(), tiny, 0, CPU).epochs[0]


def test_a_batch_larger_than_the_training_set_is_the_training_set(recipe, tiny):
    assert train(recipe(batch_size=1000), tiny, 0, CPU).steps == 1


def test_bf16_trains(recipe, tiny):
    training = train(recipe("evonorm", precision="bf16"), tiny, 0, CPU)
    assert not training.diverged
    assert weights(training)[0].dtype == torch.float32


def test_a_short_training_learns(recipe, digits):
    few = dataclasses.replace(digits, train=digits.train.subset(range(320)))
    training = train(recipe(epochs=6, batch_size=32), few, 0, CPU)
    assert training.epochs[-1]["probe_accuracy"] > 60


def test_evaluating_less_often_trains_the_same(recipe, tiny):
    often, seldom = recipe("ema", epochs=5), recipe("ema", epochs=5, evaluate_every=2)
    assert identity(seldom) == {**identity(often), "evaluate_every": 2}
    watched = []
    first = train(often, tiny, 0, CPU)
    second = train(seldom, tiny, 0, CPU, watch=lambda model, figures: watched.append(figures))
    assert same(first, second)
    assert [figures["epoch"] for figures in watched] == [1, 2, 3, 4, 5]
    for one, two in zip(first.epochs, second.epochs, strict=True):
        kept = one if one["epoch"] in (2, 4, 5) else {k: one[k] for k in ("epoch", "loss", "lr")}
        assert two == kept
    assert second.validation is not None
