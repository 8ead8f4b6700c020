"""Softmax regression on two pixels, whose steps NumPy can follow."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from runner.training.step import Step
from tricks.optimizer.sgd import SGD

CPU = torch.device("cpu")
PLAIN = SGD(lr=0.1, momentum=0.0, nesterov=False, decay=0.0)


class Linear(nn.Module):
    """Softmax regression on two pixels, which NumPy can follow."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)

    def get_classifier(self):
        return self.fc

    def forward(self, x):
        return self.fc(x.flatten(1))


def gradient(w, b, x, y):
    scores = np.exp(x @ w.T + b)
    error = (scores / scores.sum(1, keepdims=True) - y) / len(x)
    return [error.T @ x, error.sum(0)]


def clipped(gradients, limit):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1, limit / norm) for g in gradients]


def batches(count, size=6):
    rng = np.random.default_rng(1)
    return [
        (rng.normal(size=(size, 2)), np.eye(3)[rng.integers(3, size=size)]) for _ in range(count)
    ]


def stepped(recipe, data):
    """Weight and bias after each of the steps of `recipe`; they start at the same place."""
    torch.manual_seed(0)
    model = Linear()
    start = [p.detach().numpy().astype(float) for p in model.parameters()]
    take = Step(recipe, model, len(data), torch.device("cpu"))
    after = []
    for place, (x, y) in enumerate(data):
        images = torch.tensor(x, dtype=torch.float32).view(len(x), 1, 1, 2)
        take(images, torch.tensor(y, dtype=torch.float32), place)
        after.append([p.detach().numpy().copy() for p in model.parameters()])
    return start, after, take


def agree(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
