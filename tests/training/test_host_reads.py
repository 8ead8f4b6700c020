"""No step waits for the device: random numbers are drawn on the CPU and moved there once.

The device is torch's meta device, which has no data. So operations that would let the CPU wait for
a GPU fail on it (item, tolist, bool, nonzero, a mask as an index, a copy to the CPU), and so does a
sum with a tensor on the CPU. A copy to a GPU waits for all work of the GPU, unless it is
non-blocking.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections import Counter

import pytest
import torch
from torch.overrides import TorchFunctionMode

from runner.training import evaluation, loop
from runner.training.evaluation import Evaluation
from tests.bag import BASELINE, TEACHER, cut_network, ground, tiny_splits, write_teacher
from tricks import BadInput, compose, parse, registry, resolve

META = torch.device("meta")
RATES = {"sgd": 0.01, "lars": 0.5, "adamw": 0.001}
EPOCHS = 2  # of two steps
STANDARD = ("mixup", "cutmix", "randaugment", "label-smoothing", "warmup", "cosine", "zero-gamma")
OTHERWISE = {  # what the baseline of these tests does not have
    "distillation": f"distillation(teacher={TEACHER!r})",
    "ghost-batch-norm": "ghost-batch-norm(part=4)",
    "mixing-off": "mixing-off(share=0.5)",
    "sgd": "sgd(momentum=0.8)",
    "step-decay": "step-decay(milestones=(0.3, 0.6))",
}
# Those that must read: Pillow encodes on the CPU, and torch's GradScaler looks every step whether
# the gradient overflowed. compile is torch's own, which traces other networks for this device.
READ = ("jpeg", "fp16", "compile")

ONCE = ("torch.optim", "torch.nn.modules.module", "torch.utils._device")


def recipe_of(texts):
    tricks = [parse(text) for text in texts]
    baseline = dataclasses.replace(BASELINE, epochs=EPOCHS)
    return compose(ground(*tricks, baseline=baseline), tricks)


def groups():
    """Every trick of the bag that reads nothing from the device, in as few groups as possible."""
    found = [list(STANDARD)]
    for name in sorted(set(registry()) - set(STANDARD) - set(READ)):
        text = OTHERWISE.get(name, name)
        for group in found[1:]:
            with contextlib.suppress(BadInput):
                recipe_of([*group, text])
                group.append(text)
                break
        else:
            found.append([text])
    return found


class Copies(TorchFunctionMode):
    """Lists where a step copies to the device and waits for it, in whoever's code.

    But for what is done once: networks are moved there, optimizers make their counters, and the
    shapes of a saved network are tried on this very device (torch.utils._device).
    """

    def __init__(self):
        super().__init__()
        self.waiting = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        frame = sys._getframe(1)
        once = frame.f_globals["__name__"].startswith(ONCE)
        if not once and isinstance(made, torch.Tensor) and made.device == META:
            moved = func is torch.Tensor.to and args[0].device != META
            waits = moved and not (kwargs or {}).get("non_blocking")
            if waits or func in (torch.tensor, torch.as_tensor):
                self.waiting.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return made


def coloured(splits):
    """Images of three channels: some tricks leave grey ones as they are."""
    part = dataclasses.replace(splits.train, images=splits.train.images.repeat(1, 3, 1, 1))
    parts = dict.fromkeys(("train", "validation", "test", "probe"), part)
    return dataclasses.replace(splits, **parts, channels=3, mean=(0.5,) * 3, std=(0.25,) * 3)


def reads(texts, monkeypatch, folder):
    """How often a training with these tricks reads a number from the device."""
    counts = Counter()
    item = torch.Tensor.item

    def counted(tensor):
        if tensor.device != META:
            return item(tensor)
        counts["item"] += 1
        return 1.0

    monkeypatch.setattr(torch.Tensor, "item", counted)
    monkeypatch.setattr("runner.training.model._network", cut_network)
    splits = coloured(tiny_splits())
    write_teacher(splits, folder / "teacher.safetensors")
    recipe = recipe_of([text.replace(TEACHER, f"{folder}/teacher.safetensors") for text in texts])
    whole = Evaluation(1.0, torch.ones(4, dtype=torch.bool))
    monkeypatch.setattr(loop, "evaluate", lambda *_: whole)
    monkeypatch.setattr(loop.memory, "now", lambda device: {})
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    for optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
        # There is no fused kernel for this device; those of a GPU read nothing.
        monkeypatch.setattr(optimizer, "__init__", without_fused(optimizer.__init__))
    recipe = resolve(dataclasses.replace(recipe, start="scratch"), RATES)
    splits = splits.to(META)
    with Copies() as copies:
        loop.train(recipe, splits, 0, META)
    assert copies.waiting == []
    return counts["item"]


def without_fused(init):
    def plain(self, *args, **kwargs):
        init(self, *args, **{**kwargs, "fused": None})

    return plain


@pytest.mark.parametrize("texts", groups(), ids=lambda texts: "+".join(texts)[:60])
def test_an_epoch_reads_its_loss_and_nothing_else(texts, monkeypatch, tmp_path):
    """The first epoch also reads the loss of its first step, when the device has nothing else to
    do. If gradients are clipped, an epoch also reads sum, maximum and count of their norms.
    """
    clips = any("clip" in parse(text).edits().sets for text in texts)
    assert reads(texts, monkeypatch, tmp_path) == EPOCHS * (4 if clips else 1) + 1


def test_what_reads_is_seen(monkeypatch, tmp_path):
    assert reads(["fp16"], monkeypatch, tmp_path) == EPOCHS + 1 + 2 * EPOCHS
    with pytest.raises(NotImplementedError, match="meta"):
        reads(["jpeg"], monkeypatch, tmp_path)


def test_an_evaluation_reads_its_loss_and_what_was_right(monkeypatch):
    read = Counter()

    def told(tensor, what):
        read[what] += tensor.device == META
        return torch.ones(tensor.shape, dtype=tensor.dtype)

    monkeypatch.setattr(evaluation, "BATCH", 4)
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: told(tensor, "cpu"))
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: told(tensor, "item").sum().tolist())
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    splits = tiny_splits().to(META)
    model = cut_network(BASELINE, splits.classes, splits.channels).to(META)
    evaluation.evaluate(model, splits.test, splits, BASELINE, META)
    assert read == {"item": 1, "cpu": 1}
