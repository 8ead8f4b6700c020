"""Made-up studies with known effects, in the shape of the store's tables."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd

from runner.analysis.analyze import analyze
from runner.analysis.data.estimates import Estimate
from runner.analysis.data.experiment import Experiment
from runner.analysis.effects import BASELINE, Effect, Interaction
from runner.analysis.result import Analysis
from runner.records import record_schema
from runner.records.study_toml import from_mapping
from runner.reporting.material import Material

TRICKS = ("warmup", "zero-gamma", "cosine", "label-smoothing", "mixup", "cutmix", "randaugment",
          "evonorm")  # fmt: skip
EFFECT = {
    "warmup": 0.3, "zero-gamma": 1.9, "cosine": 0.0, "label-smoothing": 0.4, "mixup": -0.8,
          "cutmix": -1.5, "randaugment": -0.6, "evonorm": 0.5,
          "lars": -1.0, "adamw": 0.6}  # fmt: skip
SLOWER = {"mixup": 1.03, "cutmix": 1.05, "randaugment": 1.2, "evonorm": 2.1, "lars": 1.1}


def factors(tricks=TRICKS, optimizer=True):
    """The standard bag."""
    found = dict.fromkeys(tricks, ("off", "on"))
    return {**found, "optimizer": ("sgd", "lars", "adamw")} if optimizer else found


def full(bag, repeats=1):
    """All arms as level dicts."""
    arms = [dict(zip(bag, levels, strict=True)) for levels in itertools.product(*bag.values())]
    return [arm for arm in arms for _ in range(repeats)]


def add_one(bag, seeds):
    """Baseline and each single change, `seeds` times."""
    base = {name: levels[0] for name, levels in bag.items()}
    single = [{**base, name: level} for name, levels in bag.items() for level in levels[1:]]
    return [arm for arm in [base, *single] for _ in range(seeds)]


def cumulative(bag, seeds):
    """One trick after the other."""
    arms = [{name: levels[0] for name, levels in bag.items()}]
    for name, levels in bag.items():
        arms.append({**arms[-1], name: levels[-1]})
    return [arm for arm in arms for _ in range(seeds)]


def pairs(bag, seeds):
    """Baseline, singles and all pairs of two-level factors."""
    base = {name: levels[0] for name, levels in bag.items()}
    arms = [base, *({**base, n: bag[n][1]} for n in bag)]
    arms += [{**base, a: bag[a][1], b: bag[b][1]} for a, b in itertools.combinations(bag, 2)]
    return [arm for arm in arms for _ in range(seeds)]


def truth(arm):
    """Mean accuracy and run-to-run sd of an arm."""
    on = {arm.get("optimizer", "sgd")} | {name for name in arm if arm[name] == "on"}
    mean = 95.0 + sum(EFFECT.get(name, 0.0) for name in on)
    if {"zero-gamma", "evonorm"} <= on:
        mean -= 35.0 if "warmup" in on else 50.0
    if {"zero-gamma", "evonorm", "lars"} <= on:
        mean = 11.0
    sd = 0.35 + 0.3 * len(on - {"sgd"}) ** 1.2
    return min(mean, 99.0), sd


def runs(arms, seed=0, diverge=True):
    """The table of runs with noise, times and diverged runs."""
    rng = np.random.default_rng(seed)
    rows, count = [], {}
    for i, arm in enumerate(arms):
        mean, sd = truth(arm)
        on = {arm.get("optimizer", "sgd")} | {name for name in arm if arm[name] == "on"}
        key = tuple(arm.values())
        count[key] = count.get(key, -1) + 1
        bad = diverge and "lars" in on and "warmup" not in on and rng.random() < 0.12
        y = float(np.clip(mean + sd * rng.standard_normal(), 5, 100))
        seconds = 4.0 * np.prod([SLOWER.get(name, 1.0) for name in on]) * rng.lognormal(0, 0.04)
        rows.append({
            "id": f"{i:016x}", "state": "diverged" if bad else "ok", "seed": count[key], **arm,
            "accuracy": None if bad else y, "loss": None if bad else 0.02 * (100 - y),
            "val_accuracy": None if bad else y + 1 + 0.3 * rng.standard_normal(),
            "cpu_seconds": seconds, "train_seconds": seconds * 1.1, "chance_accuracy": 10.3,
            "device": "cpu",
        })  # fmt: skip
    return pd.DataFrame(rows)


def curves(table, epochs=10):
    """Learning curves that end at each run's validation accuracy."""
    rows = []
    for run in table.to_dict("records"):
        for epoch in range(1, epochs + 1):
            share = epoch / epochs
            lr = 0.5 * (1 + np.cos(np.pi * share)) if run.get("cosine") == "on" else 1.0
            if run.get("cosine") != "on":
                lr = 1.0 if share <= 0.5 else 0.1 if share <= 0.75 else 0.01
            lr *= {"sgd": 0.05, "lars": 2.0, "adamw": 0.01}[run.get("optimizer", "sgd")]
            if run.get("warmup") == "on" and epoch == 1:
                lr *= 0.5
            reached = run["val_accuracy"]
            value = None if pd.isna(reached) else reached * (1 - 0.6 * np.exp(-5 * share))
            rows.append({"id": run["id"], "epoch": epoch, "val_accuracy": value, "lr": lr})
    return pd.DataFrame(rows)


def records(table):
    """The part of the records that a report reads."""
    return [
        {
            "id": run["id"], "state": run["state"],
            "tricks": [k for k in TRICKS if run.get(k) == "on"],
            "data": {"name": "digits", "fingerprint": "ab" * 32, "train": 967, "val": 130},
            "recipe": {"model": "small-image-resnet50", "epochs": 10, "norm": None,
                       "optimizer": {"name": "sgd", "version": 1, "lr": 0.05, "momentum": 0.9}},
            "steps": 160, "warmup_steps": 8 if run.get("warmup") == "on" else 0,
            "seconds": {"train": run["train_seconds"], "evaluate": 0.5, "wait": 0.0,
                        "cpu": run["cpu_seconds"], "total": run["train_seconds"] + 1},
            "versions": {"python": "3.12.3", "torch": "2.10.0"}, "device": "cpu",
            "code_revision": "abc123", "parameters": 374_000, "test_images": 700, "error": None,
        }
        for run in table.to_dict("records")
    ]  # fmt: skip


def asked(name, grid, bag, arms, seeds):
    """What the study asked for."""
    return {
        "name": name, "task": "digits", "grid": grid, "seeds": seeds, "arms": arms,
        "factors": [{"name": n, "levels": list(v), "kind": "trick"} for n, v in bag.items()],
        "settings": {}, "reference": {}, "order": [], "excluded": 0,
    }  # fmt: skip


def study(grid, seeds=3, bag=None, diverge=True, rng=0):
    """(experiment, curves, asked, records) of a made-up study."""
    bag = bag or factors()
    make = {"add-one": add_one, "full": full, "cumulative": cumulative, "pairs": pairs}
    if grid == "leave-one-out":
        top = {name: levels[-1] for name, levels in bag.items()}
        arms = [top, *({**top, name: levels[0]} for name, levels in bag.items())]
        arms = [arm for arm in arms for _ in range(seeds)]
    else:
        arms = make[grid](bag, seeds)
    table = runs(arms, rng, diverge)
    experiment = Experiment(table, bag, grid)
    meta = asked(f"digits-{grid}", grid, bag, len(arms) // seeds, seeds)
    return experiment, curves(table), meta, records(table)


def material(experiment, curves, asked, records, metric="accuracy", **more):
    """What a report on the study is made of."""
    analysis = analyze(experiment, metric)
    typed = from_mapping(asked)
    name = typed.name or "study"
    held = [record_schema.read(record) for record in records]
    return Material(name, analysis, experiment, curves, typed, held, experiment.runs, **more)


def effect(label, value=1.0, se=None, df=None):
    """An effect of a two-level factor."""
    return Effect(label, "on", "off", Estimate(value, se, df), None, "undecided", 6)


def interaction(terms, value=1.0, p_adjusted=0.01):
    """An interaction of these pairs, which the runs cannot tell apart."""
    label = " = ".join(" × ".join(pair) for pair in terms)
    return Interaction(label, tuple(terms), Estimate(value), p_adjusted)


def bare_analysis(effects, interactions=(), **more):
    """An analysis of little else than effects."""
    kept = {
        "metric": "accuracy", "unit": "pp", "larger_is_better": True, "layout": "factorial",
        "estimand": BASELINE, "sigma": None, "sigma_source": "pooled", "error_term": "replicates",
        "df": None, "negligible": 0.2, "level": 0.05, "adjustment": "", "notes": (),
    }  # fmt: skip
    kept |= {"effects": tuple(effects), "interactions": tuple(interactions)}
    return Analysis(**kept | more)


def changed(analysis, factor, **fields):
    """The analysis with other fields in the effects of `factor`."""
    effects = (replace(e, **fields) if e.factor == factor else e for e in analysis.effects)
    return replace(analysis, effects=tuple(effects))


ASKED = from_mapping(
    {"task": "digits", "grid": "full", "factors": [{"name": "a", "levels": ["off", "on"]}]}
)
