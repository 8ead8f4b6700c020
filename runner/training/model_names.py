"""Names of timm's models: the closest names to an unknown name, by architecture family."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import timm

from tricks.errors import BadInput

SHOWN = 5
# torchvision's short sizes, which timm spells out.
SIZES = {"t": "tiny", "s": "small", "m": "medium", "b": "base", "l": "large", "h": "huge"}


def unknown_model(name: str, own: Iterable[str] = (), kind: str = "model") -> BadInput:
    """The error for a `name` that neither timm nor `own` has."""
    close = closest(name, [*timm.list_models(), *own])
    return BadInput(f"unknown {kind} {name!r}: the closest names are {', '.join(close)}")


def check_weights(name: str) -> None:
    """Raises BadInput if timm has no pretrained weights for its model `name`, or not these weights.

    A name may select weights: resnet50.tv_in1k are torchvision's.
    """
    model, _, tag = name.partition(".")
    known = [full.partition(".")[2] for full in timm.list_pretrained(f"{model}.*")]
    if not any(known):
        raise BadInput(f"{model} has no pretrained weights: --set start=scratch")
    if tag and tag not in known:
        raise BadInput(f"unknown weights {tag!r} of {model}: timm has {', '.join(known)}")


def closest(name: str, known: Iterable[str]) -> list[str]:
    """The names in `known` that are closest to `name`, the best first.

    >>> names = ["swin_s3_tiny_224", "swin_tiny_patch4_window7_224", "resnet50", "twins_svt_small"]
    >>> closest("swin_t", names)[:2]
    ['swin_tiny_patch4_window7_224', 'swin_s3_tiny_224']
    """
    asked = _parts(name)

    def likeness(other: str) -> tuple[float, int]:
        parts = _parts(other)
        family = parts[:1] == asked[:1] or _letters(other) == _letters(name)
        leading = parts[: len(asked)] == asked
        shared = sum(part in parts for part in asked) / max(1, len(asked))
        digits = _digits(other) == _digits(name) != ""
        spelling = difflib.SequenceMatcher(None, name.lower(), other).ratio()
        return 2 * family + leading + shared + digits + 2 * spelling, -len(other)

    return sorted(known, key=likeness, reverse=True)[:SHOWN]


def _parts(name: str) -> list[str]:
    """`swin_t` -> ["swin", "tiny"]; `vit_b_16` -> ["vit", "base", "16"]."""
    return [SIZES.get(part, part) for part in re.findall(r"[a-z]+|\d+", name.lower())]


def _letters(name: str) -> str:
    """The letters before the first digit: `regnet_y_1_6gf` -> "regnety"."""
    return re.sub(r"[^a-z]", "", re.split(r"\d", name.lower())[0])


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name).lstrip("0")
