"""A quick study: the network and the pixels of its proxy, and texts about them. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs.field import FieldValue
from tricks.errors import BadInput
from tricks.recipe import OWN_MODELS, Recipe

if TYPE_CHECKING:
    from runner.records.study_toml import StudyToml
    from runner.studies.study import Study

SUFFIX = "-quick"
HOURS = 0.5
# Small pretrained networks; the network that learns most per CPU second comes first.
SMALL = ("tf_efficientnet_lite0", "mobilenetv3_small_100", "mobilenetv3_large_100", "resnet18",
         "efficientnet_b0", "resnet34")  # fmt: skip
PIXELS = 128  # image side for pretrained networks
SCRATCH_PIXELS = 64
SCRATCH_RATE = 5.0  # ratio of the learning rates from scratch and for fine-tuning, as on digits


def name_of(study: str) -> str:
    """The name of the quick study."""
    return study if study.endswith(SUFFIX) else study + SUFFIX


def weights_at_hand(cache: Path | None = None) -> str | None:
    """The first network of SMALL with weights in the hub's cache, with their tag; None without any.

    cache: by default the cache folder of huggingface_hub.
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
    """The fields in which the proxy differs from `recipe`, except images and epochs.

    at_hand: a small pretrained model. kept: fields that the user has set or varies. The proxy never
    has more pixels, or a wider network of the same kind.
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
    """Raises BadInput for a study that cannot have a proxy."""
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
    """One difference as text."""
    return f"{name} {proxy} (full recipe: {full})"


def proxy_note(asked: StudyToml) -> str | None:
    """The note at the head of a report; None if the study is no proxy."""
    if not asked.proxy:
        return None
    settings = asked.settings or {}
    parts = [difference(name, full, str(settings.get(name, ""))) for name, full in
             asked.proxy.items()]  # fmt: skip
    return (
        f"These are figures of a proxy, not of the full recipe: {'; '.join(parts)}. A trick may "
        "have a larger or smaller effect in the full recipe; use these results to choose tricks "
        "to try there."
    )
