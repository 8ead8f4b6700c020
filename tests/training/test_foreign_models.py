"""A file that is no whole model of this tool gives one line, before it takes memory."""

import dataclasses
import io
import json
import resource
import struct

import pytest
import torch

from runner.inference.prediction import check_memory
from runner.records import models
from runner.training import saved
from tricks import BadInput, registry
from tricks.trick import edits_of


def test_a_cut_or_changed_file_is_told(model_file):
    data = model_file.read_bytes()
    places = [0, 7, 8, 30, 200, len(data) // 2, len(data) - 1]
    for place in places:
        for broken in (
            data[:place],
            data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
        ):
            model_file.write_bytes(broken)
            with pytest.raises(BadInput) as error:
                saved.load(model_file)
            assert str(model_file) in str(error.value)
            assert "\n" not in str(error.value)


def rewritten(path, **changes):
    """The file with other metadata, under a checksum that fits."""
    data = path.read_bytes()
    header = models.read_header(io.BytesIO(data), len(data))
    body, told = data[header.begin :], dict(header.metadata)
    told |= {name: json.dumps(value) for name, value in changes.items()}
    told["checksum"] = models.checksum(header._replace(metadata=told), [body])
    text = json.dumps({"__metadata__": told, **header.tensors}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema": 99}, "upgrade tricks-bench"),
        ({"classes": 11}, "foreign"),
        ({"classes": 11, "names": [str(i) for i in range(11)]}, "do not fit its network"),
        ({"recipe": {"model": "resnet5O"}}, "unknown model"),
        ({"recipe": {"model": "hf-hub:someone/something"}}, "unknown model"),
        ({"recipe": {"norm": {"name": "nobodys-trick"}}}, "--plugin FILE"),
        ({"recipe": {"width": "wide"}}, "cut, or is foreign"),
        ({"std": [0.0]}, "foreign"),
    ],
)
def test_a_file_that_does_not_fit_is_told(model_file, changes, told):
    rewritten(model_file, **changes)
    with pytest.raises(BadInput, match=told) as error:
        saved.load(model_file)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recipe": {"resolution": 10**6}}, "1,142,857 pixels a side: at most 16,384"),
        ({"recipe": {"eval_scale": 1e9}}, "at most 16,384"),
        ({"recipe": {"resolution": 64, "margin": 1e-6}}, "at most 16,384"),
        ({"recipe": {"stored_side": 10**9}}, "stored_side must be at most 16,384"),
        ({"recipe": {"width": 1e6}}, "width must be at most 64"),
        ({"recipe": {"width": 60.0}}, "do not fit its network"),
        ({"recipe": {"model": "vit_giant_patch14_224"}}, "do not fit its network"),
        ({"recipe": {"threads": 10**9}}, "threads must be at most 1,024"),
        ({"size": [10**6, 10**6]}, "foreign"),
        ({"channels": 10**6, "mean": [0.5] * 10**6, "std": [1.0] * 10**6}, "do not fit"),
    ],
)
def test_a_model_made_to_harm_is_refused_before_it_takes_memory(model_file, changes, told):
    """Such a file describes a network of at least 300 GB, 1,000 times the file's size."""
    rewritten(model_file, **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInput, match=told) as error:
        saved.load(model_file)
    assert str(model_file) in str(error.value)
    assert "\n" not in str(error.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_every_network_has_its_shapes_without_memory(recipe):
    """The limits for hostile files must not refuse an honest file with any trick."""
    changing = {
        name: cls
        for name, cls in registry().items()
        if {"surgery", "norm"} & {*edits_of(cls()).sets, *edits_of(cls()).adds}
    }
    assert len(changing) > 10
    for name in changing:
        try:
            wanted = dataclasses.replace(recipe(name, model="resnet10t", resolution=32), init=())
            own = saved.build(wanted, 10, 3)
        except BadInput:  # nothing for this network
            continue
        with torch.device("meta"):
            shapes = saved.build(wanted, 10, 3)
        told = [(n, v.shape, v.dtype) for n, v in shapes.state_dict().items()]
        assert told == [(n, v.shape, v.dtype) for n, v in own.state_dict().items()], name


def test_images_that_no_machine_can_hold_are_refused(model_file, tiny):
    _, card = saved.load(model_file)
    check_memory(len(tiny.test), card)
    huge = dataclasses.replace(card.recipe, resolution=14_000)
    wide = {"channels": 100, "mean": (0.5,) * 100, "std": (1.0,) * 100}
    many = dataclasses.replace(card, recipe=huge, **wide)
    with pytest.raises(BadInput, match=r"16,000 pixels a side: 1,000,000 of them take .* GB"):
        check_memory(10**6, many)


def test_other_safetensors_and_pickles_are_foreign(tmp_path, model_file):
    from safetensors.torch import save_file

    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, other)
    with pytest.raises(BadInput, match="not a model that"):
        saved.load(other)
    torch.save({"a": torch.zeros(2)}, other)
    with pytest.raises(BadInput, match="cut, or is foreign"):
        saved.load(other)
    with pytest.raises(BadInput, match="No such file"):
        saved.load(tmp_path / "nowhere.safetensors")
