"""The file of predictions: small, the same for equal ones, and limited in size when read."""

from __future__ import annotations

import gzip
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.records.predictions import pack, unpack
from runner.records.record import Damaged
from tests.records.made_predictions import IMAGES, made, same


@given(st.integers(0, 50), st.sampled_from([2, 10, 256, 257, 1000]), st.integers(0, 99))
def test_it_reads_back_as_it_was(images: int, classes: int, seed: int) -> None:
    found = made(images, classes, seed)
    assert same(unpack(pack(found), images), found)
    assert pack(found) == pack(made(images, classes, seed)), "equal predictions are equal bytes"


ARRAYS = ("classes", "truth", "predicted", "rank", "log_truth", "log_predicted")


def test_numpy_opens_it_and_it_is_small() -> None:
    found = made(10_000)
    data = pack(found)
    assert len(data) < 9 * 10_000
    with gzip.open(io.BytesIO(data)) as file:
        held = {name: np.load(file) for name in ARRAYS}
    assert held["truth"].dtype == held["rank"].dtype == np.uint8
    assert np.array_equal(held["log_truth"], found.log_truth)


def forged(change: dict[str, np.ndarray | bytes | None]) -> bytes:
    """A file with some arrays replaced by other arrays or bytes; None: left out."""
    whole = io.BytesIO()
    with gzip.open(io.BytesIO(pack(made()))) as file:
        held: dict[str, Any] = {name: np.load(file) for name in ARRAYS}
    for content in (change.get(name, array) for name, array in held.items()):
        if isinstance(content, np.ndarray):
            np.lib.format.write_array(whole, content, allow_pickle=True)
        elif content is not None:
            whole.write(content)
    return gzip.compress(whole.getvalue())


HEADER = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<u8', 'fortran_order': False, 'shape': (%d,), }"
FORGED: dict[str, dict[str, np.ndarray | bytes | None]] = {
    "objects": {"truth": np.array([{}] * IMAGES, dtype=object)},
    "a missing array": {"rank": None},
    "fewer images": {"truth": np.zeros(IMAGES - 1, np.uint8)},
    "more than there may be": {"truth": bytes(10_000_000)},
    "a header that promises much": {"truth": (HEADER % 10**15).ljust(127) + b"\n"},
    "a header of nothing": {"truth": b"\x93NUMPY\x01\x00\xff\xff"},
    "other types": {"log_truth": np.zeros(IMAGES, complex)},
    "two dimensions": {"truth": np.zeros((IMAGES, 1), np.uint8)},
    "a class that is none": {"truth": np.full(IMAGES, 200, np.uint8)},
    "ranks of other classes": {"rank": np.zeros(IMAGES, np.uint8)},
    "probabilities above 1": {"log_truth": np.ones(IMAGES, np.float32)},
    "probabilities that are none": {"log_truth": np.full(IMAGES, np.nan, np.float32)},
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_no_such_file_is_damaged(what: str) -> None:
    with pytest.raises(Damaged):
        unpack(forged(FORGED[what]), IMAGES)


@given(st.data())
def test_no_bytes_do_harm(data: st.DataObject) -> None:
    good = pack(made())
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    for content in (bytes(changed), good[:place], data.draw(st.binary(max_size=200))):
        try:
            unpack(content, IMAGES)
        except Damaged:
            continue
