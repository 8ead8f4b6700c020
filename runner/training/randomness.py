"""Random streams: each derived from (seed, stream name, place), never from a trick's name.

So turning a trick on does not change the random numbers of anything else, and the number of loader
processes never changes a result.
"""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, stream: str, *place: int) -> int:
    """A 63-bit seed for `stream` (init, order, mix, …) at `place` (epoch, step)."""
    text = "/".join(map(str, (seed, stream, *place)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def in_stream(seed: int, stream: int) -> int:
    """The seed of a training in `stream` (see Recipe): `seed` for 0, else a different seed."""
    return derive(seed, "stream", stream) if stream else seed


def generator(seed: int, stream: str, *place: int) -> torch.Generator:
    """A CPU generator at the start of the stream: the same random numbers on every device."""
    return torch.Generator().manual_seed(derive(seed, stream, *place))
