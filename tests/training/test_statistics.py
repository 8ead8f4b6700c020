"""Statistics of norms for weights that took no step themselves, against torch's update_bn."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from runner.training.feed import Feed
from runner.training.loop import train
from runner.training.model import build
from runner.training.statistics import reestimate
from tests.training.resuming import CPU
from tricks import BadInput, TrickConflict
from tricks.start.frozen_backbone import set_backbone


def network(recipe, splits):
    torch.manual_seed(0)
    return build(recipe, splits.classes, splits.channels).train()


def buffers(model):
    return {n: b.clone() for n, b in model.named_buffers() if b.is_floating_point()}


def reestimated(recipe, splits, trained):
    """The buffers that `reestimate` leaves in a copy, and the batches that it saw."""
    epoch = Feed(recipe, splits, 0, CPU).epoch(1)
    seen = [epoch.inputs(*b, step)[0] for step, b in enumerate(epoch.decoded())]
    averaged = copy.deepcopy(trained)
    reestimate(averaged, trained, epoch)
    assert not averaged.training
    return buffers(averaged), seen


@pytest.mark.parametrize("tricks", [(), ("randaugment", "mixup", "progressive-resizing")])
def test_they_are_torchs(tiny, recipe, tricks):
    small = recipe(*tricks, epochs=2)
    trained = network(small, tiny)
    found, seen = reestimated(small, tiny, trained)
    expected = copy.deepcopy(trained)
    update_bn(seen, expected)
    for name, value in buffers(expected).items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
    assert len(seen) == 2


def test_ghost_batch_norm_takes_the_mean_over_its_parts(tiny, recipe):
    small = recipe("ghost-batch-norm(part=4)")
    trained = network(small, tiny)
    found, seen = reestimated(small, tiny, trained)
    parts = [x for batch in seen for x in trained.conv1(batch).split(4)]
    torch.testing.assert_close(
        found["bn1.running_mean"], torch.stack([p.mean((0, 2, 3)) for p in parts]).mean(0)
    )
    torch.testing.assert_close(
        found["bn1.running_var"], torch.stack([p.var((0, 2, 3)) for p in parts]).mean(0),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip


def test_evonorm_b0_takes_the_mean_of_its_variances(tiny, recipe):
    small = recipe("evonorm-b0")
    trained = network(small, tiny)
    found, seen = reestimated(small, tiny, trained)
    variances = torch.stack([trained.conv1(x).var((0, 2, 3)) for x in seen])
    torch.testing.assert_close(found["bn1.running_var"], variances.mean(0), rtol=1e-4, atol=1e-5)


def test_what_stands_still_keeps_its_statistics(tiny, recipe):
    small = recipe("frozen-backbone")
    trained = network(small, tiny)
    set_backbone(trained, frozen=True)
    found, _ = reestimated(small, tiny, trained)
    assert all(torch.equal(value, found[name]) for name, value in buffers(trained).items())


@pytest.mark.parametrize(
    "text", ["swa(start=0)", "ema(share=0.9)", "lawa(kept=2, share=1)", "schedule-free-sgd(lr=1)"]
)
def test_what_is_evaluated_has_the_statistics_of_its_weights(tiny, recipe, text):
    small = recipe(text, epochs=2)
    model = train(small, tiny, 0, CPU).model
    again = copy.deepcopy(model).requires_grad_(True)
    epoch = Feed(small, tiny, 0, CPU).epoch(1)
    update_bn([epoch.inputs(*b, step)[0] for step, b in enumerate(epoch.decoded())], again)
    for name, value in buffers(again).items():
        torch.testing.assert_close(buffers(model)[name], value, rtol=1e-3, atol=1e-5)


def test_layers_that_draw_leave_the_stream_as_it_was(tiny, recipe):
    small = recipe("dropout")
    trained = network(small, tiny)
    state = torch.get_rng_state()
    reestimated(small, tiny, trained)
    assert torch.equal(state, torch.get_rng_state())


def test_a_set_smaller_than_a_batch_has_the_rate_of_its_images(tiny, recipe):
    """Linear scaling uses the images of a step, 32 here, not the batch size."""
    rule = train(recipe("linear-lr-scaling(batch=16)", batch_size=64), tiny, 0, CPU)
    plain = train(recipe(batch_size=64), tiny, 0, CPU)
    assert rule.epochs[-1]["lr"] == pytest.approx(2 * plain.epochs[-1]["lr"])


def test_a_set_smaller_than_a_batch_may_leave_a_trick_nothing_to_do(tiny, recipe):
    with pytest.raises(TrickConflict, match="cannot stand with batch_size=32: two parts of 20"):
        train(recipe("ghost-batch-norm(part=20)", batch_size=64), tiny, 0, CPU)
    with pytest.raises(
        BadInput, match="40 passes per batch need at least as many images, but it has 32"
    ):
        train(recipe("gradient-accumulation(parts=40)", batch_size=64), tiny, 0, CPU)


def test_a_loss_that_starts_large_may_stay_large(tiny, recipe):
    """A loss of 1,000 times cross-entropy's is no divergence while it falls."""

    class Large:
        name = "bce"

        def loss(self, model, x, y):
            return 1000 * nn.functional.cross_entropy(model(x), y)

    small = recipe("adamw(lr=0.0001)", epochs=2)
    large = dataclasses.replace(small, objective=Large())
    assert not train(large, tiny, 0, CPU).diverged
    assert train(recipe("lars(lr=1e9)"), tiny, 0, CPU).diverged
