"""Published effects: stated by the tricks, shown beside what was measured."""

from __future__ import annotations

import json

from runner.analysis.published import published
from runner.cli import call
from tricks import registry

TWO = ("off", "on")


def test_tricks_of_factors_and_of_levels_are_found():
    found = published({"mixup(alpha=0.4)": TWO, "schedule": ("step-decay", "cosine"), "lr": ("1",)})
    assert {row["trick"] for row in found} == {"mixup", "cosine"}
    assert published({"width": ("8", "16")}) == []


def test_every_published_effect_says_where_it_stands():
    rows = [row for trick in registry().values() for row in trick.published]
    assert rows
    for row in rows:
        assert row.source
        assert row.data
        assert row.kind
        assert row.runs >= 1
        assert abs(row.effect) < 20


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
