"""run --quick: choose a proxy of a study that fits the hours, and print it before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs.field import field_text
from runner.launch.images import caches, looked_at
from runner.planning.proxy import LEAST_EPOCHS, Full, Size, size
from runner.records.store import existing
from runner.studies.quick import (
    HOURS,
    changes,
    check_quick,
    difference,
    name_of,
    weights_at_hand,
)
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.launch.listener import Listener
    from runner.launch.options import Options
    from runner.planning.probe_run import Timed
    from runner.studies.study import Study


@dataclass(frozen=True)
class Quick:
    """A quick study. lines: its size and the effects it detects."""

    study: Study
    lines: Sequence[str]


def quick(
    study: Study,
    options: Options,
    hours: float | None,
    seeds: int | None,
    listener: Listener | None,
) -> Quick:
    """The proxy of `study` that fits `hours`. A proxy that the store has continues unchanged.

    seeds: the value of --seeds. listener: of the coming run, whose images are decoded before steps
    are measured; None: a dry run, which writes nothing. Raises BadInput for a study without a
    proxy, and for hours that are too few to learn anything.
    """
    from runner.records.studies import known_study
    from runner.studies.asked import from_stored
    from runner.studies.study import build

    hours = HOURS if hours is None else hours
    if not 0 < hours < float("inf"):
        raise BadInput(f"--hours must be a number above 0, not {hours:g}")
    check_quick(study)
    name = name_of(study.name)
    asked = from_stored(study.as_stored(), Path(name))
    asked.name = name
    held = known_study(existing(options.results), name)
    if held is not None:
        asked.set = dict(held.asked.settings or {})
        asked.proxy = dict(held.asked.proxy or {})
        asked.seeds = seeds or held.asked.seeds
        again = build(asked, study.data)
        lines = [
            "continues with the proxy as it was chosen; give another --name to choose a new proxy"
        ]
        return Quick(again, [*lines, *_lines(again, None)])
    varied = {factor.name for factor in study.factors}
    kept = {*study.settings, *varied}
    if study.task.originals is None:
        kept.add("stored_side")  # is only for images in files
    fields = changes(study.baseline, weights_at_hand(), kept)
    changed = {field: field_text(value) for field, value in fields.items()}
    asked.set = {**asked.set, **changed}
    full, timed = _measured(build(asked, study.data), study, options, listener)
    found = size(full, study.design.total, study.design.count, hours, options.workers, seeds)
    if found.epochs != study.baseline.epochs:
        changed["epochs"] = str(found.epochs)
    asked.set = {**asked.set, **changed}
    if "evaluate_every" not in kept:  # it changes no result
        asked.set["evaluate_every"] = found.epochs
    asked.proxy = {field: field_text(getattr(study.baseline, field)) for field in changed}
    if found.images < timed.train:
        asked.set["train_images"] = found.images
        asked.proxy["train_images"] = str(timed.train)
    asked.seeds = found.seeds
    small = build(asked, study.data)
    lines = []
    if study.baseline.start == "pretrained" and changed.get("start") == "scratch":
        lines.append(
            "no small pretrained network is available, so the proxy starts from scratch; to use "
            "one: --set model=tf_efficientnet_lite0 --set start=FILE"
        )
    lines += [*_lines(small, found), *_sees(small, options, listener is None)]
    return Quick(small, lines)


def _measured(
    small: Study, study: Study, options: Options, listener: Listener | None
) -> tuple[Full, Timed]:
    """Possible sizes of the proxy's runs, from a few measured steps of each kind of recipe."""
    from runner.planning import probe_run
    from runner.planning.costs import Costs, kind, mean_seconds
    from runner.planning.hours import AROUND, measuring, to_measure
    from tricks.recipe import to_json

    arms, specs = to_measure(small)
    held = looked_at(small) if listener is None else caches(small, specs, options, listener)
    work = measuring(small, options.workers, options.device, options.plugins, held)
    timed = probe_run.measured_steps(specs, work, min(options.workers, len(specs)))
    costs = Costs(
        (kind(to_json(spec.recipe)), one.step) for spec, one in zip(specs, timed, strict=True)
    )
    recipes = [replace(small.recipe(arm), epochs=1) for arm in arms]
    step, _ = mean_seconds(costs, recipes)
    assert step is not None, "some recipe of every size was measured"
    first = timed[0]
    image = max(one.image for one in timed)
    evaluated = first.validation + first.probe + first.test
    epochs = study.baseline.epochs
    least_epochs = epochs if "epochs" in study.settings else min(LEAST_EPOCHS, epochs)
    least = first.train if study.train_images else min(first.train, first.classes)
    full = Full(
        epochs, first.train, first.batch, step, image * evaluated + AROUND, least_epochs, least
    )
    return full, first


def _lines(small: Study, found: Size | None) -> list[str]:
    """Lines with the proxy's size and its time."""
    settings = small.settings
    parts = [difference(name, full, settings[name]) for name, full in small.proxy.items()]
    lines = [
        f"a proxy of the full recipe: {'; '.join(parts) or 'the full recipe itself, which fits'}"
    ]
    if found is not None:
        lines.append(
            f"{small.design.count} arms with {found.seeds} seeds: about {found.wall * 60:.0f} "
            "minutes, from a few steps measured now"
        )
    return lines


def _sees(small: Study, options: Options, dry_run: bool) -> list[str]:
    """The smallest effect that the proxy detects, in run-to-run sds if the sd is unknown.

    If the sd is known, a dry run prints the effect itself.
    """
    from runner.planning.detects import detects, in_sds

    found = detects(small, options.results)
    sds = in_sds(small) if found.effect is None else None
    if sds is None:
        return [] if dry_run else [str(found)]
    return [
        f"it will detect effects of {sds:.1f} run-to-run sds (80 % power): {sds:.1f} pp if runs "
        "of one arm have an sd of 1 pp"
    ]
