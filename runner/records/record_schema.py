"""Record: the result of a run as a typed value, with checked types and ranges.

A field may be missing or null, and there may be other fields. Present fields must have their type
and range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from runner.analysis.metrics.registry import built_in
from runner.records.run import label

PER_CENT = {name for name, metric in built_in().items() if metric.unit == "pp"}
Percent = Annotated[float, Meta(ge=0, le=100)]
Amount = Annotated[float, Meta(ge=0, le=1e15)]
Size = Annotated[float, Meta(ge=-1e100, le=1e100)]  # of a loss: its square is still finite
Count = Annotated[int, Meta(ge=0, le=10**15)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Epoch(msgspec.Struct, frozen=True):
    """One line of a learning curve."""

    epoch: Annotated[int, Meta(ge=1, le=10**9)]
    loss: Size | None = None
    val_loss: Size | None = None
    val_accuracy: Percent | None = None
    probe_accuracy: Percent | None = None
    lr: Size | None = None
    grad_norm: Amount | None = None
    grad_norm_max: Amount | None = None


class Recipe(msgspec.Struct, frozen=True):
    """A recipe as JSON values. Fields that are read by name are typed."""

    values: dict[str, Any]  # all fields, see `tricks.recipe.to_json`; older records lack newer ones

    model: str | None = None
    width: Amount | None = None
    epochs: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    batch_size: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    threads: Annotated[int, Meta(ge=1, le=10**6)] | None = None


class Error(msgspec.Struct, frozen=True):
    """The error that ended a run."""

    type: str | None = None
    message: str | None = None
    traceback: str | None = None

    def reason(self, longest: int | None = None) -> str:
        """Its type and the first line of its message, cut to `longest` characters."""
        first = next(iter((self.message or "").strip().splitlines()), "")
        return f"{self.type or 'error'}: {first[:longest]}".removesuffix(": ")


class Seconds(msgspec.Struct, frozen=True):
    """The times of a run in seconds; `cpu` is the sum over all threads and loader processes."""

    train: Amount | None = None
    evaluate: Amount | None = None
    wait: Amount | None = None  # waiting for data
    cpu: Amount | None = None
    total: Amount | None = None


class Record(msgspec.Struct, frozen=True):
    """The fields of a record that the program reads. Accuracies in per cent, times in seconds."""

    id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16,64}\Z")]
    state: Literal["ok", "diverged", "failed", "infra"]
    seed: Seed | None = None
    tricks: list[str] | None = None
    data: dict[str, Any] | None = None  # the identity of the images: see `Fingerprint`
    recipe: Recipe | None = None
    epochs: list[Epoch] | None = None
    test_accuracy: Percent | None = None
    val_accuracy: Percent | None = None
    probe_accuracy: Percent | None = None
    chance_accuracy: Percent | None = None
    generalisation_gap: Annotated[float, Meta(ge=-100, le=100)] | None = None
    test_loss: Size | None = None
    val_loss: Size | None = None
    test_images: Count | None = None
    parameters: Count | None = None
    classes: Count | None = None
    steps: Count | None = None
    warmup_steps: Count | None = None
    attempt: Count | None = None
    resumed: Count | None = None
    weights_sha256: str | None = None
    metrics: dict[str, dict[str, Size | None] | None] | None = None
    predictions_sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")] | None = None
    correct: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]*=*\Z")] | None = None
    seconds: Seconds | None = None
    wall_seconds: Amount | None = None  # of its process
    data_wait_fraction: Annotated[float, Meta(ge=0, le=1)] | None = None
    images_per_second: Amount | None = None
    peak_memory_mb: Amount | None = None
    memory: dict[str, dict[str, Amount | None]] | None = None  # MiB by stage, see training/memory
    device: str | None = None
    at_a_time: Count | None = None
    versions: dict[str, str] | None = None
    environment_sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")] | None = None
    code_revision: str | None = None
    plugins: dict[str, str] | None = None
    host: str | None = None
    started: str | None = None
    finished: str | None = None
    error: Error | None = None

    @property
    def label(self) -> str:
        """The run's name in messages."""
        return label(self.tricks or (), self.seed)

    @property
    def total_seconds(self) -> float:
        """Seconds of the whole run; 0 if unknown."""
        return (self.seconds and self.seconds.total) or 0.0


def read(values: Mapping[str, Any]) -> Record:
    """The record of these JSON values. Raises ValueError that names the invalid field."""
    recipe = values.get("recipe")
    if isinstance(recipe, dict):
        values = {**values, "recipe": {**recipe, "values": recipe}}
    try:
        record = msgspec.convert(values, Record)
    except msgspec.ValidationError as error:
        where = str(error).partition(" - at `$.")[2].rstrip("`")
        what = str(error).partition(" - at ")[0]
        raise ValueError(f"{where}: {what}" if where else what) from error
    for split, found in (record.metrics or {}).items():
        for name, value in (found or {}).items():
            if name in PER_CENT and value is not None and not 0 <= value <= 100:
                raise ValueError(
                    f"metrics.{split}.{name}: {value} is not between 0 and 100 per cent"
                )
    return record
