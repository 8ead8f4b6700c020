"""One training as in a plain training script: `python -m benchmarks.plain_training --help`.

The tool is compared with this script: one process per run, torch's DataLoader with two workers,
torchvision's transforms image by image, all threads. Network, optimizer, arms, epochs, splits and
figures are the same as in the tool's runs. It uses channels-last, and prepares validation and test
images once, as an author who cares for speed would. It uses the tool only for network and splits.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from runner.images.sources import Resident
from runner.tasks.registry import find
from runner.training.model import SmallImageResNet50
from tricks.recipe import resolve

TASKS = ("digits", "fashion-mnist")
EVALUATED = 256  # images per batch in evaluation
SMOOTHING, WARMUP, LEAST = 0.1, 0.05, 5
Figures = tuple[float, float, Tensor]  # loss, accuracy in per cent, whether each image is right


class Transformed(Dataset[tuple[Tensor, int]]):
    """Images that pass through `transform` when they are read."""

    def __init__(self, source: Resident, transform: v2.Transform) -> None:
        self.source, self.transform = source, transform

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.transform(self.source.images[place]), int(self.source.labels[place])


@torch.inference_mode()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> Figures:
    model.eval()
    logits = torch.cat([model(part) for part in images.split(EVALUATED)])
    right = logits.argmax(1) == labels
    return (
        nn.functional.cross_entropy(logits, labels).item(),
        100 * right.float().mean().item(),
        right,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("out", type=Path, help="where the run's figures are written, as JSON")
    parser.add_argument("--tricks", nargs="*", default=[])
    parser.add_argument("--epochs", type=int, help="[the task's]")
    parser.add_argument("--images", type=int, help="training images [all]")
    parser.add_argument("--held", type=int, help="evaluated images, half of them tested [all]")
    parser.add_argument("--resolution", type=int, help="pixels a side [as stored]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    on = set(asked.tricks)
    torch.manual_seed(asked.seed)
    task = find(asked.task)
    recipe: Any = resolve(task.baseline, task.learning_rates)
    splits: Any = task.load(asked.data, asked.images)
    side = asked.resolution or splits.train.images.shape[-1]
    resize = [v2.Resize(asked.resolution)] if asked.resolution else []
    ready = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(splits.mean, splits.std)]
    random: list[nn.Module] = (
        [v2.RandomCrop(side, padding=side // 8)] if recipe.crop == "pad" else []
    )
    random += [v2.RandomHorizontalFlip()] if recipe.flip else []
    random += [v2.RandAugment()] if "randaugment" in on else []
    loader = DataLoader(
        Transformed(splits.train, v2.Compose([*resize, *random, *ready])),
        recipe.batch_size, shuffle=True, num_workers=asked.workers,
        persistent_workers=asked.workers > 0, drop_last=True,
    )  # fmt: skip
    clean = v2.Compose([*resize, *ready])
    most = asked.held or 4 * len(splits.test)
    held = {
        name: (
            clean(part.images[:count]).contiguous(memory_format=torch.channels_last),
            part.labels[:count],
        )
        for name, part, count in (
            ("val", splits.validation, most // 4),
            ("probe", splits.probe, most // 4),
            ("test", splits.test, most // 2),
        )
    }
    model = SmallImageResNet50(splits.classes, splits.channels, recipe.width, stem=recipe.stem)
    if "zero-gamma" in on:
        for block in model.modules():
            zero: Any = getattr(block, "zero_init_last", None)
            if zero is not None:
                zero()
    model = model.to(memory_format=torch.channels_last)
    loss_of = nn.CrossEntropyLoss(label_smoothing=SMOOTHING if "label-smoothing" in on else 0.0)
    mixers = []
    if "mixup" in on:
        mixers.append(v2.MixUp(alpha=0.2, num_classes=splits.classes))
    if "cutmix" in on:
        mixers.append(v2.CutMix(alpha=1.0, num_classes=splits.classes))
    mix = v2.RandomChoice(mixers) if mixers else None
    sgd, count = recipe.optimizer, asked.epochs or recipe.epochs
    optimizer = torch.optim.SGD(
        model.parameters(), lr=sgd.lr, momentum=sgd.momentum, nesterov=sgd.nesterov,
        weight_decay=sgd.decay, fused=True,
    )  # fmt: skip
    steps = count * len(loader)
    ramp = max(LEAST, round(WARMUP * steps)) if "warmup" in on else 0

    def factor(step: int) -> float:
        progress = (step + 0.5) / steps
        if "cosine" in on:
            scale = (1 + math.cos(math.pi * progress)) / 2
        else:
            scale = 0.1 ** sum(progress >= m for m in (0.5, 0.75))
        return scale * min(1.0, (step + 1) / ramp) if ramp else scale

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    epochs, seconds = [], {"train": 0.0, "evaluate": 0.0}
    for epoch in range(count):
        model.train()
        total, since = torch.zeros(()), time.perf_counter()
        for step, (x, y) in enumerate(loader):
            if epoch == step == 0:
                since = time.perf_counter()  # the workers are started once per run
            x = x.contiguous(memory_format=torch.channels_last)
            if mix is not None:
                x, y = mix(x, y)
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach()
        seconds["train"] += time.perf_counter() - since
        if (epoch + 1) % recipe.evaluate_every and epoch + 1 < count:
            continue
        since = time.perf_counter()
        val, probe = evaluate(model, *held["val"]), evaluate(model, *held["probe"])
        seconds["evaluate"] += time.perf_counter() - since
        epochs.append(
            {
                "epoch": epoch + 1,
                "loss": total.item() / len(loader),
                "val_loss": val[0],
                "val_accuracy": val[1],
                "probe_accuracy": probe[1],
            }
        )
    since = time.perf_counter()
    test = evaluate(model, *held["test"])
    seconds["evaluate"] += time.perf_counter() - since
    figures = {
        "test_loss": test[0],
        "test_accuracy": test[1],
        "correct": test[2].tolist(),
        "epochs": epochs,
        "seconds": seconds,
        "steps": steps,
    }
    asked.out.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
