"""A quick study: the network and the pixels of its proxy, and what is said of them. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs.field import FieldValue, field_text
from tricks.errors import BadInput
from tricks.recipe import OWN_MODELS, Recipe

if TYPE_CHECKING:
    from runner.records.study_toml import StudyToml
    from runner.studies.study import Study

SUFFIX = "-quick"
HOURS = 0.5
# Small networks with weights, the one that learns most in a CPU-second first.
SMALL = ("tf_efficientnet_lite0", "mobilenetv3_small_100", "mobilenetv3_large_100", "resnet18",
         "efficientnet_b0", "resnet34")  # fmt: skip
PIXELS = 128  # a side, of pretrained networks
SCRATCH_PIXELS = 64
SCRATCH_RATE = 5.0  # the learning rate from scratch by that of fine-tuning, as on digits


def name_of(study: str) -> str:
    """The name of the quick study."""
    return study if study.endswith(SUFFIX) else study + SUFFIX


def weights_at_hand(cache: Path | None = None) -> str | None:
    """The first of SMALL whose weights are in the hub's cache, with their tag; None without any.

    cache: by default where huggingface_hub keeps its files.
    """
    if cache is None:
        home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
        cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    for model in SMALL:
        for folder in sorted(cache.glob(f"models--timm--{model}.*")):
            if any(folder.glob("snapshots/*/*.safetensors")) or any(
                folder.glob("snapshots/*/*.bin")
            ):
                return folder.name.removeprefix("models--timm--")
    return None


def changes(recipe: Recipe, at_hand: str | None, kept: Collection[str]) -> Mapping[str, FieldValue]:
    """The fields in which the proxy of `recipe` differs, but for images and epochs.

    at_hand: a small pretrained model. kept: fields that the user has set or that are varied. Never
    more pixels, and never a wider network of the same kind.
    """
    found: dict[str, FieldValue] = {}
    chosen = "model" in kept or "start" in kept or not isinstance(recipe.start, str)
    if not chosen and recipe.start == "pretrained" and at_hand is not None:
        found["model"] = at_hand
    elif not chosen and recipe.model != "conv-net-5":
        found |= {"model": OWN_MODELS[0], "start": "scratch"}
        own = recipe.width if recipe.model == OWN_MODELS[0] else 1.0
        found["width"] = min(own, 0.125)
        if recipe.start == "pretrained":
            found["lr_scale"] = SCRATCH_RATE * recipe.lr_scale
    scratch = found.get("start", recipe.start) == "scratch"
    side = recipe.resolution
    if "resolution" not in kept:
        side = min(side, SCRATCH_PIXELS if scratch else PIXELS)
    found["resolution"] = side
    if scratch and "model" in found and side >= SCRATCH_PIXELS:
        found["stem"] = 4
    if side and not recipe.stored_side:
        found["stored_side"] = round(side / 0.875)
    return {
        name: value
        for name, value in found.items()
        if name not in kept and value != getattr(recipe, name)
    }


def check_quick(study: Study) -> None:
    """Raises BadInput for a study of which there is no quick one."""
    for given, flag in (
        (study.tuning, "--tune"), (study.looks, "--until"), (study.confirm, "--confirm"),
        (study.equal_time, "--equal"), (study.check, "check"),
    ):  # fmt: skip
        if given:
            raise BadInput(f"--quick does not go with {flag}: choose one")
    from runner.designs.factor import touched

    for factor in study.factors:
        for level in factor.levels:
            both = {"model", "epochs"} & touched(level)
            if both:
                raise BadInput(
                    f"--quick chooses the {both.pop()} itself, which {factor.name}={level.name} "
                    "sets: name other --tricks or --factor"
                )


def difference(name: str, full: str, proxy: str) -> str:
    """One difference in words."""
    return f"{name} {proxy} (in full {full})"


def proxy_note(asked: StudyToml) -> str | None:
    """What a report says at its head; None where the study is no proxy."""
    if not asked.proxy:
        return None
    settings = asked.settings or {}
    parts = [difference(name, full, str(settings.get(name, ""))) for name, full in
             asked.proxy.items()]  # fmt: skip
    return (
        f"These are figures of a proxy, not of the full recipe: {'; '.join(parts)}. A trick may do "
        "more or less in the full recipe; take from here which to try there."
    )


def text_of(recipe: Recipe, name: str) -> str:
    """The field of the full recipe, as the study keeps it."""
    return field_text(getattr(recipe, name))
