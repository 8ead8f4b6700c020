"""Models on disk: a trained model is read back, also by others."""

import dataclasses
import json
import struct

import numpy as np
import pytest
import torch

from runner.images.sources import Files, Resident
from runner.inference.prediction import as_trained, log_probabilities
from runner.records.spec import RunSpec
from runner.tasks.registry import find
from runner.training import saved
from runner.training.evaluation import evaluate
from runner.training.loop import train
from tests.bag import outcome
from tests.training.kept_models import kept
from tricks import BadInput

CPU = torch.device("cpu")


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
