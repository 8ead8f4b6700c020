"""Published effects: stated by the tricks, shown beside what was measured."""

from __future__ import annotations

import json

from runner.analysis.published import published
from runner.cli import call
from tricks import registry

TWO = ("off", "on")


def test_tricks_of_factors_and_of_levels_are_found():
    found = published({"mixup(alpha=0.4)": TWO, "schedule": ("step-decay", "cosine"), "lr": ("1",)})
    assert {row.trick for row in found} == {"mixup", "cosine"}
    assert published({"width": ("8", "16")}) == ()


def test_every_published_effect_says_where_it_stands():
    rows = [row for trick in registry().values() for row in trick.published]
    assert rows
    for row in rows:
        assert row.source
        assert row.data
        assert row.kind
        assert row.runs is None or row.runs >= 1
        assert abs(row.effect) < 20


# Accuracies as published: torchvision's recipe, Assembled-CNN, hoya012, and the tricks' papers.
ACCURACIES = {
    "trivial-augment": (76.494, 76.806), "random-erasing": (78.606, 78.796),
    "label-smoothing": (78.796, 79.114), "mixup": (79.114, 79.232), "cutmix": (79.232, 79.510),
    "weight-decay": (79.510, 80.036), "larger-evaluation": (80.036, 80.196),
    "ema": (80.196, 80.450), "repeated-augmentation": (80.674, 80.858),
    "resnet-d": (76.87, 77.37), "squeeze-excite": (79.10, 79.71), "drop-block": (79.71, 80.40),
    "adam": (89.07, 94.13), "pretrained": (86.47, 89.07), "from-scratch": (89.07, 86.47),
    "cosine": (95.87, 96.14), "warmup": (75.16, 76.26), "zero-gamma": (76.16, 76.40),
    "adamw": (70.2, 67.9), "lars": (58.0, 60.1), "randaugment": (76.3, 77.6),
}  # fmt: skip


def test_published_effects_are_differences_of_published_accuracies():
    for name, (before, after) in ACCURACIES.items():
        effects = [row.effect for row in registry()[name].published]
        assert any(abs(effect - (after - before)) < 0.0051 for effect in effects), name


def test_the_card_shows_them(capsys):
    assert call(["show", "mixup"]) == 0
    text = capsys.readouterr().out
    assert "published   +0.12 pp, cumulative" in text
    assert "unverified" in text
    assert call(["show", "mixup", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["published"][0]["effect"] == 0.12
    assert call(["show", "sgd", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["published"] == []
