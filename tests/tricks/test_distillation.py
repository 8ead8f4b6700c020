"""Distillation: its loss by NumPy, its teacher by what a file and timm hold."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from runner.records.spec import RunSpec
from runner.training.teacher import teacher
from tests.bag import BASELINE, tiny_splits, write_teacher
from tricks import BadInput, compose, parse, resolve
from tricks.recipe import Recipe

STUDENT = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
AIMS = np.array([[1.0, 1.0, -3.0], [0.5, 4.0, 0.0]])
TARGETS = np.array([[0.9, 0.05, 0.05], [0.3, 0.0, 0.7]])
CPU = torch.device("cpu")
RATES = {"sgd": 0.01}


def softmax(z):
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


class Fixed(nn.Module):
    """Logits that do not depend on the images."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, x):
        return 1 * self.logits


@pytest.mark.parametrize(("temperature", "weight"), [(20.0, 0.9), (4.0, 0.3), (1.0, 1.0)])
def test_the_loss_by_hand(tmp_path, temperature, weight):
    write_teacher(tiny_splits(), tmp_path / "t.safetensors")
    text = f"distillation(teacher='{tmp_path}/t.safetensors', "
    trick = parse(text + f"temperature={temperature}, weight={weight})")
    student, other = Fixed(STUDENT), Fixed(AIMS)
    loss = trick.prepare(student, lambda name: other)(student, None, torch.tensor(TARGETS))
    p, q = softmax(AIMS / temperature), softmax(STUDENT / temperature)
    divergence = (p * np.log(p / q)).sum(1).mean()
    labels = -(TARGETS * np.log(softmax(STUDENT))).sum(1).mean()
    expected = (1 - weight) * labels + weight * temperature**2 * divergence
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert other.logits.grad is None
    # The gradient of T² KL is T (q - p), of the labels' part softmax - y; per image.
    slope = (1 - weight) * (softmax(STUDENT) - TARGETS) + weight * temperature * (q - p)
    np.testing.assert_allclose(student.logits.grad, slope / 2, rtol=1e-3, atol=1e-6)


def test_a_teacher_of_a_file_gives_what_the_saved_network_gave(tmp_path):
    splits = tiny_splits()
    path = str(tmp_path / "t.safetensors")
    known = write_teacher(splits, path)
    found = teacher(path, splits, Recipe(), CPU)
    x = torch.randn(3, 1, 8, 8)
    assert torch.equal(found(x), known(x))
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())


def test_a_teacher_of_another_normalisation_sees_the_same_pixels(tmp_path):
    splits = tiny_splits()
    path = str(tmp_path / "t.safetensors")
    known = write_teacher(splits, path, mean=(0.3,), std=(0.1,))
    pixels = torch.rand(3, 1, 8, 8)
    expected = known((pixels - 0.3) / 0.1)
    found = teacher(path, splits, Recipe(), CPU)((pixels - 0.5) / 0.25)
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-3, atol=1e-4)
    own = Recipe(normalisation=parse("normalisation(mean=(0.3,), std=(0.1,))"))
    same = teacher(path, splits, own, CPU)((pixels - 0.3) / 0.1)
    np.testing.assert_allclose(same.detach(), expected.detach(), rtol=1e-5)
    # A teacher that was itself trained with that trick, on images of the task's own statistics.
    write_teacher(splits, path, recipe={"normalisation": own.normalisation})
    found = teacher(path, splits, Recipe(), CPU)((pixels - 0.5) / 0.25)
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 5, "names": tuple("01234")}, "has 5 classes, but this task has 4"),
        ({"names": ("0", "1", "3", "2")}, "has a class '3', but this task has '2'"),
    ],
)
def test_a_teacher_of_other_classes_is_refused(tmp_path, monkeypatch, change, message):
    path = str(tmp_path / "t.safetensors")
    splits = tiny_splits()
    own = dataclasses.replace(splits, **{k: v for k, v in change.items() if k == "classes"})
    write_teacher(own, path, **change)
    with pytest.raises(BadInput, match=message):
        teacher(path, splits, Recipe(), CPU)


def test_a_teacher_of_prepared_images_needs_them_prepared(tmp_path):
    splits, path = tiny_splits(), str(tmp_path / "t.safetensors")
    prepared = compose(Recipe(), [parse("clahe-input")])
    write_teacher(splits, path, recipe={"inputs": prepared.inputs})
    with pytest.raises(BadInput, match="trained on images after clahe-input"):
        teacher(path, splits, Recipe(), CPU)
    assert not teacher(path, splits, prepared, CPU).training


def test_other_teachers_that_cannot_be(tmp_path):
    splits = tiny_splits()
    with pytest.raises(BadInput, match="has 1000 classes, but this task has 4"):
        teacher("resnet18", splits, Recipe(), CPU)
    with pytest.raises(BadInput, match=r"unknown teacher .* closest names are .*resnet18"):
        teacher("resnet81", splits, Recipe(), CPU)
    path = str(tmp_path / "t.safetensors")
    write_teacher(dataclasses.replace(splits, channels=3, mean=(0.5,) * 3, std=(0.5,) * 3), path)
    with pytest.raises(BadInput, match="needs images of 3 channels, but these have 1"):
        teacher(path, splits, Recipe(), CPU)


def run_id(text):
    return RunSpec({}, resolve(compose(BASELINE, [parse(text)]), RATES), 0)


def test_the_run_is_the_teachers_content_not_its_place(tmp_path):
    one, two, three = (str(tmp_path / f"{name}.safetensors") for name in "abc")
    write_teacher(tiny_splits(), one)
    write_teacher(tiny_splits(), two)
    write_teacher(tiny_splits(), three, epoch=2)
    ids = [run_id(f"distillation(teacher='{path}')").id for path in (one, two, three)]
    assert ids[0] == ids[1] != ids[2]
    assert (
        run_id("distillation(teacher='resnet18')").id != run_id("distillation(teacher='vgg11')").id
    )
    spec = run_id(f"distillation(teacher='{one}')")
    assert RunSpec.from_json(spec.to_json()).id == spec.id
    assert spec.recipe.objective.teacher == one


def test_a_teacher_that_changed_after_the_plan_is_refused(tmp_path):
    path = str(tmp_path / "t.safetensors")
    write_teacher(tiny_splits(), path)
    recipe = run_id(f"distillation(teacher='{path}')").recipe
    write_teacher(tiny_splits(), path, epoch=200)
    given = partial(teacher, splits=tiny_splits(), recipe=recipe, device=CPU)
    with pytest.raises(BadInput, match="is not the one meant"):
        recipe.objective.prepare(nn.Identity(), given)


def test_a_teacher_has_to_be_named_and_there():
    with pytest.raises(BadInput, match="distillation needs a teacher"):
        run_id("distillation")
    with pytest.raises(BadInput, match="No such file"):
        run_id("distillation(teacher='nowhere.safetensors')")
