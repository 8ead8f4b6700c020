"""Loader processes only load as many batches in advance as /dev/shm has room for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from runner.training import shared_memory
from runner.training.shared_memory import AHEAD, ahead

MIB = 2**20
BATCH = 64 * 3 * 224 * 224  # bytes of 64 images: 9.2 MiB


@pytest.mark.parametrize(
    ("free", "loaders", "expected"),
    [
        (64 * MIB, 8, (1, 1)),  # Docker's
        (64 * MIB, 1, (1, 1)),
        (200 * MIB, 2, (2, 2)),
        (16 * 1024 * MIB, 8, (8, AHEAD)),
        (8 * MIB, 8, (0, 0)),
        (64 * MIB, 0, (0, 0)),
    ],
)
def test_what_is_ahead_fits(free, loaders, expected, monkeypatch):
    disk = SimpleNamespace(f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr(shared_memory.os, "statvfs", lambda path: disk)
    assert ahead(BATCH, loaders) == expected


def test_a_system_without_the_place_is_not_bounded(monkeypatch, tmp_path):
    monkeypatch.setattr(shared_memory, "PLACE", tmp_path / "none")
    assert ahead(BATCH, 3) == (3, AHEAD)
