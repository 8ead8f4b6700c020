"""Loader processes: started once for a run, and kept for all passes over its images."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.reduction import ForkingPickler
from types import TracebackType
from typing import NamedTuple

import torch
from torch import Tensor

from runner.images.sources import Cached, Catalogue, Files, Resident, Splits
from runner.training.reading import Batch, Reading

PATIENCE = 300  # seconds for a batch; after that, loader processes count as hung
Read = Files | Catalogue | Cached
Loaded = tuple[Tensor, Tensor, int, float]  # a batch, the loader process, its CPU seconds so far


class Wanted(NamedTuple):
    """A batch to load. source: its place among the known sources. images: places in the source."""

    source: int
    reading: Reading
    step: int
    images: Sequence[int]


class Loaders:
    """At most `count` processes that load images; they end with the surrounding `with` block.

    They know the images of `splits`. They are restarted for other images, for another number of
    processes, and for another number of batches that each loads in advance.
    """

    def __init__(self, count: int = 0, splits: Splits | None = None) -> None:
        self.count = count
        every = () if splits is None else splits.sources
        self._known = [source for source in every if not isinstance(source, Resident)]
        self._started: tuple[int, int, bool] | None = None
        self._loader: torch.utils.data.DataLoader[Loaded] | None = None
        self._plan = _Plan()
        self._cpu: dict[int, float] = {}  # process -> seconds of CPU

    def __enter__(self) -> Loaders:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def cpu(self) -> float:
        """CPU seconds of the running processes."""
        return sum(self._cpu.values())

    def end(self) -> None:
        """End the processes, if any; batches that they have loaded in advance are lost."""
        # Otherwise they would end only when nothing refers to the loader, as an error's frames do.
        if self._loader is not None and self._loader._iterator is not None:
            self._loader._iterator._shutdown_workers()  # type: ignore[attr-defined]
        self._loader, self._started, self._plan = None, None, _Plan()
        self._cpu.clear()

    def read(
        self,
        source: Read,
        order: Sequence[Sequence[int]],
        reading: Reading,
        first: int,
        count: int,
        far: int,
        pinned: bool,
    ) -> Iterator[Batch]:
        """The batches of `order`, from the batch `first` on, by `count` processes.

        Each loads at most `far` batches in advance. A new pass ends the pass before.
        """
        loader = self._loader_of(source, (count, far, pinned))
        place = next(i for i, known in enumerate(self._known) if known is source)
        # Later a thread would do it, and its error would be lost.
        ForkingPickler.dumps(reading)
        steps = range(first, len(order))
        plan = self._plan.wanted = (Wanted(place, reading, step, order[step]) for step in steps)
        found = iter(loader)
        while self._plan.wanted is plan:
            try:
                images, labels, process, seconds = next(found)
            except StopIteration:
                return
            self._cpu[process] = seconds
            yield images, labels
        raise RuntimeError("the loader processes have ended, or another pass has begun")

    def _loader_of(
        self, source: Read, wanted: tuple[int, int, bool]
    ) -> torch.utils.data.DataLoader[Loaded]:
        known = any(source is one for one in self._known)
        if self._loader is not None and known and wanted == self._started:
            return self._loader
        self.end()
        if not known:
            self._known.append(source)
        count, far, pinned = wanted
        self._started = wanted
        self._loader = torch.utils.data.DataLoader(
            _Images(tuple(self._known)),
            batch_size=None,
            sampler=self._plan,
            num_workers=count,
            # A fork server started the run's process; its own children would import torch again.
            multiprocessing_context="fork" if sys.platform == "linux" else None,
            pin_memory=pinned,
            prefetch_factor=far,
            timeout=PATIENCE,
            persistent_workers=True,
            generator=torch.Generator(),  # the loader draws a seed, which is not used
        )
        return self._loader


class _Plan(torch.utils.data.Sampler[Wanted]):
    """The batches to load in the next pass."""

    wanted: Iterable[Wanted] = ()

    def __iter__(self) -> Iterator[Wanted]:
        return iter(self.wanted)


class _Images(torch.utils.data.Dataset[Loaded]):
    """The images of a run, in a loader process."""

    def __init__(self, sources: tuple[Read, ...]) -> None:
        self.sources = sources

    def __getitem__(self, wanted: Wanted) -> Loaded:
        source = self.sources[wanted.source]
        images, labels = wanted.reading.batch(source, wanted.step, wanted.images)
        return images, labels, os.getpid(), time.process_time()


ALONE = Loaders()  # no loader processes: the training process loads images itself
