"""The network: built, loaded and edited, in the only order in which edits are meaningful."""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import timm
import torch
from timm.models.resnet import Bottleneck, make_blocks
from torch import Tensor, nn

from runner.training import initial_weights
from runner.training.conv_net import ConvNet5
from runner.training.hub import quick_answer
from runner.training.model_names import check_weights, unknown_model
from tricks.errors import BadInput
from tricks.recipe import OWN_MODELS, Recipe
from tricks.start.own_weights import OwnWeights


class SmallImageResNet50(nn.Module):
    """ResNet-50 for small images: a small stem, all widths scaled.

    The stem is a 3×3 convolution without pooling, with stride 1 (He et al. 2016, on CIFAR) or, to
    save time, 2; or the usual 7×7 convolution of stride 2 with a pool of stride 2. Attributes have
    the names of timm's ResNet, so surgery works on both. timm's own `channels=` would leave the
    stem at 64 channels.
    """

    def __init__(
        self,
        classes: int,
        channels: int,
        width: float,
        blocks: tuple[int, int, int, int] = (3, 4, 6, 3),
        stem: int = 1,
    ) -> None:
        """`channels` of the input images; `width` multiplies every channel count.

        blocks: residual blocks of each stage; tests use fewer. stem: 1, 2 or 4, the factor by which
        the stem divides the side of the images.
        """
        super().__init__()
        planes = tuple(max(1, round(width * p)) for p in (64, 128, 256, 512))
        side, stride = (7, 2) if stem == 4 else (3, stem)
        self.conv1 = nn.Conv2d(channels, planes[0], side, stride, padding=side // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.act1 = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1) if stem == 4 else nn.Identity()
        stages, _ = make_blocks(
            (Bottleneck,) * 4, planes, blocks, inplanes=planes[0],
            norm_layer=nn.BatchNorm2d, act_layer=nn.ReLU,
        )  # fmt: skip
        self.layer1, self.layer2, self.layer3, self.layer4 = (stage for _, stage in stages)
        self.fc = nn.Linear(planes[3] * Bottleneck.expansion, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward_features(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) -> feature maps (B, C', H', W')."""
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def get_classifier(self) -> nn.Module:
        """The last layer, by timm's name for it."""
        return self.fc

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) -> logits (B, K)."""
        return self.fc(self.forward_features(x).mean((2, 3)))


def build(
    recipe: Recipe, classes: int, channels: int, say: Callable[[str], None] = lambda line: None
) -> nn.Module:
    """The network of `recipe` before training, with initial weights from torch's global RNG.

    say: receives a line about a loaded file of initial weights. Raises BadInput for an unknown
    model, and for weights that do not exist, are unavailable, or fit no tensor.
    """
    model = _network(recipe, classes, channels)
    found = None
    if isinstance(recipe.start, OwnWeights):
        found = initial_weights.fit(recipe.start, model)
        initial_weights.load(model, found)
    for change in recipe.surgery:
        change.operate(model)  # type: ignore[attr-defined]
    if recipe.norm is not None:
        recipe.norm.surgery(model)  # type: ignore[attr-defined]
    if isinstance(recipe.start, OwnWeights) and found is not None:
        if recipe.surgery or recipe.norm is not None:  # the file may be of a network after surgery
            after = initial_weights.fit(recipe.start, model)
            if len(after.kept) > len(found.kept):
                found = after
                initial_weights.load(model, found)
        initial_weights.refuse(found, recipe.model)
        say(found.line())
    for item in recipe.init:
        item.edit(model)  # type: ignore[attr-defined]
    return model.to(memory_format=torch.channels_last) if recipe.channels_last else model


def _network(recipe: Recipe, classes: int, channels: int) -> nn.Module:
    pretrained = recipe.start == "pretrained"
    if recipe.model in OWN_MODELS:
        if pretrained:
            raise BadInput(f"{recipe.model} has no pretrained weights: --set start=scratch")
        if recipe.model == "conv-net-5":
            return ConvNet5(classes, channels, recipe.width)
        return SmallImageResNet50(classes, channels, recipe.width, stem=recipe.stem)
    if not timm.is_model(recipe.model):
        raise unknown_model(recipe.model, OWN_MODELS)
    if pretrained:
        check_weights(recipe.model)
    size: Any = fixed_size(recipe)
    create = functools.partial(
        timm.create_model, recipe.model, num_classes=classes, in_chans=channels,
        pretrained=pretrained, **size,
    )  # fmt: skip
    # Offline, the hub's client reports each retry: one line at the end is enough.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), quick_answer(recipe.model) if pretrained else nullcontext():
            warnings.simplefilter("ignore")
            return _without_zero_gamma(create)
    except Exception as error:
        if not pretrained:
            raise
        raise BadInput(
            f"the pretrained weights of {recipe.model} cannot be had here "
            f"({type(error).__name__}): connect once to fetch them, continue with --set "
            "start=scratch, or give a file of weights with --set start=FILE"
        ) from error


def fixed_size(recipe: Recipe) -> dict[str, int]:
    """The side of the images, for a model with a fixed size that would otherwise expect another."""
    known: Any = timm.get_pretrained_cfg(recipe.model, allow_unregistered=True)
    fixed = known is not None and known.fixed_input_size
    if not fixed or recipe.resolution in (0, known.input_size[-1]):
        return {}
    return {"img_size": recipe.resolution}


def _without_zero_gamma(create: Callable[..., nn.Module]) -> nn.Module:
    # timm's ResNets start with zero-gamma: here it is a trick, so the baseline has none.
    try:
        return create(zero_init_last=False)
    except TypeError as error:
        if "zero_init_last" not in str(error):
            raise
        return create()
