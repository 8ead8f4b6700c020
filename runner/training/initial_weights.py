"""Initial weights from the user's file: read without running code, matched, loaded."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from runner.images.user_path import user_path
from tricks.errors import BadInput
from tricks.start.frozen_backbone import head
from tricks.start.own_weights import OwnWeights

WRAPPED = (
    "state_dict",
    "model",
    "model_state_dict",
    "net",
    "weights",
)  # keys that may hold the tensors
COUNTERS = "num_batches_tracked"  # of batch norm: a file may lack them
FIRST = 3  # names shown


@dataclass(frozen=True)
class Fit:
    """The tensors of a file that fit a network. Names are the network's, except `unused`."""

    file: str
    kept: Mapping[str, Tensor]  # the loaded tensors
    wanted: int  # tensors of the network, without batch norm's counters
    head: tuple[str, ...]  # of the head, with another size in the file
    shapes: tuple[str, ...]  # other tensors with another shape
    missing: tuple[str, ...]
    unused: tuple[str, ...]  # tensors of the file

    def line(self) -> str:
        """A line about loaded tensors and others."""
        loaded = sum(not name.endswith(COUNTERS) for name in self.kept)
        parts = [f"{loaded:,} of {self.wanted:,} tensors loaded"]
        if self.head:
            parts.append(f"the head has another size and stays fresh ({', '.join(self.head)})")
        for names, what in (
            (self.shapes, "with another shape"),
            (self.missing, "not in the file"),
            (self.unused, "of the file not used"),
        ):
            if names:
                parts.append(f"{len(names):,} {what} ({_first(names)})")
        return f"start={self.file}: {'; '.join(parts)}"


def _first(names: tuple[str, ...]) -> str:
    return ", ".join(names[:FIRST]) + (", ..." if len(names) > FIRST else "")


def fit(start: OwnWeights, model: nn.Module) -> Fit:
    """How the file of `start` fits `model`. Raises BadInput for an unreadable file."""
    own = model.state_dict()
    tensors = unwrapped(read(start), own)
    top = _head(model)
    kept: dict[str, Tensor] = {}
    shapes: list[str] = []
    left: list[str] = []
    for name, value in own.items():
        given = tensors.get(name)
        if given is None:
            continue
        given = _in_colours(given, value)
        if given.shape == value.shape:
            kept[name] = given
        else:
            (left if name in top else shapes).append(name)
    wanted = [name for name in own if not name.endswith(COUNTERS)]
    missing = [name for name in wanted if name not in tensors]
    unused = [name for name in tensors if name not in own and not name.endswith(COUNTERS)]
    return Fit(start.file, kept, len(wanted), *map(tuple, (left, shapes, missing, unused)))


def load(model: nn.Module, found: Fit) -> None:
    """Load the tensors that fit."""
    model.load_state_dict(dict(found.kept), strict=False)


def refuse(found: Fit, model: str) -> None:
    """Raises BadInput if no tensor of the file fits the network."""
    weights = [value for value in found.kept.values() if value.is_floating_point()]
    if not weights:
        raise BadInput(
            f"start={found.file}: nothing in it fits {model}: the file has "
            f"{_first(found.unused) or 'no other tensors'}, the network "
            f"{_first((*found.missing, *found.shapes, *found.head))}"
        )


def unwrapped(tensors: dict[str, Tensor], names: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`tensors` without the prefix of a wrapper (DataParallel, torch.compile) in their names."""
    inner = tensors
    while inner and not inner.keys() & names.keys():
        if len({name.partition(".")[0] for name in inner}) > 1 or "." not in min(inner):
            return tensors
        inner = {name.partition(".")[2]: value for name, value in inner.items()}
    return inner


def read(start: OwnWeights) -> dict[str, Tensor]:
    """The tensors of the file, on the CPU. Raises BadInput, also for a file that has changed."""
    start.resolved()
    path = user_path(start.file)
    try:
        _check_size(path)
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file may cause any error
        raise BadInput(
            f"start={start.file}: neither a safetensors file nor a torch file of tensors only "
            f"({type(error).__name__}): write it with torch.save(model.state_dict(), FILE)"
        ) from error
    held = found if isinstance(found, Mapping) else {}
    for key in WRAPPED:
        if isinstance(held.get(key), Mapping):
            held = held[key]
    # Other tensors, such as sparse ones, do not have every element.
    tensors = {
        str(name): value
        for name, value in held.items()
        if isinstance(value, Tensor) and (value.layout, value.device.type) == (torch.strided, "cpu")
    }
    if not tensors:
        raise BadInput(
            f"start={start.file}: it has no tensors with names: write it with "
            "torch.save(model.state_dict(), FILE)"
        )
    return tensors


def _check_size(path: Path) -> None:
    """Raises ValueError for a compressed torch file: torch itself does not compress."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content = sum(part.file_size for part in archive.infolist())
        if content > path.stat().st_size:
            raise ValueError("it is compressed")


def _head(model: nn.Module) -> set[str]:
    """Names of the classifier's tensors; none if the network does not name its classifier."""
    try:
        modules = {id(module) for module in head(model)}
    except BadInput:
        return set()
    return {
        f"{name}.{own}"
        for name, module in model.named_modules()
        if id(module) in modules
        for own in module.state_dict()
    }


def _in_colours(given: Tensor, own: Tensor) -> Tensor:
    """A stem's weights (C', C, h, w), converted from colour to grey images or the reverse."""
    if given.ndim != 4 or own.ndim != 4 or given.shape[:1] != own.shape[:1]:
        return given
    if given.shape[2:] != own.shape[2:] or {given.shape[1], own.shape[1]} != {1, 3}:
        return given
    grey = own.shape[1] == 1
    return given.sum(1, keepdim=True) if grey else given.expand(-1, 3, -1, -1) / 3
