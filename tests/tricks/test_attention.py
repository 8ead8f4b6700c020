"""Counterfactual attention against NumPy and pictures whose parts are known."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from runner.training.model import SmallImageResNet50
from tests.bag import train_two_steps
from tricks import BadInput, parse
from tricks.target.attention import bilinear_pooling, blanked, boxes, bright, cropped, drawn
from tricks.target.attention_head import attention_head, attention_maps, head_class

TRICK = parse("counterfactual-attention(maps=3, finer=2)")


def network(text="counterfactual-attention(maps=3, finer=2)", classes=4):
    torch.manual_seed(0)
    model = SmallImageResNet50(classes, 1, 0.0625, blocks=(1, 1, 1, 1))
    parse(text).operate(model)
    return model


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def pooled_by_hand(features, maps):
    """A loop over images, maps and channels."""
    rows = []
    for image, own in zip(features, maps, strict=True):
        means = [(m * c).mean() for m in own for c in image]
        rooted = np.array([np.sign(x) * np.sqrt(abs(x) + 1e-6) for x in means])
        rows.append(rooted / np.sqrt((rooted**2).sum()))
    return np.array(rows)


def test_bilinear_pooling_by_a_loop():
    features, maps = draws(2, 5, 3, 4), np.abs(draws(2, 3, 3, 4, seed=1))
    found = bilinear_pooling(torch.tensor(features), torch.tensor(maps)).numpy()
    np.testing.assert_allclose(found, pooled_by_hand(features, maps), rtol=1e-6)


def test_logits_and_the_counterfactual_effect():
    """The effect is the logits less those of maps drawn evenly from 0 to 2."""
    head = attention_head(network())
    features = draws(2, head.conv.in_channels, 4, 4).astype(np.float32)
    torch.manual_seed(7)
    logits, effect, _, maps = head(torch.tensor(features), parts=True)
    torch.manual_seed(7)
    anywhere = 2 * torch.rand_like(maps).numpy()
    weight = head.fc.weight.detach().numpy()

    def by_hand(maps):
        return 100 * pooled_by_hand(features, maps) @ weight.T

    expected = by_hand(maps.detach().numpy())
    np.testing.assert_allclose(logits.detach().numpy(), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        effect.detach().numpy(), expected - by_hand(anywhere), rtol=1e-3, atol=1e-4
    )


def test_the_box_of_a_known_map():
    """Of 8×8 cells of 4 pixels, rows 2-3 and columns 5-6 are bright: pixels 8-15 and 20-27."""
    maps = torch.zeros(2, 8, 8)
    maps[0, 2:4, 5:7] = 1.0
    mask = bright(maps, torch.tensor([0.6, 0.6]), (32, 32))
    # Between cells the enlarged map falls evenly: above 0.6 ends half a pixel outside.
    assert boxes(mask, 0.0).tolist() == [[8, 20, 16, 28], [0, 0, 32, 32]]
    assert boxes(mask, 0.1).tolist() == [[5, 17, 19, 31], [0, 0, 32, 32]]
    assert boxes(mask, 0.2)[0].tolist() == [2, 14, 22, 32]
    assert not mask[1].any()


def test_a_lower_share_of_the_maximum_is_a_larger_part():
    ramp = torch.arange(1.0, 11.0).view(1, 1, 10).expand(1, 10, 10)
    for share, columns in ((0.45, 6), (0.25, 8), (1.0, 1)):
        mask = bright(ramp, torch.tensor([share]), (10, 10))
        assert mask.sum() == 10 * columns
        assert boxes(mask, 0.0)[0].tolist() == [0, 10 - columns, 10, 10]


def test_a_crop_is_that_part_of_the_image_enlarged():
    rows = torch.arange(16.0).view(1, 1, 16, 1).expand(2, 1, 16, 16)
    images = rows + 100 * rows.transpose(2, 3)
    box = torch.tensor([[0, 0, 16, 16], [4, 8, 12, 16]])
    found = cropped(images, box)
    np.testing.assert_allclose(found[0], images[0], atol=1e-3)
    # Pixel i of 16 stands over 4 + (i + 1/2) / 2 - 1/2 of the rows, and so on.
    place = (np.arange(16) + 0.5) / 2 - 0.5
    expected = (4 + place)[:, None] + 100 * (8 + place)[None, :]
    # At the right edge of the image the last column is repeated.
    np.testing.assert_allclose(found[1, 0, :, :-1], expected[:, :-1], atol=1e-2)


def test_a_blank_is_zero_and_nothing_else_changes():
    images = torch.randn(2, 3, 8, 8)
    mask = torch.zeros(2, 8, 8, dtype=torch.bool)
    mask[0, :4] = True
    found = blanked(images, mask)
    assert not found[0, :, :4].any()
    assert torch.equal(found[0, :, 4:], images[0, :, 4:])
    assert torch.equal(found[1], images[1])


def test_views_take_their_shares_from_the_ranges():
    """On a ramp, the part blanked is 1 - share: its mean over (0.2, 0.5) is 0.65."""
    ramp = (torch.arange(64) + 0.5).view(1, 1, 1, 64).expand(400, 2, 64, 64) / 64
    torch.manual_seed(0)
    found = TRICK.views(torch.ones(400, 1, 64, 64), ramp)
    crops, blanks = found.chunk(2)
    shares = 1 - blanks.mean((1, 2, 3))
    assert 0.48 < shares.min() < 0.55
    assert 0.75 < shares.max() < 0.82
    assert shares.mean().item() == pytest.approx(0.65, abs=0.02)
    assert torch.allclose(crops, torch.ones(()))


def test_maps_are_drawn_by_the_root_of_their_sum():
    maps = torch.tensor([9.0, 4.0, 0.0, 1.0]).view(1, 4, 1, 1).expand(6000, 4, 2, 2)
    torch.manual_seed(0)
    chosen = drawn(maps, 2)[:, :, 0, 0]
    for value, share in ((9, 3 / 6), (4, 2 / 6), (1, 1 / 6)):
        for place in (0, 1):
            found = (chosen[:, place] == value).float().mean().item()
            assert found == pytest.approx(share, abs=0.03)


def test_centres_follow_their_classes():
    head = attention_head(network())
    size = head.centres.shape[1]
    pooled = np.zeros((3, size), np.float32)
    pooled[0, 0] = pooled[1, 1] = pooled[2, 2] = 1
    y = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0.75, 0.25, 0]], np.float32)
    # Centres are at 0 first: every image is at a distance of 1.
    assert head.spread(torch.tensor(pooled), torch.tensor(y), 0.5).item() == pytest.approx(1)
    expected = np.zeros((4, size))
    expected[0, :2] = 0.5 * 0.5  # half of the way to the mean of its two images
    expected[1, 2], expected[2, 2] = 0.5 * 0.75, 0.5 * 0.25
    np.testing.assert_allclose(head.centres, expected, atol=1e-6)
    # Centres of length 1 now: (1, 1) / √2 for the first, (0, 0, 1) for the next two.
    distances = [2 - 2 / np.sqrt(2)] * 2 + [0]
    loss = head.spread(torch.tensor(pooled), torch.tensor(y), 0.5)
    assert loss.item() == pytest.approx(np.mean(distances), abs=1e-6)
    expected[0, :2] += 0.5 * (0.5 - 1 / np.sqrt(2))
    np.testing.assert_allclose(head.centres, expected, atol=1e-6)


def test_the_loss_is_the_sum_of_its_parts():
    model = network().eval()  # norms do not change between the two passes
    x, y = torch.randn(4, 1, 32, 32), torch.tensor(np.eye(4, dtype=np.float32) * 0.9 + 0.025)
    head, twin = attention_head(model), copy.deepcopy(model)
    torch.manual_seed(3)
    loss = TRICK.loss(twin, x, y).item()
    torch.manual_seed(3)
    logits, effect, pooled, maps = head(model.forward_features(x), parts=True)
    views = TRICK.views(x, drawn(maps, 2))
    seen, seen_effect, _, _ = head(model.forward_features(views), parts=True)

    def cross_entropy(logits, targets):
        z = logits.detach().double().numpy()
        logs = z - np.log(np.exp(z).sum(1, keepdims=True))
        return -(np.concatenate([targets] * (len(z) // 4)) * logs).sum(1).mean()

    effects = torch.cat([effect, seen_effect])
    expected = cross_entropy(logits, y) / 3 + cross_entropy(effects, y)
    expected += 2 / 3 * cross_entropy(seen, y) + pooled.square().sum(1).mean().item()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_prediction_is_the_mean_of_image_and_crop():
    model, x = network().eval(), torch.randn(3, 1, 32, 32)
    with torch.no_grad():
        found = TRICK.predict(model, x).numpy()
        whole = attention_maps(model, x).mean(1)
        box = boxes(bright(whole, torch.full((3,), 0.1), (32, 32)), 0.05)
        mean = (model(x) + model(cropped(x, box))).numpy() / 2
    np.testing.assert_allclose(
        np.exp(found), np.exp(mean) / np.exp(mean).sum(1, keepdims=True), rtol=1e-4
    )
    assert "predict" not in parse("counterfactual-attention(prediction='raw')").edits().sets


def test_the_head_takes_the_classifiers_place():
    model = network()
    head = attention_head(model)
    assert model.fc is model.get_classifier() is head
    assert attention_maps(model, torch.randn(2, 1, 32, 32)).shape == (2, 3, 16, 16)
    assert attention_maps(network("counterfactual-attention"), torch.randn(2, 1, 32, 32)).shape == (
        2, 32, 4, 4,
    )  # fmt: skip
    assert copy.deepcopy(model)(torch.zeros(1, 1, 16, 16)).shape == (1, 4)
    assert "fc.centres" in model.state_dict()


def test_centres_are_averaged_with_the_weights():
    trained = train_two_steps(TRICK, parse("ema(share=0.5)"))
    centres = attention_head(trained.model).centres
    assert centres.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "fits"),
    [("resnet18", True), ("regnety_002", True), ("swin_tiny_patch4_window7_224", False)],
)
def test_models_of_timm_that_have_maps(name, fits):
    import timm

    model = timm.create_model(name, num_classes=4)
    trick = parse("counterfactual-attention(maps=2)")
    if not fits:
        with pytest.raises(BadInput, match="take a convolutional network"):
            trick.operate(model)
        return
    trick.operate(model)
    loss = trick.loss(model, torch.randn(2, 3, 64, 64), torch.eye(4)[:2])
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_what_cannot_be_is_said_in_one_line():
    with pytest.raises(BadInput, match="images of 8×8 pixels are too small"):
        parse("counterfactual-attention").loss(
            network("counterfactual-attention"), torch.zeros(2, 1, 8, 8), torch.eye(4)[:2]
        )
    with pytest.raises(BadInput, match="no linear classifier"):
        TRICK.operate(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(BadInput, match="not as the objective alone"):
        TRICK.loss(SmallImageResNet50(4, 1, 0.0625), torch.zeros(2, 1, 8, 8), torch.eye(4)[:2])


class Marked(nn.Module):
    """Features are one known map; what it is asked about is kept."""

    def __init__(self):
        super().__init__()
        self.head = head_class()(1, 2, 1)
        self.head.maps = lambda features: features
        # 8×8 cells of 4 pixels: four bright ones, around them a rim of 0.15.
        self.features = torch.zeros(1, 1, 8, 8)
        self.features[:, :, 2:6, 2:6] = 0.15
        self.features[:, :, 3:5, 3:5] = 1.0

    def get_classifier(self):
        return self.head

    def forward_features(self, x):
        return self.features

    def forward(self, x):
        self.seen = x
        return torch.zeros(1, 2)


def test_a_prediction_crops_what_is_above_a_tenth_and_a_twentieth_around():
    """The rim's ramp passes 0.1 between pixels 8 and 9: 9 to 22, and one pixel around."""
    model, x = Marked(), torch.randn(1, 1, 32, 32)
    TRICK.predict(model, x)
    torch.testing.assert_close(model.seen, cropped(x, torch.tensor([[8, 8, 24, 24]])))


def test_a_crop_in_training_has_a_tenth_around():
    """Above 0.6 of the maximum are pixels 8-15 and 20-27; a tenth of 32 pixels is 3."""
    maps, x = torch.zeros(1, 2, 8, 8), torch.randn(1, 1, 32, 32)
    maps[0, 0, 2:4, 5:7] = 1.0
    views = parse("counterfactual-attention(crop=(0.6, 0.6))").views(x, maps)
    torch.testing.assert_close(views[:1], cropped(x, torch.tensor([[5, 17, 19, 31]])))
