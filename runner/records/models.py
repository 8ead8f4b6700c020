"""Trained models beside the records: their folder, a run's file, and checks of a file.

A file is in the safetensors format. Its metadata has its run's id, and a checksum of the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from runner.records import atomic_write
from runner.records.json_values import JsonValue
from runner.records.record import check_id
from runner.records.store import Store
from tricks.errors import BadInput

ENDING = ".safetensors"
FORMAT = "tricks-bench model 1"
MOST_HEADER = 100_000_000  # bytes: the maximum of a safetensors header
BLOCK = 1 << 20
KINDS = {"last": "", "best": ".best"}  # the epoch of the weights -> the suffix of the file's name
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class Header(NamedTuple):
    """A file's header, and the byte at which its tensors begin."""

    tensors: Mapping[str, JsonValue]  # name -> dtype, shape, data_offsets
    metadata: Mapping[str, str]
    begin: int


def folder(store: Store) -> Path:
    """The store's folder of models."""
    return store.root / "models"


def model_file(store: Store, id: str, best: bool = False) -> Path:
    """The path of a run's model, which need not exist. Raises BadInput for a link."""
    path = folder(store) / f"{check_id(id)}{KINDS['best' if best else 'last']}{ENDING}"
    if path.is_symlink():
        raise BadInput(
            f"{path} is a symbolic link, which a store must not have: `tricks-bench doctor` helps"
        )
    return path


def read_header(file: BinaryIO, size: int) -> Header:
    """The header of a safetensors file of `size` bytes, read from its start.

    Raises ValueError and other errors of UNREADABLE for other data.
    """
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(MOST_HEADER, size - 8):
        raise ValueError("no header")
    tensors = json.loads(file.read(length))
    if not isinstance(tensors, dict):
        raise ValueError("no header")
    metadata = tensors.pop("__metadata__", {})
    if not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("metadata that is not text")
    return Header(tensors, metadata, 8 + length)


def checksum(header: Header, body: Iterable[bytes]) -> str:
    """The checksum of a header, without the checksum in it, and of the bytes of the tensors."""
    told = {name: text for name, text in header.metadata.items() if name != "checksum"}
    text = json.dumps([header.tensors, told], sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode())
    for block in body:
        digest.update(block)
    return digest.hexdigest()


class Look(NamedTuple):
    """The result of a look at a file: its damage ("" if none), and its name by its metadata."""

    damage: str
    name: str = ""


def look(path: Path) -> Look:
    """Verify the file of a model, whatever its name."""
    try:
        descriptor = atomic_write.opened(path)
    except OSError as error:
        return Look(error.strerror or str(error))
    with open(descriptor, "rb") as file:
        try:
            header = read_header(file, os.fstat(descriptor).st_size)
            told = header.metadata
            id, which = json.loads(told.get("run", "0")), json.loads(told.get("weights", "0"))
        except UNREADABLE:
            return Look("it has no readable header")
        if told.get("format") != FORMAT or not (isinstance(id, str) and which in KINDS):
            return Look("`tricks-bench run --save-models` did not write it")
        if told.get("checksum") != checksum(header, iter(lambda: file.read(BLOCK), b"")):
            return Look("it was cut or changed (its checksum does not match)")
    return Look("", f"{id}{KINDS[which]}{ENDING}")


def fault(path: Path) -> str:
    """Why the file is not an intact model of the run in its name; "" if it is."""
    damage, name = look(path)
    return damage or ("" if name == path.name else f"it is {name} under another name")
