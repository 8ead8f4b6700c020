"""The lines of every script: its data, its loop, its command line."""

from __future__ import annotations

HEAD = '''\
"""{title}

    python SCRIPT.py FOLDER --seed 0 --out model.safetensors

FOLDER has train/CLASS/images, and optionally val and test; or only CLASS/images, of which 15 % are
held out for validation and 15 % for test. The script needs torch, torchvision and timm. It was
written by tricks-bench, and runs without it.

{about}"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
from pathlib import Path
{imports}

import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import v2

EPOCHS, BATCH = {epochs}, {batch}
DRAWS = torch.Generator()  # all random numbers of a batch
'''

DATA = '''

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
PARTS = {{"train": ("train", "training"), "val": ("val", "valid", "validation"), "test": ("test",)}}


def find(folder):
    """Part -> [(file, number of its class)], and the names of the classes."""
    there = {{p.name.lower(): p for p in sorted(folder.iterdir()) if p.is_dir()}}
    found = {{part: next((there[n] for n in names if n in there), None)
             for part, names in PARTS.items()}}
    top = found["train"] or folder
    names = sorted(p.name for p in top.iterdir() if p.is_dir())
    if len(names) < 2:
        raise SystemExit(f"{{top}}: give a folder with one subfolder per class, at least two")
    rows = {{
        part: [
            (file, number)
            for number, name in enumerate(names)
            for file in sorted((place / name).rglob("*"))
            if file.suffix.lower() in EXTENSIONS
        ]
        for part, place in {{**found, "train": top}}.items()
        if place is not None
    }}
    for part in ("test", "val"):
        if part not in rows:
            rows["train"], rows[part] = held_out(rows["train"], len(names))
    return rows, names


def held_out(rows, classes):
    """The rest of the rows, and 15 % of each class; the same rows each time."""
    held = set()
    for number in range(classes):
        mine = [row for row in rows if row[1] == number]
        random.Random(1).shuffle(mine)
        held.update(mine[: max(1, round(0.15 * len(mine)))])
    return [row for row in rows if row not in held], [row for row in rows if row in held]


def grey(file):
    """Whether an image is grey."""
    with Image.open(file) as image:
        return image.mode in ("1", "L")


def opened(file, channels):
    """The pixels of a file: uint8 (channels, H, W)."""
    with Image.open(file) as image:
        image = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
    image = v2.functional.pil_to_tensor(image)
{small}    return image


def train_view(image, side):
    """An image (C, H, W), cropped to `side` pixels for training."""
    return {train}


def test_view(image, side):
    """An image (C, H, W), cropped to `side` pixels for evaluation."""
{scaled}    return {test}


class Images(torch.utils.data.Dataset):
    """Place -> (image, label, place)."""

    def __init__(self, rows, side, channels, training):
        self.rows, self.side, self.channels, self.training = rows, side, channels, training

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        file, label = self.rows[place]
        view = train_view if self.training else test_view
        return view(opened(file, self.channels), self.side), label, place


def as_input(images, mean, std):
    """uint8 images (B, C, H, W) as the network's input."""
{inputs}    scale = torch.tensor([1 / (255 * s) for s in std], device=images.device)
    shift = torch.tensor([m / s for m, s in zip(mean, std)], device=images.device)
    x = images.to(torch.float32).mul_(scale.view(1, -1, 1, 1)).sub_(shift.view(1, -1, 1, 1))
    return x{layout}
'''

STATISTICS = '''

@torch.no_grad()
def reestimate(network, trained, shown, device):
    """Estimate the statistics of the norms of `network` on up to 10,000 training images."""
    moving = {name for name, module in trained.named_modules() if module.training}
    norms = [
        module for name, module in network.named_modules()
        if name in moving and getattr(module, "running_var", None) is not None
    ]
    momenta = [norm.momentum for norm in norms]
    for name, module in network.named_modules():
        module.training = name in moving
    for step, x in enumerate(itertools.islice(shown, math.ceil(10_000 / BATCH))):
        for norm in norms:
            norm.momentum = 1 / (step + 1)
        network(x)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    network.eval()
'''

APART = '''

@torch.no_grad()
def apart(model, outer):
    """A network with the weights that an optimizer keeps besides the trained ones; the keeper."""
    holder = outer
    while not hasattr(holder, "weights"):
        if not hasattr(holder, "optimizer"):
            return model, None
        holder = holder.optimizer
    held = {id(p): weights for p, weights in holder.weights()}
    network = copy.deepcopy(model).requires_grad_(False)
    pairs = [*zip(network.parameters(), model.parameters())]
    for mine, own in pairs:
        mine.copy_(held.get(id(own), own))
    return network, holder
'''

LOOP = '''

def fit(model, batches, per_epoch, batch, classes, mean, std, device, after=None):
    """Train `model` on the device. Returns the network to evaluate, and the loss of each step.

    batches(epoch): images uint8 (B, C, H, W), labels (B,) and places (B,) of each step.
    after(epoch, network): is called after each epoch.
    """
    total = EPOCHS * per_epoch
    rates = learning_rates(total, batch)
{before}    losses = []
    for epoch in range(EPOCHS):
        model.train()
        for images, labels, places in batches(epoch):
            place = len(losses)
            x, y = prepare(
                images, labels, places, epoch, place / total, classes, mean, std, device
            )
            for group in optimizer.param_groups:
                group["lr"] = rates[place] * group.get("lr_factor", 1.0)
{rates}
            def gradient():
{gradient}
{step}{after}            losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"diverged in epoch {{epoch + 1}}: its loss is {{losses[-1]}}")
{shown}{evaluated}        if after is not None:
            after(epoch, evaluated)
    return evaluated, losses
'''

MAIN = '''

@torch.no_grad()
def evaluate(model, loader, mean, std, device):
    """Accuracy in per cent."""
    model.eval()
    right = count = 0
    for images, labels, _ in loader:
        for x, y in zip(as_input(images.to(device), mean, std).split(64), labels.split(64)):
{logits}            right += int((logits.argmax(1).cpu() == y).sum())
            count += len(y)
    return 100 * right / count


def main():
    """Train on the folder given on the command line."""
    asked = argparse.ArgumentParser(description=__doc__.split("\\n")[0])
    asked.add_argument("folder", type=Path)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asked.add_argument("--workers", type=int, default=2, help="processes that read images")
    asked.add_argument("--weights", type=Path, help="a .safetensors file to start from")
    asked.add_argument("--out", type=Path, help="where to write the weights, as .safetensors")
    asked = asked.parse_args()
    device = torch.device(asked.device)
    torch.manual_seed(asked.seed)
    DRAWS.manual_seed(asked.seed)
    if device.type == "cpu":
        torch.set_num_threads({threads})
{precision}    rows, names = find(asked.folder)
    train, classes = rows["train"], len(names)
    channels = {channels}
    side = {side}
{measured}    batch = min(BATCH, len(train))
    per_epoch = len(train) // batch

    def loader(rows, order, training):
        steps = order.view(-1, batch).tolist() if training else order.split(256)
        return torch.utils.data.DataLoader(
            Images(rows, side, channels, training), num_workers=asked.workers,
            batch_sampler=[list(map(int, step)) for step in steps],
        )

    def batches(epoch):
        order = torch.randperm(len(train)){repeats}
        return loader(train, order[: per_epoch * batch], True)

    held = {{part: loader(rows[part], torch.arange(len(rows[part])), False)
            for part in ("val", "test")}}
    model = build_model(classes, channels)
    if asked.weights is not None:
        model.load_state_dict(load_file(asked.weights))

    def after(epoch, network):
        if (epoch + 1) % {every} == 0 or epoch + 1 == EPOCHS:
            found = evaluate(network, held["val"], mean, std, device)
            print(f"epoch {{epoch + 1}}/{{EPOCHS}}: validation {{found:.2f}} %", flush=True)

    model, _ = fit(
        model.to(device), batches, per_epoch, batch, classes, mean, std, device, after
    )
    print(f"test {{evaluate(model, held['test'], mean, std, device):.2f}} %")
    if asked.out is not None:
        weights = {{name: value.cpu().contiguous() for name, value in model.state_dict().items()}}
        told = {{"classes": names, "mean": mean, "std": std, "side": side}}
        save_file(weights, asked.out, {{k: json.dumps(v) for k, v in told.items()}})
        print(asked.out)


if __name__ == "__main__":
    main()
'''
