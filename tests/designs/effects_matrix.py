"""Model matrices computed directly, to check designs."""

import itertools

import numpy as np

from runner.designs.factor import Factor, Level


def factors(*sizes):
    return [
        Factor(f"f{i}", tuple(Level(str(a)) for a in range(size)), "field")
        for i, size in enumerate(sizes)
    ]


def effects(arms, sizes):
    """Columns (N, ·) of main effects and of two-factor interactions.

    Indicators of every level but the reference, each centred over the arms.
    """
    arms = np.array(arms)
    blocks = []
    for i, size in enumerate(sizes):
        indicators = (arms[:, i, None] == np.arange(1, size)).astype(float)
        blocks.append(indicators - indicators.mean(axis=0))
    pairs = [
        (a[:, :, None] * b[:, None, :]).reshape(len(arms), -1)
        for a, b in itertools.combinations(blocks, 2)
    ]
    return np.hstack(blocks), np.hstack([np.empty((len(arms), 0)), *pairs])


def worst_alias(arms, sizes):
    """The largest inner product, per run, of a main effect and an interaction."""
    main, pairs = effects(arms, sizes)
    return np.abs(main.T @ (pairs - pairs.mean(axis=0))).max(initial=0) / len(arms)


def strength(arms, sizes):
    """The largest t, up to 3, for which any t factors have every combination equally often."""
    arms = np.array(arms)
    for t in (1, 2, 3):
        for chosen in itertools.combinations(range(len(sizes)), t):
            shape = [sizes[i] for i in chosen]
            cells = np.bincount(
                np.ravel_multi_index(arms[:, chosen].T, shape), minlength=np.prod(shape)
            )
            if cells.min() != cells.max():
                return t - 1
    return 3
