"""Trained models as safetensors files: the weights, and all information to use them.

Nothing is pickled. The information is JSON in the file's header, with a checksum of everything.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from runner.analysis.metrics.registry import CHOOSES
from runner.execution.work import Figures
from runner.images.sources import Resident, Splits
from runner.records import atomic_write
from runner.records.models import ENDING, FORMAT, Header, checksum, read_header
from runner.records.spec import SCHEMA, Fingerprint, RunSpec
from runner.training.model import build
from tricks.bag import recipe_from_json
from tricks.errors import BadInput
from tricks.recipe import LARGEST_SIDE, Recipe, to_json

BUFFERS = 1 << 30  # bytes of tensors that a network may create and no file contains


@dataclass(frozen=True)
class Card:
    """The description of a saved model, and how to prepare images for it."""

    run: str  # id
    weights: str  # last | best (epoch on validation)
    epoch: int
    recipe: Recipe  # composed and resolved
    task: str
    data: Fingerprint  # the identity of its training images
    seed: int
    classes: int
    channels: int
    mean: tuple[float, ...]  # of pixels in [0, 1], one value per channel
    std: tuple[float, ...]
    names: tuple[str, ...]  # of the classes
    size: tuple[int, int] | None  # height and width of stored images; None: cropped from files
    val_accuracy: float | None  # per cent
    schema: int
    code_revision: str | None

    def __post_init__(self) -> None:
        fits = (
            0 < self.classes == len(self.names) == len(set(self.names))
            and 0 < self.channels == len(self.mean) == len(self.std)
            and all(math.isfinite(x) for x in (*self.mean, *self.std))
            and all(s > 0 for s in self.std)
            and (self.size is None or 0 < min(self.size) <= max(self.size) <= LARGEST_SIDE)
        )
        if not fits:
            raise ValueError("classes, channels, mean, std, names or size do not fit together")


def class_names(splits: Splits) -> tuple[str, ...]:
    """The names of the classes, or their numbers if they have no names."""
    return splits.names or tuple(str(i) for i in range(splits.classes))


class Keeper:
    """Keeps the evaluated model of a run: of the last epoch, and of the best epoch if requested."""

    def __init__(self, folder: Path, spec: RunSpec, splits: Splits, best: bool) -> None:
        self.folder, self.spec, self.splits, self.best = folder, spec, splits, best
        self.top: tuple[dict[str, Tensor], Figures] | None = None

    def epoch(self, model: nn.Module, figures: Figures) -> None:
        """Note the model after an evaluated epoch; of equally good epochs the first is kept."""
        if not self.best or CHOOSES not in figures:
            return
        if self.top is None or figures[CHOOSES] > self.top[1][CHOOSES]:
            self.top = weights(model), figures

    def write(self, model: nn.Module, figures: Figures, revision: str | None) -> None:
        """Write the kept models. model: of the last epoch.

        Raises BadInput if a model cannot be written; then the run is not recorded.
        """
        last = path_of(self.folder, self.spec.id)
        try:
            if self.top is not None:
                place = path_of(self.folder, self.spec.id, best=True)
                write(place, self.top[0], self._card("best", self.top[1], revision))
            write(last, weights(model), self._card("last", figures, revision))
        except OSError as error:
            raise BadInput(
                f"cannot write the model {last}: {error.strerror or error}; recorded runs are "
                "safe: make room there, then run the same command again"
            ) from error

    def _card(self, which: str, figures: Figures, revision: str | None) -> Card:
        splits, spec = self.splits, self.spec
        size = None
        if isinstance(splits.train, Resident):
            height, width = splits.train.images.shape[-2:]
            size = (height, width)
        return Card(
            run=spec.id, weights=which, epoch=figures["epoch"], recipe=spec.recipe,
            task=str(spec.data.get("task", "")), data=dict(spec.data), seed=spec.seed,
            classes=splits.classes, channels=splits.channels, mean=splits.mean, std=splits.std,
            names=class_names(splits), size=size,
            val_accuracy=figures.get(CHOOSES), schema=SCHEMA, code_revision=revision,
        )  # fmt: skip


def path_of(folder: Path, id: str, best: bool = False) -> Path:
    """The file of a run's model in `folder`."""
    return folder / f"{id}{'.best' if best else ''}{ENDING}"


def weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of parameters and buffers on the CPU, in the plain memory layout."""
    return {
        name: value.detach().to("cpu", copy=True).contiguous()
        for name, value in model.state_dict().items()
    }


def save(path: Path, model: nn.Module, card: Card) -> None:
    """Write `model` with its `card` to `path`, complete and synced. Raises OSError."""
    write(path, weights(model), card)


def write(path: Path, tensors: Mapping[str, Tensor], card: Card) -> None:
    """As `save`, for tensors from `weights`."""
    from safetensors.torch import save as pack

    packed = pack(dict(tensors))
    held, _, begin = read_header(io.BytesIO(packed), len(packed))
    body = packed[begin:]
    values = {f.name: getattr(card, f.name) for f in dataclasses.fields(card)}
    told = {**values, "recipe": to_json(card.recipe)}
    metadata = {name: json.dumps(value, sort_keys=True) for name, value in told.items()}
    metadata = dict(sorted({**metadata, "format": FORMAT}.items()))
    metadata["checksum"] = checksum(Header(held, metadata, begin), [body])
    # The library writes metadata in random order. Written here, equal models have equal bytes.
    text = json.dumps({"__metadata__": metadata, **held}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    atomic_write.replace(path, len(text).to_bytes(8, "little") + text + body)


def load(path: Path) -> tuple[nn.Module, Card]:
    """The network of the file, on the CPU in evaluation mode, and its card.

    Raises BadInput, before the network takes memory, for a file that is missing, foreign, cut,
    changed, or from a newer version, and if its weights do not fit its network.
    """
    from safetensors.torch import load as unpack

    data = _read(path)
    try:
        header = read_header(io.BytesIO(data), len(data))
        metadata = dict(header.metadata)
        if metadata.get("format") != FORMAT:
            raise BadInput(f"{path}: not a model that `tricks-bench run --save-models` wrote")
        if metadata.pop("checksum") != checksum(header, [data[header.begin :]]):
            raise BadInput(f"{path}: its checksum does not match: it was cut or changed")
        card = _card(path, metadata)
        tensors = unpack(data)
    except BadInput:
        raise
    except Exception as error:  # a hostile header may cause any error
        raise BadInput(
            f"{path}: not a complete safetensors file: it was cut, or is foreign"
        ) from error
    _check_shapes(path, card, tensors)
    model = network(path, card)
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise BadInput(f"{path}: its weights do not fit its network: {reason[:200]}") from error
    return model.eval(), card


def network(path: Path, card: Card) -> nn.Module:
    """The card's network with fresh weights; downloads nothing, keeps the global RNG's state."""
    recipe = dataclasses.replace(card.recipe, start="scratch")
    try:
        with torch.random.fork_rng(devices=[]):
            return build(recipe, card.classes, card.channels)
    except (BadInput, RuntimeError, MemoryError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: its network cannot be built here: {error}") from error


def _check_shapes(path: Path, card: Card, tensors: Mapping[str, Tensor]) -> None:
    """Raises BadInput if the network has other tensors than the file, or creates huge ones.

    On the device `meta` a network has only shapes, so a file cannot make it take more memory.
    """
    recipe = dataclasses.replace(card.recipe, init=())  # init edits read values and change no shape
    with torch.device("meta"):
        model = network(path, dataclasses.replace(card, recipe=recipe))
    own = model.state_dict()
    shapes, held = ({n: tuple(t.shape) for n, t in some.items()} for some in (own, tensors))
    if shapes != held:
        name = min(n for n in shapes.keys() | held.keys() if shapes.get(n) != held.get(n))
        one, other = (str(some.get(name, "not there")) for some in (held, shapes))
        raise BadInput(
            f"{path}: its weights do not fit its network: {name[:100]} is {one} in the file, "
            f"{other} in the network"
        )
    made = sum(value.nbytes for name, value in model.named_buffers() if name not in own)
    if made > BUFFERS:
        raise BadInput(f"{path}: its network would need {made:,} bytes beside its weights")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read the model {path}: {error.strerror or error}") from error


def _card(path: Path, metadata: Mapping[str, str]) -> Card:
    values = {n: json.loads(t) for n, t in metadata.items() if n != "format"}
    if values["schema"] > SCHEMA:
        raise BadInput(
            f"{path} has schema {values['schema']}, but this version reads schemas up to "
            f"{SCHEMA}: upgrade tricks-bench"
        )
    try:
        values["recipe"] = recipe_from_json(values["recipe"])
    except BadInput as error:
        raise BadInput(f"{path}: {error} (--plugin FILE loads your own tricks)") from error
    for name in ("mean", "std", "names", "size"):
        values[name] = None if values[name] is None else tuple(values[name])
    known = {f.name for f in dataclasses.fields(Card)}
    return Card(**{name: value for name, value in values.items() if name in known})
