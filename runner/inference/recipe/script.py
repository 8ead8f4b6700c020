"""A recipe as one PyTorch script, which needs only torch, torchvision and timm.

This file and the files beside it write the lines for every field of a recipe. A field without lines
is refused by name, and so is a trick whose code cannot be copied.
"""

from __future__ import annotations

import ast

from runner.inference.recipe import images, network, steps
from runner.inference.recipe.parts import Parts, indented
from runner.inference.recipe.skeleton import APART, DATA, HEAD, LOOP, MAIN, STATISTICS
from runner.inference.recipe.subject import Subject
from tricks.errors import BadInput
from tricks.recipe import FIELDS, Recipe

# The fields with lines in a script. `lr_scale` and `decay` are part of the optimizer, `stream` only
# changes the random numbers.
SAID = {
    "model", "width", "stem", "start", "surgery", "norm", "init", "freeze", "epochs",
    "evaluate_every",
    "batch_size", "optimizer", "lr_scale", "decay", "corrected_decay", "lr_batch", "groups",
    "wrappers", "clip", "parts", "schedule", "warmup", "normalisation", "resolution", "eval_scale",
    "resizing", "repeats", "crop", "margin", "crop_scale", "flip", "flip_share", "alternate_flips",
    "transforms", "inputs", "smoothing", "mixers", "mix_share", "objective", "average", "predict",
    "stream", "precision", "threads", "channels_last", "compiled", "stored_side",
}  # fmt: skip


def script(subject: Subject) -> str:
    """The script. Raises BadInput that names every feature that a script cannot contain."""
    recipe, parts = subject.recipe, Parts()
    default = Recipe()
    for name in FIELDS:
        if name not in SAID and getattr(recipe, name) != getattr(default, name):
            parts.refused[name] = "there are no lines for it in a script"
    if recipe.optimizer is None:
        raise BadInput("this recipe has no optimizer: set one, such as optimizer=sgd")
    network.network(recipe, parts)
    images.drawn(recipe, parts)
    images.mixed(recipe, parts)
    stepping = steps.steps(recipe, parts)
    measured = images.statistics(recipe, subject.stored, parts)
    if stepping.weights_apart:
        parts.lifting.imports.add("import copy")
    if parts.refused:
        said = "; ".join(f"{name} ({why})" for name, why in parts.refused.items())
        raise BadInput(
            f"a stand-alone PyTorch script cannot contain {said}: use --as json or --as toml"
        )
    text = "".join(
        [
            _head(subject, parts),
            "".join(f"\n\n{block}\n" for block in parts.lifting.blocks),
            "\n\n# The recipe.\n",
            *(f"{line}\n" for line in parts.constants),
            _model(parts),
            f"\n\ndef learning_rates(total, batch):\n"
            f'    """The learning rate of each of `total` steps of `batch` images."""\n'
            f"{indented(stepping.rates, 1)}",
            _data(subject, parts),
            _prepare(recipe, parts),
            STATISTICS if stepping.statistics else "",
            APART if stepping.weights_apart else "",
            _loop(recipe, parts, stepping),
            _main(recipe, stepping, measured),
        ]
    )
    ast.parse(text)  # finds a syntax error here rather than when the script runs
    return text


def _head(subject: Subject, parts: Parts) -> str:
    recipe = subject.recipe
    about = "".join(f"    {line}\n" for line in subject.about)
    there = {*HEAD.splitlines(), "from torch import nn", "from torch import Tensor"}
    typed = {"from dataclasses import dataclass", "from typing import Any, ClassVar, Literal"}
    kept = "\n".join(sorted((parts.lifting.imports | typed) - there))
    return HEAD.format(
        title=f"{subject.name} on {subject.task}, as tricks-bench trains it.", about=about,
        imports=kept, epochs=recipe.epochs, batch=recipe.batch_size,
    )  # fmt: skip


def _model(parts: Parts) -> str:
    return (
        "\n\ndef build_model(classes, channels):\n"
        '    """The network before training, for images of so many channels."""\n'
        f"{indented(parts.network, 1)}"
    )


def _data(subject: Subject, parts: Parts) -> str:
    recipe = subject.recipe
    train, test = images.views(recipe, subject.stored)
    scaled = [] if recipe.eval_scale == 1 else [f"side = round(side * {recipe.eval_scale!r})"]
    small = []
    if recipe.stored_side:
        side = recipe.stored_side
        small = [
            f"if min(image.shape[-2:]) > {side}:",
            f"    image = v2.functional.resize(image, [{side}], antialias=True)",
        ]
    return DATA.format(
        train=train, test=test, scaled=indented(scaled, 1), small=indented(small, 1),
        inputs=indented(parts.inputs, 1),
        layout=".contiguous(memory_format=torch.channels_last)" if recipe.channels_last else "",
    )  # fmt: skip


def _prepare(recipe: Recipe, parts: Parts) -> str:
    body = [
        *parts.drawn,
        "x = as_input(images.to(device), mean, std)",
        "y = F.one_hot(labels.to(device), classes).float()",
        *parts.mixed,
        "return x, y",
    ]
    return (
        "\n\ndef prepare(images, labels, places, epoch, progress, classes, mean, std, device):\n"
        '    """What the network sees in training: images (B, C, H, W), targets (B, K)."""\n'
        f"{indented(body, 1)}"
    )


def _loop(recipe: Recipe, parts: Parts, stepping: steps.Steps) -> str:
    calls = ["calls = itertools.count()"] if recipe.wrappers else []
    shown = [
        "shown = (",
        "    prepare(*batch_, epoch, place / total, classes, mean, std, device)[0]",
        "    for batch_ in batches(epoch)",
        ")",
    ]
    return LOOP.format(
        before=indented(parts.before, 1), rates=indented([*parts.rates, *calls], 3),
        gradient=indented(stepping.gradient, 4), step=indented(stepping.step, 3),
        after=indented(parts.after, 3),
        shown=indented(shown if stepping.statistics else [], 2),
        evaluated=indented(stepping.evaluated, 2),
    )  # fmt: skip


def _main(recipe: Recipe, stepping: steps.Steps, measured: list[str]) -> str:
    precision = []
    if recipe.precision == "tf32":
        precision.append('torch.backends.fp32_precision = "tf32"')
    half = {"bf16": "bfloat16", "fp16": "float16"}.get(recipe.precision)
    logits = [f"logits = {stepping.predict}.float()"]
    if half:
        logits = [f"with torch.autocast(device.type, dtype=torch.{half}):", f"    {logits[0]}"]
    side = (
        str(recipe.resolution) if recipe.resolution else "opened(train[0][0], channels).shape[-1]"
    )
    channels = "1 if grey(train[0][0]) else 3" if not recipe.resolution else "3"
    repeats = f".repeat_interleave({recipe.repeats})" if recipe.repeats > 1 else ""
    return MAIN.format(
        logits=indented(logits, 3), measured=indented(measured, 1), side=side, channels=channels,
        repeats=repeats, threads=recipe.threads, precision=indented(precision, 1),
        every=recipe.evaluate_every,
    )  # fmt: skip
