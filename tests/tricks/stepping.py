"""Optimizers taken through given gradients, for comparison with written-out equations."""

from __future__ import annotations

import numpy as np
import torch

SHAPES = [(4, 3), (2, 3, 3, 3), (5,), ()]
LEARNING_RATES = [0.5, 2.0, 1.5, 0.1, 0.01]  # changing from step to step, as a schedule does


def run(trick, gradients, start, learning_rates=LEARNING_RATES):
    """The parameters after each step of `trick`, given the gradients of each step."""
    parameters = [torch.nn.Parameter(torch.tensor(p, dtype=torch.float32)) for p in start]
    optimizer = trick.build(parameters)
    for lr, step in zip(learning_rates, gradients, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        yield [parameter.detach().numpy().copy() for parameter in parameters]


def problem(steps=5):
    """Parameters of `SHAPES` and their gradients at each of `steps`."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape) for shape in SHAPES]
    return start, [[rng.normal(size=shape) for shape in SHAPES] for _ in range(steps)]


def same(found, expected, rtol=2e-5, atol=1e-6):
    """Every parameter is what was expected."""
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
