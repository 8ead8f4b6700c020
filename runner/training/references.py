"""Simple references on a task's split: nearest neighbour, logistic regression, majority class.

They get images cropped as for evaluation: their pixels, in squares of at most 32 pixels per side,
or the pooled features of the pretrained network if the baseline starts from one.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from runner.analysis.baseline.reference import Reference
from runner.images.sources import Source, Splits
from runner.training.evaluation import as_input, seen
from runner.training.loaders import Loaders
from runner.training.model import build
from tricks.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

MOST_TRAINING, MOST_VALIDATION = 10_000, 2_000  # images; of more, an evenly spread part
SIDE = 32  # pixels
ITERATIONS = 300  # of logistic regression


def references(
    splits: Splits, recipe: Recipe, device: torch.device, loaders: int = 0
) -> tuple[Reference, ...]:
    """The three methods, trained on training images and scored on validation images.

    Raises BadInput if the network's pretrained weights are unavailable.
    """
    train, scored = _some(splits.train, MOST_TRAINING), _some(splits.validation, MOST_VALIDATION)
    whole = len(train) == len(splits.train) and len(scored) == len(splits.validation)
    with Loaders(loaders, replace(splits, train=train, validation=scored)) as held:
        if recipe.start == "pretrained":
            x, of = _features(train, splits, recipe, device, held)
            x_val, _ = _features(scored, splits, recipe, device, held)
        else:
            x, of = _pixels(train, recipe, held)
            x_val, _ = _pixels(scored, recipe, held)
    y, y_val = (np.asarray(part.labels.cpu()) for part in (train, scored))
    majority = np.bincount(y).argmax()
    guesses = {
        "nearest neighbour": _nearest(x, y, x_val),
        "logistic regression": _logistic(x, y, x_val),
        "majority class": np.full_like(y_val, majority),
    }
    return tuple(
        Reference(
            name,
            of if name != "majority class" else "",
            int((guessed == y_val).sum()),
            len(y_val),
            len(y),
            whole,
        )
        for name, guessed in guesses.items()
    )


def _some(source: Source, most: int) -> Source:
    """`source`, or `most` evenly spread images of it, so that classes in blocks keep their shares.

    Always the same images.
    """
    if len(source) <= most:
        return source
    return source.subset([int(i) for i in np.linspace(0, len(source) - 1, most)])


def _pixels(source: Source, recipe: Recipe, loaders: Loaders) -> tuple[np.ndarray, str]:
    """(N, pixels) float32 in [0, 1], and their description."""
    parts: list[Tensor] = []
    for images, _ in seen(source, recipe, torch.device("cpu"), loaders):
        x = images.float() / 255
        if max(x.shape[-2:]) > SIDE:
            x = F.interpolate(x, (SIDE, SIDE), mode="area")
        parts.append(x)
    side = parts[0].shape[-1]
    return torch.cat([x.flatten(1) for x in parts]).numpy(), f"pixels ({side}×{side})"


@torch.no_grad()
def _features(
    source: Source, splits: Splits, recipe: Recipe, device: torch.device, loaders: Loaders
) -> tuple[np.ndarray, str]:
    """(N, features) float32 of the pretrained network before its head, and their description."""
    model = build(recipe, splits.classes, splits.channels).to(device).eval()
    parts: list[Tensor] = []
    for images, _ in seen(source, recipe, device, loaders):
        maps = model.forward_features(as_input(images, splits, recipe))  # type: ignore[operator]
        pooled = model.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        parts.append(pooled.float().flatten(1).cpu())
    return torch.cat(parts).numpy(), f"features of {recipe.model}"


def _nearest(x: np.ndarray, y: np.ndarray, x_val: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import KNeighborsClassifier

    found = KNeighborsClassifier(1, algorithm="brute").fit(x, y).predict(x_val)
    return np.asarray(found)


def _logistic(x: np.ndarray, y: np.ndarray, x_val: np.ndarray) -> np.ndarray:
    """Logistic regression on centred values with unit mean variance, as scales differ."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = x.mean(0), float(x.std(0).mean()) or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that more iterations are possible
        fitted = LogisticRegression(max_iter=ITERATIONS).fit((x - mean) / scale, y)
    return np.asarray(fitted.predict((x_val - mean) / scale))
