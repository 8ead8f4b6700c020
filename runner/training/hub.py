"""Pretrained weights from the Hugging Face hub: from its cache without asking, offline at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import timm

PATIENCE = 5.0  # seconds for the hub's first answer; its own client tries for a minute or more
FILES = ("model.safetensors", "pytorch_model.bin")  # by which timm asks for weights


@contextmanager
def quick_answer(name: str) -> Iterator[None]:
    """While it holds, weights of timm's model `name` are had at once or not at all.

    Weights that were fetched before are taken as they are. Where they were not and the hub cannot
    be reached, its client does not try again and again: it raises.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or _cached(name) or not reached(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _cached(name: str) -> bool:
    """Whether the weights of `name` were fetched before."""
    from huggingface_hub import try_to_load_from_cache

    known: Any = timm.get_pretrained_cfg(name)
    place = None if known is None else known.hf_hub_id
    if not place:
        return False
    files = (*FILES, *filter(None, [known.hf_hub_filename]))
    repository, _, revision = place.partition("@")
    return any(
        isinstance(try_to_load_from_cache(repository, file, revision=revision or None), str)
        for file in files
    )


def reached(address: str) -> bool:
    """Whether a server answers at `address` within PATIENCE, as the hub's own client asks."""
    answers: list[bool] = []

    def ask() -> None:  # a thread: looking up a name has no limit of its own
        from huggingface_hub.utils import get_session

        with suppress(Exception):  # no answer, whatever it says
            get_session().head(address, timeout=PATIENCE)
            answers.append(True)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE + 1)
    return bool(answers)
