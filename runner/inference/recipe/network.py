"""The network of a recipe, as lines of a script."""

from __future__ import annotations

from typing import Any

from runner.inference.recipe.parts import Parts
from tricks.recipe import OWN_MODELS, Recipe


def network(recipe: Recipe, parts: Parts) -> None:
    """Lines that build `model`: the network, surgery, and edits of initial weights."""
    start: Any = recipe.start
    if not isinstance(start, str):
        parts.refused[str(start)] = "give the script a file of weights with --weights"
        return
    lines = parts.network
    if recipe.model in OWN_MODELS:
        file, name = {
            "small-image-resnet50": ("runner.training.model", "SmallImageResNet50"),
            "conv-net-5": ("runner.training.conv_net", "ConvNet5"),
        }[recipe.model]
        stem = f", stem={recipe.stem}" if recipe.stem != 1 else ""
        lines.append(f"model = {parts.lifting.function(file, name)}"
                     f"(classes, channels, {recipe.width!r}{stem})")  # fmt: skip
    else:
        from runner.training.model import fixed_size

        size = "".join(f", {key}={value}" for key, value in fixed_size(recipe).items())
        parts.lifting.imports.update(("import functools", "import timm"))
        plain = parts.lifting.function("runner.training.model", "_without_zero_gamma")
        lines += [
            "create = functools.partial(",
            f"    timm.create_model, {recipe.model!r}, num_classes=classes, in_chans=channels,",
            f"    pretrained={start == 'pretrained'}{size},",
            ")",
            f"model = {plain}(create)",
        ]
    for item in recipe.surgery:
        held = parts.hold(item)
        lines.append(f"{held}.operate(model)")
        if hasattr(item, "hold"):
            parts.rates.append(f"{held}.hold(model, place / total)")
    if recipe.norm is not None:
        lines.append(f"{parts.hold(recipe.norm)}.surgery(model)")
    lines += [f"{parts.hold(item)}.edit(model)" for item in recipe.init]
    if recipe.channels_last:
        lines.append("model = model.to(memory_format=torch.channels_last)")
    lines.append("return model")
