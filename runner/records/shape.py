"""What a record must look like for a report to be made of it: the types and ranges of its fields.

A field may be missing or null, and there may be others; what is there must be what it says.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from runner.analysis.metrics.registry import built_in

PER_CENT = {name for name, metric in built_in().items() if metric.unit == "pp"}
Percent = Annotated[float, Meta(ge=0, le=100)]
Amount = Annotated[float, Meta(ge=0, le=1e15)]
Size = Annotated[float, Meta(ge=-1e100, le=1e100)]  # of a loss: its square is still a number
Count = Annotated[int, Meta(ge=0, le=10**15)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Epoch(msgspec.Struct):
    """One line of a learning curve."""

    epoch: Annotated[int, Meta(ge=1, le=10**9)]
    loss: Size | None = None
    val_loss: Size | None = None
    val_accuracy: Percent | None = None
    probe_accuracy: Percent | None = None
    lr: Size | None = None


class Recipe(msgspec.Struct):
    """What is read of a recipe by those that do not train it."""

    model: str | None = None
    width: Amount | None = None
    epochs: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    batch_size: Annotated[int, Meta(ge=1, le=10**9)] | None = None
    threads: Annotated[int, Meta(ge=1, le=10**6)] | None = None


class Error(msgspec.Struct):
    """What ended a run."""

    type: str | None = None
    message: str | None = None


class Shape(msgspec.Struct):
    """The fields of a record that something reads."""

    id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{16,64}\Z")]
    state: Literal["ok", "diverged", "failed", "infra"]
    seed: Seed | None = None
    tricks: list[str] | None = None
    data: dict[str, Any] | None = None
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
    seconds: dict[str, Amount | None] | None = None
    wall_seconds: Amount | None = None
    data_wait_fraction: Annotated[float, Meta(ge=0, le=1)] | None = None
    images_per_second: Amount | None = None
    peak_memory_mb: Amount | None = None
    memory: dict[str, dict[str, Amount | None]] | None = None
    device: str | None = None
    at_a_time: Count | None = None
    versions: dict[str, str] | None = None
    code_revision: str | None = None
    plugins: dict[str, str] | None = None
    host: str | None = None
    started: str | None = None
    finished: str | None = None
    error: Error | None = None


def check(record: Any) -> None:
    """Raises ValueError, saying which field, if `record` cannot be one."""
    try:
        msgspec.convert(record, Shape)
    except msgspec.ValidationError as error:
        where = str(error).partition(" - at `$.")[2].rstrip("`")
        what = str(error).partition(" - at ")[0]
        raise ValueError(f"{where}: {what}" if where else what) from error
    for split, found in (record.get("metrics") or {}).items():
        for name, value in (found or {}).items():
            if name in PER_CENT and value is not None and not 0 <= value <= 100:
                raise ValueError(f"metrics.{split}.{name}: {value} is no per cent")
