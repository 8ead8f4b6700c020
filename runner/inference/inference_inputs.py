"""The common part of `predict` and `evaluate`: models, images, predicted probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.execution.machine import cores
from runner.inference import models
from tricks.errors import BadInput

if TYPE_CHECKING:
    import torch

    from runner.inference.inference_images import InferenceImages
    from runner.training.saved import Card
    from tricks.trick import Trick

SHORT = {"flip": "flip-tta", "shift": "shift-tta", "crops": "multi-crop"}


class Answers(NamedTuple):
    """Log-probabilities (N, K) of the images, with classes in the order of the first card."""

    images: InferenceImages
    logs: torch.Tensor
    cards: list[Card]
    chosen: list[str]  # a text for each model: which model, and why


def ask(
    runs: list[str],
    images: Callable[[Card], InferenceImages],
    results: Path,
    tta: str | None,
    device: str,
    skip: bool = False,
) -> Answers:
    """The predictions of the models of `runs` for `images`, which get the first model's card.

    tta: test-time augmentation, as in `--tta`; None: as each recipe says. skip: leave out
    unreadable files, with a note, instead of raising BadInput.
    """
    found = [models.find(text, results) for text in runs]
    predict = _augmentation(tta)

    import torch

    from runner.execution.failure import mistake
    from runner.inference import prediction
    from runner.training.device import choose, single_precision
    from runner.training.saved import load

    place = choose(device)
    loaded = [load(item.path) for item in found]
    if tta is not None:
        loaded = [
            (model, replace(card, recipe=replace(card.recipe, predict=predict)))
            for model, card in loaded
        ]
    cards = [card for _, card in loaded]
    given = images(cards[0])
    # Small stored images are slower with more threads; with one, results repeat exactly.
    large = any(card.size is None for card in cards)
    torch.set_num_threads(cores() if large else max(card.recipe.threads for card in cards))
    single_precision(cards[0].recipe.precision)

    def asked(given: InferenceImages) -> torch.Tensor:
        loaders = 0 if prediction.few(given.source) else cores()
        try:
            return prediction.log_probabilities(loaded, given.source, place, loaders=loaders)
        except BadInput as error:  # a loader process passes it on with its traceback
            raise BadInput(mistake(error) or str(error)) from error

    try:
        logs = asked(given)
    except BadInput:
        bad = _unreadable(given) if skip else {}
        if not bad or len(bad) == len(given.paths):
            raise
        given = given.without(bad)
        logs = asked(given)
    return Answers(given, logs, cards, [item.why for item in found])


def _unreadable(given: InferenceImages) -> dict[int, str]:
    """Unreadable images: place -> reason."""
    from runner.images.decoding import unreadable
    from runner.images.sources import Files

    return unreadable(given.source.paths) if isinstance(given.source, Files) else {}


def _augmentation(text: str | None) -> Trick | None:
    """The trick that `--tta` names, or None."""
    from tricks.bag import parse

    if text is None or text == "none":
        return None
    trick = parse(SHORT.get(text, text))
    if "predict" not in trick.edits().sets:
        raise BadInput(f"--tta {text}: choose {', '.join(SHORT)}, none or a trick of that kind")
    return trick
