"""Names that people give the parts of a data set: train, val, test."""

from __future__ import annotations

import re

PARTS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "validate", "validating", "dev", "publictest"),
    "test": ("test", "testing", "tst", "privatetest"),
}
# Names of a part that do not say which of the three.
UNSURE = ("holdout", "heldout", "eval", "evaluation", "evaluate", "trainval", "trainvalid", "query")
UNLABELLED = ("pred", "predict", "prediction", "predictions", "unlabelled", "unlabeled")
_FILLERS = frozenset(("set", "data", "dataset", "split", "part", "images", "image", "imgs", "seg"))


def part_of(name: str) -> str:
    """The part that the name of a folder, a column or a cell means; "" for another name.

    One of PARTS, or "unsure" or "unlabelled".

    >>> part_of("Training_Set"), part_of("seg_test"), part_of("valset"), part_of("hold-out")
    ('train', 'test', 'val', 'unsure')
    >>> part_of("trains"), part_of("set"), part_of("is_valid")
    ('', '', '')
    """
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word]
    word = "".join(word for word in words if word not in _FILLERS)
    for ending in ("dataset", "set", "data"):
        word = word.removesuffix(ending)
    known = {**PARTS, "unsure": UNSURE, "unlabelled": UNLABELLED}
    return next((part for part, names in known.items() if word in names), "")


def part_within(name: str) -> str:
    """The part (train, val, test) among the words of a longer name; "" for none or two.

    >>> part_within("01_train"), part_within("animals-test"), part_within("val2")
    ('train', 'test', 'val')
    >>> part_within("train_test"), part_within("training day"), part_within("trains")
    ('', 'train', '')
    """
    words = re.split(r"[\W_\d]+", name.lower())
    found = {part for word in words for part, names in PARTS.items() if word in names}
    return found.pop() if len(found) == 1 else ""
