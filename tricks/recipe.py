"""Recipe: everything that decides one training except the data and the seed.

A recipe holds only primitives, tuples and tricks (frozen dataclasses with a registered name), so
it can be printed, compared, hashed and sent to another process. Nothing here imports torch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tricks.errors import BadInput

if TYPE_CHECKING:
    from tricks.trick import Trick

# Fields to which several tricks may add; every other field is set once.
STACKS = ("surgery", "init", "wrappers", "transforms", "inputs", "mixers")

OWN_MODELS = ("small-image-resnet50", "conv-net-5")  # all others are timm's

CHOICES = {
    "start": ("scratch", "pretrained"),
    "crop": ("none", "pad", "random", "random-resized", "squeeze"),
    "precision": ("fp32", "tf32", "bf16", "fp16"),
}


LARGEST_SIDE = 16_384  # pixels: largest side of a network's input
LARGEST = {"width": 64, "threads": 1_024, "stored_side": LARGEST_SIDE}


@dataclass(frozen=True)
class Recipe:
    """One training; fields are in the order in which they act.

    A field at its default is left out of a run's id, so a new field never makes old records
    invalid. For the same reason a default may only change together with `SCHEMA`.
    """

    model: str = "small-image-resnet50"  # one of OWN_MODELS, or any timm name
    width: float = 1.0  # multiplies all channel counts of OWN_MODELS
    stem: int = 1  # downsampling of small-image-resnet50's stem: 1, 2 or 4
    start: str | Trick = "scratch"  # scratch | pretrained (timm's weights) | own-weights(file)
    surgery: tuple[Trick, ...] = ()  # stack: edits of the architecture, before `norm`
    norm: Trick | None = None  # replaces batch norm (and its activation)
    init: tuple[Trick, ...] = ()  # stack: edits of the initial weights
    freeze: Trick | None = None  # the weights that are frozen, and for how long

    epochs: int = 10  # passes over the training images
    evaluate_every: int = 1  # epochs between evaluations on validation; always after the last
    batch_size: int = 64  # images per step
    optimizer: Trick | None = None  # kind with its own lr, decay, momentum
    lr_scale: float = 1.0  # dimensionless, multiplies the optimizer's lr
    decay: float = -1.0  # weight decay instead of the optimizer's default; -1: the default
    corrected_decay: bool = False  # whether weight decay is multiplied by lr / max(lr)
    lr_batch: int = 0  # batch size for which the lr was chosen; another size scales the lr; 0: any
    groups: Trick | None = None  # parameter groups with different settings
    wrappers: tuple[Trick, ...] = ()  # stack: wrappers around the optimizer's step
    clip: Trick | None = None  # clipping of the gradient before the step
    parts: int = 1  # passes in which a batch's gradient is accumulated
    schedule: Trick | None = None  # lr factor over the whole training
    warmup: Trick | None = None  # lr ramp at the start

    normalisation: Trick | None = None  # of pixels; None: by the task's mean and deviation
    stored_side: int = 0  # pixels: images in files are shrunk to this shorter side; 0: not shrunk
    resolution: int = 0  # pixels a side for training and evaluation; 0: as stored
    eval_scale: float = 1.0  # pixels a side for evaluation, as a multiple of training's
    resizing: Trick | None = None  # smaller images for a part of the training
    repeats: int = 1  # copies of an image in a batch, each augmented separately
    crop: str = "none"  # none | pad (zeros, an eighth, then crop) | random | random-resized |
    # squeeze (the whole image, for any aspect ratio)
    margin: float = 0.875  # side of a crop over side of the image: for random and for evaluation
    crop_scale: float = 0.08  # smallest share of the area that random-resized cuts out
    flip: bool = False  # random horizontal flips
    flip_share: float = 0.5  # share of the images that are flipped
    alternate_flips: bool = False  # every second epoch mirrors the images of the epoch before
    transforms: tuple[Trick, ...] = ()  # stack: uint8 images (B, C, H, W) -> the same
    inputs: tuple[Trick, ...] = ()  # stack: the same for all images, also in evaluation
    smoothing: float = 0.0  # probability mass spread over all K classes
    mixers: tuple[Trick, ...] = ()  # stack: one is drawn for each batch
    mix_share: float = 1.0  # share of the epochs, from the first, in which mixers act
    objective: Trick | None = None  # the loss; None: cross-entropy with (B, K) targets
    average: Trick | None = None  # average of the weights over steps, which is evaluated
    predict: Trick | None = None  # how evaluation computes logits from images

    stream: int = 0  # choice of the random streams; 0: the streams of the seed
    precision: str = "fp32"  # fp32 | tf32 | bf16 | fp16 (autocast; fp16 scales the loss)
    threads: int = 1  # CPU threads: they change floating-point sums
    channels_last: bool = False  # memory layout of images and weights
    compiled: Trick | None = None  # compilation of the network for training

    def __post_init__(self) -> None:
        for name in ("epochs", "evaluate_every", "batch_size", "parts", "repeats", "threads"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.stem not in (1, 2, 4):
            raise BadInput(f"stem must be 1, 2 or 4, not {self.stem}")
        for name in ("width", "lr_scale", "eval_scale"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise BadInput(f"{name} must be a number above 0, not {getattr(self, name)}")
        if self.decay != -1 and not (math.isfinite(self.decay) and self.decay >= 0):
            raise BadInput(f"decay must be at least 0, or -1 for none set, not {self.decay}")
        if not 0 <= self.smoothing < 1:
            raise BadInput(f"smoothing must be at least 0 and below 1, not {self.smoothing}")
        for name in ("mix_share", "crop_scale", "margin", "flip_share"):
            if not 0 < getattr(self, name) <= 1:
                raise BadInput(f"{name} must be above 0 and at most 1, not {getattr(self, name)}")
        for name in ("stored_side", "resolution", "lr_batch", "stream"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} must be at least 0, not {getattr(self, name)}")
        for name, largest in LARGEST.items():
            if getattr(self, name) > largest:
                raise BadInput(f"{name} must be at most {largest:,}, not {getattr(self, name):g}")
        side = max(self.resolution, 1) * max(self.eval_scale, 1) / self.margin
        if side > LARGEST_SIDE:
            raise BadInput(
                f"resolution={self.resolution}, eval_scale={self.eval_scale:g} and "
                f"margin={self.margin:g} make images of {side:,.0f} pixels a side: at most "
                f"{LARGEST_SIDE:,}"
            )
        for name, allowed in CHOICES.items():
            if isinstance(getattr(self, name), str) and getattr(self, name) not in allowed:
                raise BadInput(
                    f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}"
                )


FIELDS = tuple(f.name for f in dataclasses.fields(Recipe))


def resolve(recipe: Recipe, learning_rates: Mapping[str, float]) -> Recipe:
    """Fill in values that depend on several fields, once, after all edits.

    An optimizer without an lr takes the task's tuned one, or the usual share of the tuned one of
    its relative (`lr_like`); `lr_scale` is multiplied into it, so that half of 0.05 and 0.025 are
    the same run; `decay` becomes the optimizer's; `width` means nothing to timm's models,
    `stem` nothing but to small-image-resnet50.
    `lr_batch` stays: how many images a step has is known when the images are. An objective and a
    start may fill in what they find outside (`resolved`), such as a file's digest.
    `learning_rates` maps an optimizer's name to the lr tuned for the task.
    Raises BadInput where an optimizer has no lr and the task knows none for it.
    """
    if recipe.optimizer is not None:
        optimizer: Any = recipe.optimizer
        lr = optimizer.lr
        if lr is None:
            lr = _learning_rate(optimizer, learning_rates)
        optimizer = dataclasses.replace(optimizer, lr=lr * recipe.lr_scale)
        if recipe.decay >= 0:
            optimizer = _decaying(optimizer, recipe.decay)
        recipe = dataclasses.replace(recipe, optimizer=optimizer, lr_scale=1.0, decay=-1.0)
    named: dict[str, Any] = {"objective": recipe.objective, "start": recipe.start}
    found = {k: item.resolved() for k, item in named.items() if hasattr(item, "resolved")}
    if found:
        recipe = dataclasses.replace(recipe, **found)
    if recipe.model not in OWN_MODELS:
        recipe = dataclasses.replace(recipe, width=1.0)
    if recipe.model != "small-image-resnet50":
        recipe = dataclasses.replace(recipe, stem=1)
    return recipe


def _learning_rate(optimizer: Any, tuned: Mapping[str, float]) -> float:
    """The task's rate for `optimizer`: its own, or a usual share of a relative's (`lr_like`)."""
    if optimizer.name in tuned:
        return tuned[optimizer.name]
    relative, share = getattr(optimizer, "lr_like", None) or ("", 0.0)
    if relative in tuned:
        return tuned[relative] * share
    raise BadInput(
        f"this task has no tuned learning rate for {optimizer.name}: write {optimizer.name}(lr=...)"
    )


def decay_of(recipe: Recipe) -> float:
    """The effective weight decay: the recipe's, or the optimizer's; 0 without any."""
    own: float = getattr(recipe.optimizer, "decay", 0.0)
    return recipe.decay if recipe.decay >= 0 else own


def _decaying(optimizer: Any, decay: float) -> Any:
    """`optimizer` with another weight decay. Raises BadInput if it has no weight decay."""
    if not hasattr(optimizer, "decay"):
        raise BadInput(f"{optimizer.name} has no weight decay that could be set")
    return dataclasses.replace(optimizer, decay=decay)


def differences(recipe: Recipe, baseline: Recipe) -> dict[str, tuple[Any, Any]]:
    """Fields in which `recipe` differs from `baseline`: name -> (baseline's value, its value)."""
    pairs = {name: (getattr(baseline, name), getattr(recipe, name)) for name in FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def to_json(recipe: Recipe) -> dict[str, Any]:
    """All fields as JSON values; a trick becomes {"name", "version", **parameters}."""
    return {name: _json(getattr(recipe, name)) for name in FIELDS}


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if dataclasses.is_dataclass(value):
        trick: Any = value
        parameters = {f.name: _json(getattr(trick, f.name)) for f in dataclasses.fields(trick)}
        return {"name": trick.name, "version": trick.version, **parameters}
    return value


def identity(recipe: Recipe) -> dict[str, Any]:
    """The part of a resolved recipe in a run's id: fields and parameters not at their default.

    So a new field or parameter keeps old records valid if its default has the old meaning. A
    changed meaning needs a new version of the trick.
    """
    found = {name: _identity(new) for name, (_, new) in differences(recipe, Recipe()).items()}
    if recipe.batch_size % recipe.parts:
        found["split"] = "even"  # earlier versions had a smaller last part, or fewer parts
    return found


def _identity(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_identity(item) for item in value]
    if dataclasses.is_dataclass(value):
        trick: Any = value
        fields = [(f.name, f.default, getattr(trick, f.name)) for f in dataclasses.fields(trick)]
        aside = {name for name, default, new in fields if new == default} | set(trick.aside)
        changed = {name: _identity(new) for name, _, new in fields if name not in aside}
        return {"name": trick.name, "version": trick.version, **changed}
    return value
