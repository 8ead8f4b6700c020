"""Prepare the images of a study for its runs: decode all once, or at least check them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from runner.launch.listener import Listener
from runner.launch.options import Options
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.studies.study import Study


def decoded_first(study: Study, options: Options, listener: Listener) -> None:
    """Decode images whose digests are unknown, so that one pass over the files does both.

    Raises BadInput naming the first image that cannot be read.
    """
    from runner.images.caching import ready

    if study.task.originals is None or options.cache_gb == 0:
        return
    originals = study.task.originals(study.data_folder)
    if originals.known() is None:
        ready(originals, study.baseline.stored_side, options.cache_gb, listener.say)


def caches(
    study: Study, specs: Iterable[RunSpec], options: Options, listener: Listener
) -> tuple[tuple[int, str], ...]:
    """The image caches that `specs` will read, as pairs (stored_side, cache).

    Raises BadInput naming the first image that cannot be read, rather than after hours of training.
    """
    from runner.images.caching import ready

    sides = sorted({spec.recipe.stored_side for spec in specs})
    if study.task.originals is None:
        if any(sides):
            raise BadInput(f"stored_side is for images in files, not for {study.task.name}")
        return ()
    originals = study.task.originals(study.data_folder)
    found = {side: ready(originals, side, options.cache_gb, listener.say) for side in sides}
    for line in dict.fromkeys(note for side in found.values() for note in side.notes):
        listener.say(line)
    return tuple((side, str(one.cache)) for side, one in found.items() if one.cache is not None)


def image_lines(study: Study) -> Sequence[str]:
    """Lines about the images to train on, if they are the user's own."""
    if study.found is None:
        return ()
    from runner.images.summary import summary_lines

    return tuple(summary_lines(study.found, study.task.shares))


def looked_at(study: Study) -> tuple[tuple[int, str], ...]:
    """The image cache of the study's baseline, if there is one; else every image is checked.

    Raises BadInput naming the first image that cannot be read.
    """
    if study.task.originals is None:
        return ()
    from runner.images.cache_build import checked
    from runner.images.caching import there
    from runner.images.counting import on_stderr

    originals, side = study.task.originals(study.data_folder), study.baseline.stored_side
    cache = there(originals, side)
    if cache is not None:
        return ((side, str(cache.folder)),)
    checked(originals, on_stderr)
    return ()
