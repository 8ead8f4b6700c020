"""A small network on scikit-learn's digits, with torch and torchvision alone."""

import argparse
import json
import pathlib

import torch
from sklearn.datasets import load_digits
from torch import nn
from torchvision.transforms import v2

parser = argparse.ArgumentParser()
parser.add_argument("--output", type=pathlib.Path, required=True)
for name, value in {"seed": 0, "epochs": 8, "lr": 0.05, "mixup": 0.0, "smoothing": 0.0}.items():
    parser.add_argument(f"--{name}", type=type(value), default=value)
parser.add_argument("--opt", choices=["sgd", "adamw"], default="sgd")
args = parser.parse_args()
torch.manual_seed(args.seed)
digits = load_digits()  # in the order of their writers: the last ones are the test set
x, y = torch.tensor(digits.images).float().unsqueeze(1) / 16, torch.tensor(digits.target)
net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
    nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(128, 10),
)  # fmt: skip
sgd = args.opt == "sgd"
optimizer = (torch.optim.SGD if sgd else torch.optim.AdamW)(net.parameters(), lr=args.lr)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
mixup = v2.MixUp(alpha=args.mixup, num_classes=10) if args.mixup else lambda *batch: batch
criterion = nn.CrossEntropyLoss(label_smoothing=args.smoothing)
log = ["epoch,loss,val_top1"]
for epoch in range(args.epochs):
    net.train()
    for batch in torch.randperm(900).split(50):
        images, targets = mixup(x[batch], y[batch])
        loss = criterion(net(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    said = net.eval()(x).argmax(1)
    right = 100 * (said == y).float()
    val, test = right[900:1100].mean().item(), right[1100:].mean().item()
    log.append(f"{epoch},{loss.item()},{val}")
rows = [f"{i},{y[i]},{said[i]}" for i in range(1100, len(y))]
(args.output / "log.csv").write_text("\n".join(log))
(args.output / "predictions.csv").write_text("\n".join(["image,label,predicted", *rows]))
(args.output / "result.json").write_text(json.dumps({"top1": test, "val_top1": val}))
