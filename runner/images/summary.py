"""A summary of the user's own images, as a few lines and as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from runner.images.copies import copies
from runner.images.listed import Listed
from runner.images.shapes import Shapes, shapes
from runner.images.sixteen_bits import BRIGHT, largest_value, line
from runner.images.walk import OTHER, Passed
from runner.records.json_values import JsonValue
from runner.text import counted

FEW = 6  # up to so many classes, all are named


def summary_lines(found: Listed, shares: tuple[float, float]) -> Iterator[str]:
    """Lines about the images to train and test on. shares: held out for validation and test."""
    classes = found.classes
    yield (
        f"{found.place}: {counted(len(found.rows), 'image')} in "
        f"{counted(len(classes), 'class', 'classes')}: {_sizes(classes)}"
    )
    yield f"  {_parts(found, shares)}"
    if (seen := shapes(found)) is not None:
        yield f"  {seen.line()}"
        largest = _largest(found, seen)
        if largest is not None and largest < BRIGHT:
            yield f"  {line(largest)}"
    if found.group_by:
        groups = counted(len(found.rows.groups.counts()), "group")
        yield f"  {groups} by {found.group_by}, each kept together in a split"
    for said in (
        *passed_over(found.passed),
        *found.notes,
        *found.leaks[:1],
        *copies(found).lines(),
    ):
        yield f"  {said}"
    if found.offers and not {"val", "test"} <= set(found.parts):
        name = found.offers[0]
        others = f" (or {', '.join(found.offers[1:])})" if found.offers[1:] else ""
        yield (
            f"    a split may separate images that share {name}: --group-by {name}{others} keeps "
            "them together"
        )


def passed_over(passed: Sequence[Passed]) -> Iterator[str]:
    """One line for each reason: the number of skipped files, and the first."""
    reasons: dict[str, list[Passed]] = {}
    for item in passed:
        reasons.setdefault(item.why, []).append(item)
    for why, items in reasons.items():
        first = str(items[0].path)
        if why == OTHER:
            kinds = sorted({item.path.suffix.lower() or "no extension" for item in items})
            first = f"{', '.join(kinds[:FEW])}: {first}"
        more = ", …" if len(items) > 1 else ""
        yield f"skipped: {len(items):,} × {why} ({first}{more})"


def summary_json(found: Listed) -> dict[str, JsonValue]:
    """The summary as JSON values."""
    reasons = dict.fromkeys(item.why for item in found.passed)
    groups = found.rows.groups.counts() if found.group_by else None
    same, seen = copies(found), shapes(found)
    return {
        "images": len(found.rows),
        "classes": found.classes,
        "parts": {part or "all": count for part, count in found.parts.items()},
        "passed_over": [
            {"why": why, "paths": [os.fspath(p.path) for p in found.passed if p.why == why][:100],
             "count": sum(p.why == why for p in found.passed)}
            for why in reasons
        ],
        "copies": {
            "labels": len(same.labels), "parts": len(same.parts), "others": len(same.others),
            "files_in_two_parts": len(found.leaks), "kept_together": same.together,
        },
        "sizes": {"smallest": list(seen.smallest), "largest": list(seen.largest)} if seen else None,
        "modes": seen.modes if seen else None,
        "largest_16_bit_value": _largest(found, seen) if seen else None,
        "groups": None if groups is None else len(groups),
        "group_by_offers": list(found.offers),
        "notes": list(found.notes),
    }  # fmt: skip


def _largest(found: Listed, seen: Shapes) -> int | None:
    deep = any(mode.startswith("I") for mode in seen.modes)
    return largest_value(found.paths) if deep else None


def _sizes(classes: dict[str, int]) -> str:
    if len(classes) <= FEW:
        return ", ".join(f"{name} {count:,}" for name, count in classes.items())
    ordered = sorted(classes, key=lambda name: -classes[name])
    largest, smallest = ordered[0], ordered[-1]
    return f"{classes[largest]:,} ({largest}) to {classes[smallest]:,} ({smallest})"


def _parts(found: Listed, shares: tuple[float, float]) -> str:
    held = {
        name: f"{share:.0%} held out for {name}"
        for name, share in zip(("validation", "test"), shares, strict=True)
        if {"validation": "val", "test": "test"}[name] not in found.parts
    }
    given = [f"{part} {count:,}" for part, count in found.parts.items() if part]
    return "; ".join([*([", ".join(given)] if given else []), *held.values()])
