"""Models on disk: a trained model is read back; any other file gives one line."""

import dataclasses
import io
import json
import resource
import shutil
import struct

import numpy as np
import pytest
import torch

from runner.images.sources import Files, Resident
from runner.inference.prediction import as_trained, check_memory, log_probabilities
from runner.records import models
from runner.records.spec import RunSpec
from runner.tasks.registry import find
from runner.training import saved
from runner.training.evaluation import evaluate
from runner.training.loop import train
from tests.bag import outcome
from tricks import BadInput, registry
from tricks.trick import edits_of

CPU = torch.device("cpu")


def kept(recipe, splits, folder, best=False):
    """A run whose models are kept: its spec and its outcome."""
    spec = RunSpec({"task": "digits", "files": "f", "train_images": 32}, recipe, 3)
    keeper = saved.Keeper(folder, spec, splits, best)
    return spec, outcome(recipe, splits, 3, CPU, keeper=keeper)


@pytest.fixture(scope="module")
def trained(recipe, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    spec, _ = kept(recipe(), tiny, folder)
    return saved.path_of(folder, spec.id)


@pytest.fixture
def model_file(trained, tmp_path):
    """A file of this test, whatever it does to it."""
    return shutil.copy(trained, tmp_path / trained.name)


def test_what_was_evaluated_comes_back(recipe, tiny, tmp_path):
    """Averaged weights, a network operated on, and the images' statistics."""
    spec, result = kept(recipe("ema", "squeeze-excite", "weight-standardisation"), tiny, tmp_path)
    model, card = saved.load(saved.path_of(tmp_path, spec.id))
    assert (card.run, card.weights, card.epoch, card.seed) == (spec.id, "last", 1, 3)
    assert (card.recipe, card.mean, card.std) == (spec.recipe, tiny.mean, tiny.std)
    assert (card.names, card.size) == (tuple("0123456789"), (8, 8))
    again = evaluate(model, tiny.test, tiny, card.recipe, CPU)
    assert (again.loss, again.accuracy) == (result["test_loss"], result["test_accuracy"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{spec.id}.safetensors"]


def test_keeping_changes_nothing_and_equal_models_are_equal_bytes(recipe, tiny, tmp_path):
    plain = outcome(recipe("dropout"), tiny, 3, CPU)
    files = []
    for name in ("a", "b"):
        spec, result = kept(recipe("dropout"), tiny, tmp_path / name, best=True)
        files.append(saved.path_of(tmp_path / name, spec.id).read_bytes())
        for key in ("epochs", "test_loss", "correct", "val_accuracy"):
            assert result[key] == plain[key]
    assert files[0] == files[1]


def test_the_best_epoch_is_the_first_of_the_highest_on_validation(recipe, tiny, tmp_path):
    chosen = recipe(epochs=4)
    spec, result = kept(chosen, tiny, tmp_path, best=True)
    _, card = saved.load(saved.path_of(tmp_path, spec.id, best=True))
    values = [epoch["val_accuracy"] for epoch in result["epochs"]]
    assert card.weights == "best"
    assert (card.epoch, card.val_accuracy) == (1 + int(np.argmax(values)), max(values))
    states = []
    train(chosen, tiny, 3, CPU, watch=lambda model, figures: states.append(saved.weights(model)))
    model, _ = saved.load(saved.path_of(tmp_path, spec.id, best=True))
    for name, value in states[card.epoch - 1].items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_weights_are_not_fetched_again(recipe, tiny, tmp_path, monkeypatch):
    wanted = dataclasses.replace(recipe(model="resnet10t", resolution=32), start="pretrained")
    scratch = dataclasses.replace(wanted, start="scratch")
    model = saved.build(scratch, 10, 1)
    spec = RunSpec({"task": "digits"}, wanted, 0)
    keeper = saved.Keeper(tmp_path, spec, tiny, False)
    keeper.write(model, {"epoch": 1, "val_accuracy": 1.0}, None)
    again, card = saved.load(saved.path_of(tmp_path, spec.id))
    assert card.recipe.start == "pretrained"
    assert torch.equal(again.state_dict()["fc.weight"], model.state_dict()["fc.weight"])


def test_the_format_is_safetensors_that_others_read(model_file):
    """By the format's own description: a length, JSON, and raw little-endian numbers."""
    data = model_file.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    told = header.pop("__metadata__")
    assert json.loads(told["names"])[3] == "3"
    assert json.loads(told["recipe"])["optimizer"]["name"] == "sgd"
    begin, end = header["fc.bias"]["data_offsets"]
    numbers = np.frombuffer(data[8 + size + begin : 8 + size + end], "<f4")
    model, _ = saved.load(model_file)
    assert numbers.tolist() == model.state_dict()["fc.bias"].tolist()
    from safetensors import safe_open

    with safe_open(model_file, "np") as file:
        assert file.metadata()["format"] == saved.FORMAT
        assert set(file.keys()) == set(header)


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


def test_a_folder_that_cannot_be_written_ends_the_grid_and_records_nothing(recipe, tiny, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(BadInput, match="cannot write the model"):
        kept(recipe(), tiny, tmp_path / "models")


def test_averaged_probabilities(recipe, tiny, tmp_path):
    """Of two models, by hand; the second lists its classes in another order."""
    loaded = []
    for seed_of, name in ((recipe(), "a"), (recipe("label-smoothing"), "b")):
        spec, _ = kept(seed_of, tiny, tmp_path / name)
        loaded.append(saved.load(saved.path_of(tmp_path / name, spec.id)))
    single = [log_probabilities([one], tiny.test, CPU).exp().numpy() for one in loaded]
    order = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    model, card = loaded[1]
    turned = dataclasses.replace(card, names=tuple(card.names[i] for i in order))
    both = log_probabilities([loaded[0], (model, turned)], tiny.test, CPU).exp().numpy()
    np.testing.assert_allclose(both, (single[0] + single[1][:, order]) / 2, rtol=1e-5)
    np.testing.assert_allclose(both.sum(1), 1, rtol=1e-5)
    strange = dataclasses.replace(card, names=tuple("abcdefghij"))
    with pytest.raises(BadInput, match="other classes"):
        log_probabilities([loaded[0], (model, strange)], tiny.test, CPU)


def test_files_reach_a_model_as_its_stored_images_did(model_file, tiny, tmp_path):
    """A grey PNG of the stored size is the same image; a larger colour image is resized."""
    from PIL import Image

    _, card = saved.load(model_file)
    pixels = tiny.test.images[0, 0].numpy()
    Image.fromarray(pixels).save(tmp_path / "same.png")
    colour = np.repeat(np.repeat(pixels, 4, 0), 4, 1)[..., None].repeat(3, 2)
    Image.fromarray(colour).save(tmp_path / "large.png")
    files = Files((tmp_path / "same.png", tmp_path / "large.png"), torch.zeros(2).long())
    fitted = as_trained(files, card)
    assert isinstance(fitted, Resident)
    assert torch.equal(fitted.images[0], tiny.test.images[0])
    assert (fitted.images[1].int() - fitted.images[0].int()).abs().max() <= 60
    assert fitted.images.shape == (2, 1, 8, 8)
    with pytest.raises(BadInput, match="2 channels"):
        as_trained(Resident(torch.zeros(1, 2, 8, 8, dtype=torch.uint8), torch.zeros(1)), card)


def test_class_names_of_the_tasks():
    splits = find("digits").load(None, None)
    assert saved.class_names(splits) == tuple("0123456789")
    assert saved.class_names(dataclasses.replace(splits, names=())) == tuple(map(str, range(10)))


def test_the_outcome_tells_memory_and_the_gap(recipe, tiny):
    result = outcome(recipe(), tiny, 0, CPU)
    assert list(result["memory"]) == ["data", "model", "first_step", "peak"]
    assert all(stage["ram"] > 10 for stage in result["memory"].values())
    last = result["epochs"][-1]
    assert result["generalisation_gap"] == last["probe_accuracy"] - last["val_accuracy"]
    assert isinstance(result.pop("predictions"), bytes), "of a file beside the record"
    json.dumps(result)


def test_a_saved_model_of_timm_loads_in_plain_timm(recipe, tiny, tmp_path):
    import timm
    from safetensors.torch import load_file

    spec, _ = kept(recipe("zero-gamma", model="resnet10t"), tiny, tmp_path)
    path = saved.path_of(tmp_path, spec.id)
    plain = timm.create_model("resnet10t", num_classes=10, in_chans=1).eval()
    plain.load_state_dict(load_file(path), strict=True)
    images = torch.rand(2, 1, 32, 32)
    assert torch.allclose(plain(images), saved.load(path)[0](images), atol=1e-5)
