"""MixUp, CutMix and label smoothing against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tricks import BadInput, parse
from tricks.mix.cutmix import CutMix, clipped_box, cutmix
from tricks.mix.mixup import MixUp, draw, mixup
from tricks.target.label_smoothing import LabelSmoothing, smooth


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def one_hot(*labels, classes=3):
    return torch.nn.functional.one_hot(torch.tensor(labels), classes).float()


def test_mixup_by_hand():
    images = torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    mixed, targets = mixup(images, one_hot(0, 1, 2), 0.75, torch.tensor([1, 2, 0]))
    assert mixed[:, 0, 0, 0].tolist() == pytest.approx([3.25, 32.5, 75.25])
    assert targets.tolist() == [[0.75, 0.25, 0], [0, 0.75, 0.25], [0.25, 0, 0.75]]


def test_cutmix_by_hand():
    images = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)])
    mixed, targets = cutmix(images, one_hot(0, 1), (0, 2, 1, 4), torch.tensor([1, 0]))
    assert mixed[0, 0].tolist() == [[0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert mixed[1, 0].tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]]
    # Six of sixteen pixels.
    assert targets.tolist() == [[0.625, 0.375, 0], [0.375, 0.625, 0]]
    assert images[0].sum() == 0  # the given images are left alone


def test_the_box_by_hand():
    # sqrt(1 - 0.75) is a half: a box of 4 x 6 in an image of 8 x 12.
    assert clipped_box(8, 12, 0.75, 4, 6) == (2, 6, 3, 9)
    assert clipped_box(8, 12, 0.75, 0, 0) == (0, 2, 0, 3)
    assert clipped_box(8, 12, 0.75, 7, 11) == (5, 8, 8, 12)
    assert clipped_box(8, 8, 1.0, 4, 4) == (4, 4, 4, 4)
    assert clipped_box(8, 8, 0.0, 4, 4) == (0, 8, 0, 8)


@given(
    lam=st.floats(0, 1), row=st.integers(0, 7), column=st.integers(0, 9), seed=st.integers(0, 99)
)
def test_targets_follow_the_pixels_that_were_really_pasted(lam, row, column, seed):
    box = clipped_box(8, 10, lam, row, column)
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 2, 8, 10)
    permutation = torch.randperm(4, generator=generator(seed))
    mixed, targets = cutmix(images, torch.eye(4), box, permutation)
    for i in range(4):
        share = (mixed[i] == i).float().mean().item()
        assert targets[i, i].item() == pytest.approx(share, abs=1e-6)
        assert targets[i].sum().item() == pytest.approx(1, abs=1e-6)


def test_shares_are_drawn_from_beta():
    for alpha in (0.2, 1.0, 2.0):
        source = generator(1)
        shares = np.array([draw(alpha, 2, source)[0] for _ in range(3000)])
        assert shares.min() >= 0
        assert shares.max() <= 1
        assert shares.mean() == pytest.approx(0.5, abs=0.04)
        assert shares.var() == pytest.approx(0.25 / (2 * alpha + 1), rel=0.1)


@pytest.mark.parametrize("trick", [MixUp(), CutMix()])
def test_draws_come_from_the_generator_alone(trick):
    images, targets = torch.rand(8, 3, 16, 16), torch.eye(8)
    torch.manual_seed(1)
    np.random.seed(1)
    first = trick.mix(images, targets, generator(5))
    before = torch.get_rng_state()
    np.random.seed(2)
    torch.manual_seed(2)
    again = trick.mix(images, targets, generator(5))
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = trick.mix(images, targets, generator(6))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("trick", [MixUp(), MixUp(alpha=0.01), CutMix(), CutMix(alpha=0.01)])
def test_shapes_types_and_masses_are_kept(trick):
    images, targets = torch.rand(5, 1, 8, 8), one_hot(0, 1, 2, 1, 0)
    for seed in range(20):
        mixed, soft = trick.mix(images, targets, generator(seed))
        assert (mixed.shape, mixed.dtype) == (images.shape, images.dtype)
        assert torch.isfinite(mixed).all()
        assert soft.sum(1).tolist() == pytest.approx([1] * 5)
        # Means of the batch survive: everyone is once a partner.
        assert soft.mean(0).tolist() == pytest.approx(targets.mean(0).tolist())


def test_smoothing_over_all_classes_by_hand():
    assert smooth(one_hot(1, classes=4), 0.2).tolist() == [pytest.approx([0.05, 0.85, 0.05, 0.05])]
    assert smooth(one_hot(0, classes=10), 0.1)[0, 0].item() == pytest.approx(0.91)
    assert LabelSmoothing().edits().sets == {"smoothing": 0.1}


@given(epsilon=st.floats(0.01, 0.9), lam=st.floats(0, 1))
def test_smoothing_and_mixing_commute(epsilon, lam):
    images, targets = torch.rand(3, 1, 2, 2), one_hot(0, 1, 2)
    permutation = torch.tensor([2, 0, 1])
    one = mixup(images, smooth(targets, epsilon), lam, permutation)[1]
    other = smooth(mixup(images, targets, lam, permutation)[1], epsilon)
    torch.testing.assert_close(one, other)


def test_the_loop_smooths_as_the_trick_says():
    from runner.training.augmentation import targets

    labels = torch.tensor([2, 0])
    torch.testing.assert_close(targets(labels, 3, 0.1), smooth(one_hot(2, 0), 0.1))


@pytest.mark.parametrize(
    "text",
    [
        "mixup(alpha=0)", "mixup(alpha=-1)", "mixup(alpha='much')", "cutmix(alpha=0)",
        "label-smoothing(epsilon=1)", "label-smoothing(epsilon=0)", "label-smoothing(epsilon=-0.1)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.split("(")[0]):
        parse(text)
