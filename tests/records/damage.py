"""Flip bytes and cut tails: all of a record, a sample for larger files. Returns counts."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from runner.records import checkpoints, models
from runner.records.record import Damaged, seal, unseal
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import from_mapping
from tricks.errors import BadInput

ID = "0123456789abcdef"


def a_record(id: str = ID, **fields: Any) -> dict[str, Any]:
    """A record of the size that a short run leaves."""
    epochs = [{"epoch": n, "loss": 1 / n, "val_accuracy": 90 + n / 7, "lr": 0.1} for n in (1, 2)]
    return {
        "id": id, "seed": 7, "state": "ok", "tricks": ["mixup"], "recipe": {"epochs": 2},
        "data": {"task": "digits"}, "epochs": epochs, "test_accuracy": 91.5, "test_images": 8,
        "correct": "/w==", "seconds": {"train": 1.5, "total": 2.0}, "device": "cpu",
        "versions": {"torch": "2"}, "error": None, **fields,
    }  # fmt: skip


def a_model(store: Store, id: str = ID, best: bool = False) -> Path:
    """The file of an intact model with one tensor of 8 bytes, of the run `id`."""
    tensors: dict[str, Any] = {"fc": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    which = "best" if best else "last"
    told = {"format": models.FORMAT, "run": json.dumps(id), "weights": json.dumps(which)}
    body = bytes(range(8))
    told["checksum"] = models.checksum(models.Header(tensors, told, 0), [body])
    text = json.dumps({"__metadata__": told, **tensors}).encode()
    path = models.model_file(store, id, best)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def damages(data: bytes, every: int = 1, bits: int = 8) -> Iterator[tuple[str, bytes]]:
    """`data` with one flipped bit, for some bits of each `every`-th byte; and cut at this byte."""
    for place in range(0, len(data), every):
        for bit in range(bits):
            flipped = bytearray(data)
            flipped[place] ^= 1 << (bit + place) % 8
            yield "flipped", bytes(flipped)
        yield "cut", data[:place]


def of_a_record() -> Counter[str]:
    """Each bit of a record flipped and each tail cut; "missed" counts damage that was accepted."""
    data = seal(a_record())
    found: Counter[str] = Counter(bytes=len(data))
    for kind, damaged in damages(data):
        found[kind] += 1
        try:
            unseal(damaged, ID)
        except Damaged:
            continue
        found["missed"] += 1
    return found


def of_stored_records(place: Path, every: int = 1) -> Counter[str]:
    """The same in a store: the record is quarantined, its run open again, others untouched."""
    store = Store(place)
    other = "f" * 16
    store.commit(a_record(other))
    store.commit(a_record())
    path, data = store.path(ID), store.path(ID).read_bytes()
    found: Counter[str] = Counter(bytes=len(data))
    for kind, damaged in damages(data, every, bits=1):
        path.write_bytes(damaged)
        found[kind] += 1
        found["missed"] += store.states() != {other: "ok"} or path.exists()
        found["lost"] += not store.commit(a_record())
    found["quarantined"] = len(list((place / "quarantine").iterdir()))
    return found


def of_an_index(place: Path, every: int = 1) -> Counter[str]:
    """The index: reads always agree with the records."""
    store = Store(place)
    for n in range(3):
        store.commit(a_record(f"{n:016x}", test_accuracy=90 + n / 3))
    truth = store.rows()
    return _believed(place / "index.csv", lambda: store.rows() == truth, every)


def of_a_study(place: Path, every: int = 1) -> dict[str, Counter[str]]:
    """Both files of a study: refused, or read unchanged."""
    store = Store(place)
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    asked = {"task": "digits", "grid": "add-one", "factors": factors, "settings": {"epochs": "5"}}
    rows = [{"id": f"{n:016x}", "seed": n, "mixup": "off"} for n in range(3)]
    truth = save_study(store, "s", from_mapping(asked), rows)

    def refused() -> bool:
        try:
            return load_study(store, "s") == truth
        except BadInput:
            return True

    folder = place / "studies" / "s"
    return {name: _believed(folder / name, refused, every) for name in ("study.toml", "runs.csv")}


def of_a_checkpoint(place: Path, every: int = 1) -> Counter[str]:
    """A checkpoint of 200 kB: refused, always."""
    path = checkpoints.path_of(place, ID)
    with checkpoints.writing(path, {"epoch": 1}) as file:
        file.write(os.urandom(200_000))

    def refused() -> bool:
        try:
            with checkpoints.reading(path):
                return False
        except Damaged:
            return True

    return _believed(path, refused, every)


def _believed(path: Path, right: Callable[[], bool], every: int) -> Counter[str]:
    """Damage `path` in many ways; "missed" counts damage after which `right` fails."""
    data = path.read_bytes()
    found: Counter[str] = Counter(bytes=len(data))
    for kind, damaged in damages(data, every, bits=1):
        path.write_bytes(damaged)
        found[kind] += 1
        found["missed"] += not right()
    path.write_bytes(data)
    return found
