"""Attention maps of a saved model, as a picture."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from runner.inference.attention import overlay
from runner.tasks import recipe_run as work
from tests.bag import write_teacher
from tests.cli.test_shipped_studies import folder  # noqa: F401
from tricks import parse


def test_a_bright_place_keeps_its_colours_and_a_dark_one_a_quarter():
    image = torch.full((3, 8, 8), 200, dtype=torch.uint8)
    found = overlay(image, torch.tensor([[0.0, 0.0], [0.0, 3.0]])).numpy()
    assert found.shape == (8, 8, 3)
    assert (found[-2:, -2:] == 200).all()
    assert (found[:2, :2] == 50).all()
    assert (overlay(image[:1], torch.zeros(2, 2)).numpy() == 50).all()


def test_attention_is_drawn(cli, folder, tmp_path):  # noqa: F811
    splits = work._splits(f"folder:{folder}", None, work.Part())
    fields = {"surgery": (parse("counterfactual-attention(maps=3)"),), "resolution": 32}
    write_teacher(splits, tmp_path / "birds.safetensors", recipe=fields)
    write_teacher(splits, tmp_path / "plain.safetensors")
    way = ("--data", folder, "-o", "out.png", "--images", 3)
    done = cli("attention", "birds.safetensors", *way, "--json")
    assert done.code == 0, done.err
    assert done.json == {"run": "teacher", "images": 3, "image": "out.png"}
    with Image.open(tmp_path / "out.png") as image:
        assert np.asarray(image).std() > 10
    for broken, words in (
        (("plain.safetensors", *way), "has no attention maps"),
        (("nowhere.safetensors", *way), "there is no model"),
        (("birds.safetensors", *way[:3], "out.gif"), "end the name in .png"),
        (("birds.safetensors", *way[:4], "--images", 0), "at least 1"),
    ):
        done = cli("attention", *broken)
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert words in done.err
