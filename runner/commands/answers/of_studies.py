"""The JSON of commands about studies: analyze, run, check, status, report, plan."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

Object = dict[str, Any]
Number = float | None
Maybe = Object | None | UnsetType


class Effect(msgspec.Struct, kw_only=True):
    """The change of the metric that a level causes, in the metric's unit, with its interval."""

    factor: str
    level: str
    reference: str
    label: str
    effect: Number
    ci_low: Number
    ci_high: Number
    se: Number
    df: Number
    p: Number
    reason: str | None
    ci_alone: list[float] | None
    ci_together: list[float] | None
    p_adjusted: Number
    # helps | hurts | negligible | depends | undecided; raises | lowers where no direction is known
    verdict: str
    runs: int
    simultaneous: int | None
    mean: Number
    population: Object | None
    verdict_population: str | None
    at_baseline: Object | None
    at_baseline_from: str | None
    depends_on: list[Object]
    may_depend_on: list[str]
    time: Object | None
    worst_rank: Object | None
    to_decide: Object | None
    odds_ratio: Object | None


class Analyze(msgspec.Struct, kw_only=True):
    """analyze: effects, intervals and verdicts; accuracies in percentage points."""

    metric: str
    unit: str
    larger_is_better: bool | None  # null: the direction is unknown
    layout: str
    estimand: str
    sigma: Number
    sigma_source: str
    error_term: str
    df: Number
    df_of_intervals: list[float] | None
    lack_of_fit: Object | None
    level: float
    confidence: float
    negligible: Number
    adjustment: str
    effects: list[Effect]
    interactions: list[Object]
    arms: list[Object]
    divergence: list[Object]
    collapsed: Object
    runs: dict[str, int]
    notes: list[str]
    half_normal: Object | None
    half_normal_reason: str | None
    best: Object | None
    best_reason: str | None
    noise: Object
    pairing: Object
    floor: Object
    published: list[Object]
    pareto: Object
    equal_arms: list[Object]
    detectable: Maybe = UNSET
    stage: str | UnsetType = UNSET  # of a study with stages, beside the choices of its arms
    tuning: Maybe = UNSET
    equal_time: Maybe = UNSET


class Run(msgspec.Struct, kw_only=True):
    """run: the number of runs by outcome."""

    study: str
    ok: int
    diverged: int
    failed: int
    infra: int
    recorded_before: int
    interrupted: bool
    out_of_time: bool
    paused: int


class RunInLooks(msgspec.Struct, kw_only=True):
    """run --until: the looks so far, and why the study stopped."""

    study: str
    stopped: str
    looks: list[Object]


class DryRun(msgspec.Struct, kw_only=True):
    """run --dry-run, check --dry-run: what would be trained, and the predicted hours."""

    study: str
    task: str
    grid: str
    factors: list[Object]
    arms: int
    excluded: int
    runs: int
    recorded: int | None
    missing: int | None
    seeds: int
    control_seeds: int | None
    settings: dict[str, str]
    notes: list[str]
    predicted_hours: Number
    predicted_core_hours: Number
    prediction: Object
    detects: Object
    predicted_hours_reason: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    images: Maybe = UNSET
    until: str | UnsetType = UNSET
    level: float | UnsetType = UNSET
    looks: list[Object] | UnsetType = UNSET
    stages: Maybe = UNSET
    tune: Maybe = UNSET
    tune_seeds: int | UnsetType = UNSET
    equal: str | UnsetType = UNSET
    proxy: dict[str, str] | UnsetType = UNSET


class Part(msgspec.Struct, kw_only=True):
    """One part of a check. command: fixes a failed part; null if none is needed."""

    name: str
    verdict: str
    value: Number
    limit: Number
    command: str | None
    reason: str | None
    unit: str | None
    ci_low: Number
    ci_high: Number


class Check(msgspec.Struct, kw_only=True):
    """check: whether a baseline is worth ablating."""

    task: str
    study: str
    metric: str
    passed: bool
    runs: int
    recorded: int
    checks: list[Part]


class Status(msgspec.Struct, kw_only=True):
    """status: runs by state, failed runs, and running runs."""

    study: str
    planned: int
    ok: int
    diverged: int
    failed: int
    infra: int
    running: int
    missing: int
    failures: list[Object]
    running_runs: list[Object]
    checkpoints: list[Object]
    jobs: list[Object]  # submissions to a cluster: states, hosts, runs and workers
    stages: Maybe = UNSET


class Report(msgspec.Struct, kw_only=True):
    """report: the written file, the recommended recipe, and the next commands."""

    study: str
    report: str
    recommended: Object | None
    next: list[Object]
    recommended_reason: str | UnsetType = UNSET
    stage: str | UnsetType = UNSET


class Plan(msgspec.Struct, kw_only=True):
    """plan: the runs that each grid needs to detect an effect, and the cheapest grid."""

    task: str
    unit: str
    goal: Object
    adjustment: str
    sigma: float
    sigma_source: str
    sigma_estimate: Number
    sigma_df: Number
    runs: int | None
    workers: int
    seconds_per_run: Number
    seconds_reason: str | None
    grids: list[Object]
    cheapest: dict[str, str | None]
    notes: list[str]
