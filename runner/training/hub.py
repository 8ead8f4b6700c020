"""Pretrained weights from the Hugging Face hub: first from its cache, with quick errors offline."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import timm

PATIENCE = 5.0  # seconds for the hub's first answer; its own client retries for a minute or more
FILES = ("model.safetensors", "pytorch_model.bin")  # names of timm's files of weights


@contextmanager
def quick_answer(name: str) -> Iterator[None]:
    """A context in which weights of timm's model `name` are loaded, or an error comes quickly.

    Weights in the cache are used without asking the hub. If they are not in the cache and the hub
    cannot be reached, its client raises at once instead of retrying.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or _cached(name) or not reached(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _cached(name: str) -> bool:
    """Whether the weights of `name` are in the cache."""
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
    """Whether a server answers at `address` within PATIENCE, asked like the hub's client does."""
    answers: list[bool] = []

    def ask() -> None:  # a thread, since looking up a host name has no time limit
        from huggingface_hub.utils import get_session

        with suppress(Exception):  # any error means no answer
            get_session().head(address, timeout=PATIENCE)
            answers.append(True)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE + 1)
    return bool(answers)
